//! JPEGs that are made smaller, of the kind that nearly all photos are: baseline, eight bits, gray or brightness with two colours.
//!
//! Most of the time of reading a large photo goes into its codes, of which a small picture needs few: an eighth of the size takes one
//! number of 64 in each block, a quarter of it four. The others are stepped over here, several with one look at a table, which takes a
//! third of the time. What is kept is what the picture has of coarse detail; libjpeg takes means of fine detail instead, some of which is left
//! as a pattern.
//!
//! Whatever is unusual or wrong is left to libjpeg, which knows all kinds of JPEG and says what is wrong.

mod bits;
mod codes;
mod colours;
mod cosines;
mod header;

use super::Decoded;
use crate::ImageError;
use crate::limits::Deadline;
use crate::picture::{Layout, Picture};
use bits::Bits;
use cosines::Cosines;
use header::{Component, Header};

/// Samples a side of the block that is made of each block of eight, for a reduction by this factor: as few as leave no fewer pixels than
/// are needed. Nothing if that is more than half of them.
pub(super) fn side(factor: f64) -> Option<usize> {
    (1..=4).find(|side| 8.0 / *side as f64 <= factor)
}

/// The picture, not smaller than the reduction by `shrink` asks for; nothing if it is none of those that are read here.
pub(crate) fn decode(
    bytes: &[u8],
    shrink: f64,
    deadline: Deadline,
) -> Result<Option<Decoded>, ImageError> {
    let read = |side| Some((side, Header::read(bytes)?));
    let Some((side, header)) = side(shrink).and_then(read) else {
        return Ok(None);
    };
    let scaled = |length: usize| (length * side).div_ceil(8) as u32;
    let (width, height) = (scaled(header.width), scaled(header.height));
    let mut picture = Picture::new(width, height, Layout::Rgb)?;
    let mut scan = Scan::new(&header, side);
    let stride = picture.stride();
    for rows in picture.pixels.chunks_mut(stride * scan.rows()) {
        deadline.check()?;
        if scan.next().is_none() {
            return Ok(None);
        }
        for (number, row) in rows.chunks_exact_mut(stride).enumerate() {
            scan.colours(number, row);
        }
    }
    if !scan.bits.is_end_of_image() {
        return Ok(None);
    }
    let scale = side as f64 / 8.0;
    Ok(Some(Decoded {
        picture,
        scale: (scale, scale),
    }))
}

/// The picture's data, of which each step reads a row of the units that it is made of.
struct Scan<'a> {
    bits: Bits<'a>,
    planes: Vec<Plane<'a>>,
    /// Units of a row.
    units: usize,
    /// Units between two marks from which reading can go on after a fault, and those left until the next.
    restart: Option<(usize, usize)>,
}

/// As many rows of one component as a row of units has. All planes have the same size: components with fewer samples are made less smaller.
struct Plane<'a> {
    component: &'a Component,
    cosines: Cosines,
    samples: Vec<f32>,
    stride: usize,
    /// The last block's mean, from which the next is told.
    mean: i32,
}

impl<'a> Scan<'a> {
    fn new(header: &'a Header<'a>, side: usize) -> Self {
        let across = header.most(|component| component.across);
        let down = header.most(|component| component.down);
        let units = header.width.div_ceil(8 * across);
        let stride = (units * across * side).next_multiple_of(colours::LANES);
        let plane = |component: &'a Component| Plane {
            component,
            cosines: Cosines::new(
                side * across / component.across,
                side * down / component.down,
            ),
            samples: vec![0.0; stride * down * side],
            stride,
            mean: 0,
        };
        Self {
            bits: Bits::new(header.data),
            planes: header.components.iter().map(plane).collect(),
            units,
            restart: header.restart.map(|units| (units, units)),
        }
    }

    /// Rows of the picture that a row of units becomes.
    fn rows(&self) -> usize {
        self.planes
            .first()
            .map_or(1, |plane| plane.samples.len() / plane.stride)
    }

    /// Reads a row of units.
    fn next(&mut self) -> Option<()> {
        for unit in 0..self.units {
            if let Some((every, left)) = &mut self.restart {
                if *left == 0 {
                    self.bits.restart()?;
                    *left = *every;
                    self.planes.iter_mut().for_each(|plane| plane.mean = 0);
                }
                *left -= 1;
            }
            for plane in &mut self.planes {
                plane.read(&mut self.bits, unit)?;
            }
            if self.bits.is_over() {
                return None;
            }
        }
        Some(())
    }

    /// A row of what was read, as red, green and blue.
    fn colours(&self, row: usize, to: &mut [u8]) {
        match &self.planes[..] {
            [luma, blue, red] => colours::of(luma.row(row), blue.row(row), red.row(row), to),
            [luma, ..] => colours::gray(luma.row(row), to),
            [] => {}
        }
    }
}

impl Plane<'_> {
    fn row(&self, number: usize) -> &[f32] {
        &self.samples[number * self.stride..][..self.stride]
    }

    /// Reads this component's blocks of a unit.
    fn read(&mut self, bits: &mut Bits<'_>, unit: usize) -> Option<()> {
        let (width, height) = self.cosines.size();
        let Component { across, down, .. } = *self.component;
        for y in 0..down {
            for x in 0..across {
                let to = y * height * self.stride + (unit * across + x) * width;
                self.component
                    .block(bits, &mut self.mean, &mut self.cosines)?;
                self.cosines.write(&mut self.samples[to..], self.stride);
            }
        }
        Some(())
    }
}

impl Component {
    /// Reads a block's numbers into `cosines`, as many as they have a use for.
    fn block(&self, data: &mut Bits<'_>, mean: &mut i32, cosines: &mut Cosines) -> Option<()> {
        let last = cosines.last();
        // A copy, which can stay in registers.
        let bits = &mut Bits::clone(data);
        bits.refill();
        let size = self.means.next(bits)?;
        // Files with a fault can have a mean grow without end.
        *mean = mean.wrapping_add(bits.signed(u32::from(size)));
        cosines.start(*mean as f32 * self.steps[0] + self.middle);
        let mut at = 1;
        while at <= last {
            bits.refill();
            let (value, skipped) = self.details.next(bits)?;
            at += skipped;
            if at <= last {
                cosines.set(at, f32::from(value) * self.steps[at & 63]);
            }
            at += 1;
        }
        while at < 64 {
            bits.refill();
            at = self.details.skip(bits, at)?;
        }
        *data = *bits;
        Some(())
    }
}

#[cfg(test)]
mod tests;
