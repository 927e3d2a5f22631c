//! From a file's bytes and what is asked for to another file's bytes.

mod frame;
mod overlay;
mod place;

use serde::{Deserialize, Serialize};

use crate::decode::{self, Decoded};
use crate::encode::{self, Settings};
use crate::geometry::Size;
use crate::limits::{Deadline, area};
use crate::picture::Picture;
use crate::probe::{self, copyright_only, without_orientation};
use crate::profile::Profile;
use crate::transform::{Compression, Format, FormatChoice, Metadata, Transform};
use crate::{ImageError, Info, Limits, quality};
use frame::Steps;
use overlay::Stamp;
use place::Place;

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it is: another format than was asked for when that can't hold it.
    pub format: Format,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How many frames it has.
    pub frames: u32,
    /// The quality that it was written with, 1 to 100.
    pub quality: u8,
    /// What it was made of.
    pub source: Info,
}

impl Rendered {
    /// What was made and of what, as JSON: what `format=json` asks for.
    #[must_use]
    pub fn describe(&self) -> String {
        let (width, height) = self.source.upright();
        format!(
            r#"{{"width":{},"height":{},"format":"{}","file_size":{},"frames":{},"original":{{"width":{width},"height":{height},"format":"{}","file_size":{},"frames":{}}}}}"#,
            self.width,
            self.height,
            self.format.media_type(),
            self.bytes.len(),
            self.frames,
            self.source.kind.media_type(),
            self.source.bytes,
            self.source.frames,
        )
    }
}

/// Makes what is asked for. `overlays` are the files of the transform's overlays, in their order.
///
/// # Errors
/// When the source or an overlay can't be read or is over a limit, when the result would be, and when the time is over.
pub fn render(
    bytes: &[u8],
    transform: &Transform,
    limits: &Limits,
    overlays: &[&[u8]],
) -> Result<Rendered, ImageError> {
    let deadline = limits.deadline();
    let (info, metadata) = probe::read(bytes, limits)?;
    let stamps = Stamp::all(transform, overlays, limits, deadline)?;
    let job = Job {
        bytes,
        info: &info,
        transform,
        limits,
        deadline,
        profile: Profile::read(metadata.icc.as_deref()),
        stamps,
    };
    let format = wanted_format(&info, transform);
    let moves = transform.anim && info.frames > 1 && format.moves();
    let exif = kept(metadata.exif.as_deref(), transform.metadata);
    if moves {
        job.animation(format)
    } else {
        job.still(format, exif)
    }
}

/// The format that is asked for; where none is, the one that suits the source.
fn wanted_format(info: &Info, transform: &Transform) -> Format {
    match transform.format {
        FormatChoice::Only(format) => format,
        FormatChoice::Source | FormatChoice::Auto | FormatChoice::Json => {
            info.own_format(transform.anim)
        }
    }
}

fn kept(exif: Option<&[u8]>, metadata: Metadata) -> Option<Vec<u8>> {
    match metadata {
        Metadata::Copyright => copyright_only(exif?),
        Metadata::Keep => Some(without_orientation(exif?)),
        Metadata::None => None,
    }
}

/// All that making one result needs.
struct Job<'a> {
    bytes: &'a [u8],
    info: &'a Info,
    transform: &'a Transform,
    limits: &'a Limits,
    deadline: Deadline,
    profile: Profile,
    stamps: Vec<Stamp>,
}

impl Job<'_> {
    fn still(&self, format: Format, exif: Option<Vec<u8>>) -> Result<Rendered, ImageError> {
        let decoded = self.decode()?;
        let place = Place::of(self.info, self.transform, &decoded)?;
        self.check_output(&place, 1)?;
        let steps = self.steps(&place, format);
        let picture = steps.run(decoded, self.deadline)?;
        let (width, height) = (picture.width, picture.height);
        let format = format.that_holds(width, height, picture.has_alpha(), self.limits.avif_pixels);
        let picture = steps.ground(picture, format);
        let settings = self.settings(&picture, exif)?;
        let bytes = encode::still(picture, format, &settings)?;
        Ok(self.rendered(bytes, format, (width, height), 1, settings.quality))
    }

    fn animation(&self, format: Format) -> Result<Rendered, ImageError> {
        let mut frames = decode::animation(self.bytes, self.info, self.limits)?;
        let first = frames.next()?;
        let first = first.ok_or_else(|| ImageError::broken("it has no picture"))?;
        let delay = first.delay;
        let mut whole = Decoded::whole(first.picture);
        let place = Place::of(self.info, self.transform, &whole)?;
        self.check_output(&place, self.info.frames)?;
        let steps = self.steps(&place, format);
        let size = place.size();
        let mut moving: Option<(encode::Animation, Settings)> = None;
        let (mut count, mut delay) = (0, delay);
        loop {
            self.deadline.check()?;
            let picture = steps.run(whole, self.deadline)?;
            let (animation, _) = match &mut moving {
                Some(moving) => moving,
                None => {
                    let settings = self.settings(&picture, None)?;
                    let animation =
                        encode::Animation::new(format, size, frames.loops(), &settings)?;
                    moving.insert((animation, settings))
                }
            };
            animation.add(picture, delay)?;
            count += 1;
            let Some(next) = frames.next()? else { break };
            (whole, delay) = (Decoded::whole(next.picture), next.delay);
        }
        let Some((animation, settings)) = moving else {
            return Err(ImageError::broken("it has no picture"));
        };
        let bytes = animation.finish()?;
        Ok(self.rendered(bytes, format, size, count, settings.quality))
    }

    /// The picture, as small as the result allows. Borders are looked for at full size, where they end.
    fn decode(&self) -> Result<Decoded, ImageError> {
        let shrink = if self.transform.trim.border.is_some() {
            1.0
        } else {
            Place::expected(self.info, self.transform)?.shrink()
        };
        let decoded = decode::still(self.bytes, self.info, shrink, self.limits, self.deadline)?;
        self.deadline.check()?;
        Ok(Decoded {
            picture: decoded.picture.without_idle_alpha(),
            ..decoded
        })
    }

    fn check_output(&self, place: &Place, frames: u32) -> Result<(), ImageError> {
        let (width, height) = place.size();
        self.limits.check_output(width, height, frames)
    }

    fn steps<'a>(&'a self, place: &'a Place, format: Format) -> Steps<'a> {
        Steps {
            place,
            transform: self.transform,
            profile: &self.profile,
            stamps: &self.stamps,
            format,
        }
    }

    fn settings(&self, picture: &Picture, exif: Option<Vec<u8>>) -> Result<Settings, ImageError> {
        let transform = self.transform;
        let quality = quality::choose(transform.quality(), picture, self.limits, self.deadline)?;
        self.deadline.check()?;
        Ok(Settings {
            quality,
            may_reduce: transform.quality.is_some(),
            progressive: transform.progressive,
            fast: transform.compression == Compression::Fast,
            exif,
        })
    }

    fn rendered(
        &self,
        bytes: Vec<u8>,
        format: Format,
        (width, height): (u32, u32),
        frames: u32,
        quality: u8,
    ) -> Rendered {
        Rendered {
            bytes,
            format,
            width,
            height,
            frames,
            quality,
            source: self.info.clone(),
        }
    }
}

impl Info {
    /// The format that a result has when none is asked for: JPEG, PNG for what may be transparent, its own for what moves.
    fn own_format(&self, anim: bool) -> Format {
        use crate::Kind;
        match self.kind {
            Kind::Gif if self.frames > 1 && anim => Format::Gif,
            Kind::Webp if self.frames > 1 && anim => Format::Webp,
            Kind::Png | Kind::Gif => Format::Png,
            Kind::Webp if self.alpha => Format::Png,
            Kind::Webp | Kind::Jpeg => Format::Jpeg,
        }
    }
}

/// About how many bytes an encoder of AVIF keeps for each pixel.
const AVIF_ENCODER: u64 = 40;

/// About how many bytes of memory rendering takes, beside those of the source and of the result: what has to be free before it begins.
#[must_use]
pub fn cost(info: &Info, transform: &Transform) -> u64 {
    let channels = if info.alpha || info.inks { 4 } else { 3 };
    let (shrink, result) = match Place::expected(info, transform) {
        Ok(place) => {
            let (width, height) = place.size();
            (place.shrink(), area(width, height))
        }
        Err(_) => (1.0, area(info.width, info.height)),
    };
    let shrink = decode::shrink(info, shrink);
    let source = area(info.width, info.height);
    let decoded = (source as f64 / (shrink * shrink)) as u64 * channels;
    // An animation has its canvas, the frame that is made of it, and often the frame before; colours with alpha are multiplied in a copy.
    let copies = match (info.frames > 1, info.alpha) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 1,
    };
    let coefficients = if info.kind == crate::Kind::Jpeg && info.progressive {
        source * 3
    } else {
        0
    };
    let encoder = match transform.format {
        FormatChoice::Only(Format::Avif) => result * AVIF_ENCODER,
        _ => 0,
    };
    decoded * copies + coefficients + result * (channels + 4) + encoder + (1 << 20)
}

/// A size that can't be none.
fn size(width: u32, height: u32) -> Result<Size, ImageError> {
    Size::new(width, height).ok_or_else(|| ImageError::failed("a picture without pixels"))
}

#[cfg(test)]
mod likeness;
#[cfg(test)]
mod tests;
