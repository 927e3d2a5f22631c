//! Settings of `image`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::AHashMap;
use rimward_config::{ByteSize, Span};
use rimward_images::syntax;
use rimward_images::transform::{Dpr, Ladder, Pixels, Quality};
use rimward_images::{Bounds, Options};
use schemars::JsonSchema;
use serde::Deserialize;

use super::asked::Reading;
use super::table::OptionTable;
use crate::credentials::Word;
use crate::filter::BuildError;
use crate::pictures::{Failing, Mode, Sites, Work};

/// Settings of `image`.
///
/// What is done to a picture is said by options, as Cloudflare names them: in the path, as
/// `/cdn-cgi/image/width=400,format=auto/photos/cat.jpg`, where what follows the options is the path of the original on the
/// same site with its query, or an absolute URL of one of the `sources`; or with `query` in the query of the original itself,
/// as `/photos/cat.jpg?width=400&format=auto`. Options are `width` (`w`; `auto` takes the client's hints), `height` (`h`),
/// `dpr`, `fit` (scale-down, contain, cover, crop, aspect-crop, pad, squeeze), `gravity` (`g`; auto, left, right, top, bottom,
/// `0.5x0.33`), `format` (`f`; auto, avif, webp, jpeg, baseline-jpeg, png, gif, json), `quality` (`q`; 1 to 100, high,
/// medium-high, medium-low, low, auto), `slow-connection-quality` (`scq`), `compression=fast`, `background`, `border`,
/// `padding`, `trim`, `rotate`, `flip`, `blur`, `sharpen`, `brightness`, `contrast`, `gamma`, `saturation`, `anim`,
/// `metadata`, `progressive`, `onerror=redirect` and `preset`. `gravity=face`, `segment=foreground` and `upscale=generate` are
/// accepted and done without: `x-image-unmet` tells it.
///
/// Originals come through the cache of this edge, as a request for them would. Redirects in place of one are followed; a picture is fresh no
/// longer than they are, which is a minute for a temporary one that says nothing. Of each picture that is made there is one
/// object: it is fresh for as long as its original, has its surrogate keys, and is purged by the URL of the original; where redirects
/// led to, that path or URL is a surrogate key, too. Its
/// `ETag` is its own. `x-image` tells what was made, or by a number of Cloudflare's why the original is served in its place.
/// The access log has the fields `image` and, when a picture was made, `image_ms`. Signed links are checked by `signed_url`
/// before this filter.
///
/// Originals are asked for without cookies and credentials, since everybody gets what is made of them. Those that clients may not have as
/// they are come from an `origin`. For `width=auto` and `slow-connection-quality`, pages have to say
/// `Accept-CH: Sec-CH-Width, Sec-CH-Viewport-Width, Sec-CH-DPR, Save-Data, RTT, ECT, Downlink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// How paths begin that hold options. The route has to be for such paths. Empty for none.
    #[serde(default = "usual_path")]
    pub(super) path: String,
    /// Whether options are read from the query, too. They have their names there, or those of imgix and Fastly (`w`, `h`, `q`,
    /// `fm`, `bg`, `crop`, `auto=format`, …); parameters of other names belong to the original.
    #[serde(default)]
    pub(super) query: bool,
    /// Options that have a name together: `preset=thumb`, or `thumb` alone in a path. What is said beside it wins.
    #[serde(default)]
    #[schemars(title = "table of tables of options")]
    pub(super) presets: BTreeMap<Word, OptionTable>,
    /// Options that hold where nothing else is said.
    #[schemars(title = "table of options")]
    pub(super) defaults: Option<OptionTable>,
    /// Options that hold whatever is said.
    #[schemars(title = "table of options")]
    pub(super) fixed: Option<OptionTable>,
    /// Names of the options that clients may give; all, if it is not set. Presets may be asked for in any case. In a path
    /// others are refused, in a query they belong to the original.
    pub(super) allow: Option<Vec<String>>,
    /// The widths that there are: others that clients ask for become the next larger one, or the largest, and heights follow.
    /// Without them everybody can have as many pictures made as there are numbers.
    #[serde(default)]
    pub(super) widths: Vec<u32>,
    /// The qualities that clients may ask for, in numbers or words; all, if it is empty.
    #[serde(default)]
    pub(super) qualities: Vec<String>,
    /// The largest width that may be asked for, `dpr` included.
    #[serde(default = "usual_side")]
    #[schemars(range(min = 1, max = 65535))]
    pub(super) max_width: u32,
    /// The largest height that may be asked for, `dpr` included.
    #[serde(default = "usual_side")]
    #[schemars(range(min = 1, max = 65535))]
    pub(super) max_height: u32,
    /// The largest `dpr`: what is above counts as this.
    #[serde(default = "five")]
    pub(super) max_dpr: f64,
    /// Other sites whose pictures may be asked for by absolute URLs, such as `https://images.example.org`. They are fetched
    /// from public addresses alone, if nothing else is said.
    #[serde(default)]
    pub(super) sources: Vec<String>,
    /// Whether `sources` may be at addresses of private networks or of this machine. Those of one link, such as `169.254.169.254`, are
    /// never asked.
    #[serde(default)]
    pub(super) private_sources: bool,
    /// How many redirects lead to an original: to the same site or to one of the `sources`. A redirect to anywhere else is not
    /// followed, so that there is no picture. With `0` they are passed on to the client.
    #[serde(default = "usual_redirects")]
    #[schemars(range(max = 20))]
    pub(super) redirects: u8,
    /// An origin that originals are asked of, past the site's routes, filters and cache: for those that clients may not have as they
    /// are. Pictures of them are stored as others are.
    pub(super) origin: Option<String>,
    /// What clients get when no picture can be made: the `original`, for a minute and with the reason in `x-image`, or an
    /// `error`. With an `origin` it is an error.
    pub(super) failing: Option<Failing>,
    /// How many bytes an original may have.
    #[serde(default = "usual_source")]
    #[schemars(title = "size")]
    pub(super) max_source: ByteSize,
    /// How many pixels an original may have, those of all frames together.
    #[serde(default = "usual_pixels")]
    pub(super) max_pixels: u64,
    /// How many frames an animation may have.
    #[serde(default = "usual_frames")]
    pub(super) max_frames: u32,
    /// How many pixels a result may have.
    #[serde(default = "usual_output")]
    pub(super) max_output_pixels: u64,
    /// How many pixels a result may have that is written as AVIF; larger ones become WebP.
    #[serde(default = "usual_avif")]
    pub(super) max_avif_pixels: u64,
    /// How long a picture may take from the request on: until its original is there, what redirects to that and what is drawn over it
    /// included, until its turn has come, and until it is made.
    #[serde(default = "ten_seconds")]
    #[schemars(title = "duration")]
    pub(super) timeout: Span,
    /// Where pictures are made. In a `process` that can open no file, reach no network and take little memory, and is killed when its
    /// time is over: a mistake in a decoder costs one picture. Or on a `thread` of the edge, which saves a tenth of a
    /// millisecond. A process, if it is not set and the program can start one, as `rimward` can.
    pub(super) mode: Option<Mode>,
    /// How many pictures are made at a time, beside the workers. As many as there are processors, if it is not set. All filters
    /// with the same `threads`, `memory` and `queue` share them.
    #[schemars(range(min = 1, max = 256))]
    pub(super) threads: Option<usize>,
    /// How much memory pictures may take that are made at a time, and as much again their originals. A quarter of the machine's, if
    /// it is not set.
    #[schemars(title = "size")]
    pub(super) memory: Option<ByteSize>,
    /// How many pictures may wait for their turn; what comes then fails at once. Those that a client waits for come before those
    /// that are made anew in the background.
    #[serde(default = "usual_queue")]
    #[schemars(range(min = 1, max = 10000))]
    pub(super) queue: usize,
}

impl Settings {
    /// What the making of pictures may take.
    pub(super) fn work(&self) -> Work {
        Work {
            origin: self.origin.clone(),
            redirects: self.redirects,
            private_sources: self.private_sources,
            max_source: self.max_source.0,
            max_pixels: self.max_pixels,
            max_frames: self.max_frames,
            max_output_pixels: self.max_output_pixels,
            max_avif_pixels: self.max_avif_pixels,
            timeout: self.timeout.0,
            mode: self.mode,
            threads: self.threads,
            memory: self.memory.map(|memory| memory.0),
            queue: self.queue,
        }
    }

    /// Where originals may be.
    pub(super) fn sites(&self) -> Result<Arc<Sites>, BuildError> {
        Sites::new(&self.path, &self.sources).map(Arc::new)
    }

    /// What clients get when no picture can be made.
    pub(super) fn failing(&self) -> Result<Failing, BuildError> {
        match (self.failing, &self.origin) {
            (Some(Failing::Original), Some(_)) => {
                let message = "originals of an `origin` are not for clients: use `error`";
                Err(BuildError::at("failing", message))
            }
            (None, Some(_)) => Ok(Failing::Error),
            (failing, _) => Ok(failing.unwrap_or(Failing::Original)),
        }
    }

    /// How requests are read.
    pub(super) fn into_reading(self, sites: Arc<Sites>) -> Result<Reading, BuildError> {
        let is_prefix = self.path.starts_with('/') && self.path.ends_with('/');
        if !(is_prefix || self.path.is_empty()) {
            let message = format!(
                "`{}` does not begin and end with `/`, as `/cdn-cgi/image/` does",
                self.path
            );
            return Err(BuildError::at("path", message));
        }
        if self.path.is_empty() && !self.query {
            let message = "no request could ask for a picture: give a `path`, or set `query`";
            return Err(BuildError::at("path", message));
        }
        let bounds = self.bounds()?;
        let ladder = match self.widths.is_empty() {
            true => Ladder::of_devices(),
            false => bounds.widths.clone(),
        };
        let table = |table: Option<OptionTable>| table.unwrap_or_default().0;
        let presets: AHashMap<Box<str>, Options> = self
            .presets
            .iter()
            .map(|(name, OptionTable(options))| (name.as_str().into(), options.clone()))
            .collect();
        let reading = Reading {
            allow: allowed(self.allow.as_deref())?,
            sites,
            path: self.path.into(),
            query: self.query,
            presets,
            defaults: table(self.defaults),
            fixed: table(self.fixed),
            bounds,
            ladder,
        };
        reading.check_presets()?;
        Ok(reading)
    }

    fn bounds(&self) -> Result<Bounds, BuildError> {
        let pixels = |key: &str, number: u32| {
            Pixels::new(number).ok_or_else(|| {
                BuildError::at(
                    key,
                    format!("{number} is not a number of pixels: 1 to 65535"),
                )
            })
        };
        let widths = self.widths.iter().enumerate();
        let widths: Result<Vec<Pixels>, _> = widths
            .map(|(at, width)| pixels(&format!("widths[{at}]"), *width))
            .collect();
        let qualities = self.qualities.iter().enumerate();
        let qualities: Result<Vec<Quality>, _> = qualities
            .map(|(at, quality)| quality.parse().map_err(wrong(&format!("qualities[{at}]"))))
            .collect();
        Ok(Bounds {
            max_width: pixels("max_width", self.max_width)?,
            max_height: pixels("max_height", self.max_height)?,
            max_dpr: self
                .max_dpr
                .to_string()
                .parse::<Dpr>()
                .map_err(wrong("max_dpr"))?,
            widths: Ladder::new(widths?),
            qualities: qualities?.into(),
        })
    }
}

fn wrong<E: ToString>(key: &str) -> impl Fn(E) -> BuildError {
    move |error| BuildError::at(key, error.to_string())
}

fn allowed(names: Option<&[String]>) -> Result<Option<Vec<&'static str>>, BuildError> {
    let Some(names) = names else { return Ok(None) };
    let known = names.iter().enumerate().map(|(at, name)| {
        syntax::option(name).ok_or_else(|| {
            let expected = "such as width, height, fit, gravity, quality or format";
            BuildError::at(
                format!("allow[{at}]"),
                format!("`{name}` is not an option {expected}"),
            )
        })
    });
    known.collect::<Result<_, _>>().map(Some)
}

fn usual_path() -> String {
    "/cdn-cgi/image/".to_owned()
}

fn usual_side() -> u32 {
    12_000
}

fn five() -> f64 {
    5.0
}

fn usual_redirects() -> u8 {
    Work::default().redirects
}

fn usual_source() -> ByteSize {
    ByteSize(Work::default().max_source)
}

fn usual_pixels() -> u64 {
    Work::default().max_pixels
}

fn usual_frames() -> u32 {
    Work::default().max_frames
}

fn usual_output() -> u64 {
    Work::default().max_output_pixels
}

fn usual_avif() -> u64 {
    Work::default().max_avif_pixels
}

fn ten_seconds() -> Span {
    Span(Work::default().timeout)
}

fn usual_queue() -> usize {
    Work::default().queue
}
