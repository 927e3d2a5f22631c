//! What a JPEG says before its data.

use super::codes::{Codes, Details};
use crate::probe::Cursor;
use crate::probe::jpeg::{Frame, Part, marker, segment};

/// Of a picture that is read here.
pub(super) struct Header<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
    /// Units after which reading can begin anew.
    pub(super) restart: Option<usize>,
    /// What follows.
    pub(super) data: &'a [u8],
}

/// Brightness, or one of both colours.
pub(super) struct Component {
    /// Blocks of a unit.
    pub(super) across: usize,
    pub(super) down: usize,
    /// By what the numbers of a block are multiplied, in the order in which they come.
    pub(super) steps: [f32; 64],
    /// What is added to a block's mean.
    pub(super) middle: f32,
    pub(super) means: Codes,
    pub(super) details: Details,
}

/// What is known before the data begins.
#[derive(Default)]
struct Tables {
    frame: Option<Frame>,
    steps: [Option<[f32; 64]>; 4],
    means: [Option<Huffman>; 4],
    details: [Option<Huffman>; 4],
    restart: usize,
}

/// How many codes there are of each length, and what they mean.
type Huffman = ([u8; 16], Vec<u8>);

impl<'a> Header<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Cursor(bytes.get(2..)?);
        let mut tables = Tables::default();
        loop {
            let code = marker(&mut rest).ok()?;
            let mut data = Cursor(segment(&mut rest).ok()?);
            match code {
                0xda => return tables.header(&mut data, rest.0),
                0xc0 | 0xc1 => tables.frame = Some(Frame::read(&mut data).ok()?),
                0xc4 => tables.read_codes(&mut data)?,
                0xdb => tables.read_steps(&mut data)?,
                0xdd => tables.restart = data.u16_be().ok()?.into(),
                // libjpeg warns of versions of JFIF that there are none of.
                0xe0 if data.0.starts_with(b"JFIF\0") && data.0.get(5) != Some(&1) => return None,
                // Where Adobe says so, colours are red, green and blue.
                0xee if data.0.starts_with(b"Adobe") && data.0.get(11) != Some(&1) => return None,
                // What is told beside the picture.
                0xe0..=0xef | 0xfe => continue,
                _ => return None,
            }
            if !data.0.is_empty() {
                return None;
            }
        }
    }

    /// The most of something that a component has.
    pub(super) fn most(&self, of: impl Fn(&Component) -> usize) -> usize {
        self.components.iter().map(of).max().unwrap_or(1)
    }
}

impl Tables {
    fn read_steps(&mut self, data: &mut Cursor<'_>) -> Option<()> {
        while !data.0.is_empty() {
            let kind = data.byte().ok()?;
            let mut steps = [0.0; 64];
            for step in &mut steps {
                *step = match kind >> 4 {
                    0 => data.byte().ok()?.into(),
                    _ => data.u16_be().ok()?.into(),
                };
            }
            *self.steps.get_mut(usize::from(kind & 15))? = Some(steps);
        }
        Some(())
    }

    fn read_codes(&mut self, data: &mut Cursor<'_>) -> Option<()> {
        while !data.0.is_empty() {
            let kind = data.byte().ok()?;
            let counts: [u8; 16] = data.array().ok()?;
            let sum = counts.iter().map(|count| usize::from(*count)).sum();
            let values = data.take(sum).ok()?.to_vec();
            let tables = match kind >> 4 {
                0 => &mut self.means,
                1 => &mut self.details,
                _ => return None,
            };
            *tables.get_mut(usize::from(kind & 15))? = Some((counts, values));
        }
        Some(())
    }

    /// All of it, if one scan has the whole picture.
    fn header<'a>(&self, scan: &mut Cursor<'_>, data: &'a [u8]) -> Option<Header<'a>> {
        let frame = self.frame.as_ref()?;
        let is_sized = frame.depth == 8 && frame.width > 0 && frame.height > 0;
        if !is_sized || !frame.is_plain() || usize::from(scan.byte().ok()?) != frame.parts.len() {
            return None;
        }
        let components = self.components(&frame.parts, scan)?;
        // From the first number to the last, all bits of them.
        (scan.0 == [0, 63, 0]).then_some(Header {
            width: frame.width.into(),
            height: frame.height.into(),
            components,
            restart: (self.restart > 0).then_some(self.restart),
            data,
        })
    }

    fn components(&self, parts: &[Part], scan: &mut Cursor<'_>) -> Option<Vec<Component>> {
        let mut components = Vec::new();
        for part in parts {
            let [id, codes] = scan.array().ok()?;
            components.push(self.component(part, codes).filter(|_| id == part.id)?);
        }
        if let [gray] = &mut components[..] {
            // Alone, a component has its blocks one after the other.
            (gray.across, gray.down) = (1, 1);
        }
        if let Some(luma) = components.first_mut() {
            luma.middle = 8.0 * 128.0;
        }
        Some(components)
    }

    fn component(&self, part: &Part, codes: u8) -> Option<Component> {
        let made = |tables: &[Option<Huffman>; 4], number: u8| {
            let (counts, values) = tables.get(usize::from(number))?.as_ref()?;
            Codes::new(counts, values)
        };
        let means = made(&self.means, codes >> 4).filter(Codes::are_sizes)?;
        Some(Component {
            across: part.across.into(),
            down: part.down.into(),
            steps: (*self.steps.get(usize::from(part.steps))?)?,
            middle: 0.0,
            means,
            details: Details::new(made(&self.details, codes & 15)?),
        })
    }
}
