//! Which picture a request asks for: what is done to which original.

use std::sync::Arc;

use ahash::AHashMap;
use http::Method;
use rimward_images::syntax::{self, cloudflare, query};
use rimward_images::transform::Ladder;
use rimward_images::{Bounds, FormatChoice, Hints, Options};

use crate::exchange::Exchange;
use crate::filter::BuildError;
use crate::parameters::{name_of, value_of};
use crate::pictures::{Sites, Source, Url, Wanted, negotiated};

/// How a request is read.
pub(super) struct Reading {
    /// How paths begin that hold options; none do, if it is empty.
    pub(super) path: Box<str>,
    /// Whether options are read from the query.
    pub(super) query: bool,
    pub(super) presets: AHashMap<Box<str>, Options>,
    pub(super) defaults: Options,
    pub(super) fixed: Options,
    /// The options that clients may give; all, if there is no list.
    pub(super) allow: Option<Vec<&'static str>>,
    pub(super) bounds: Bounds,
    /// The widths that hints become.
    pub(super) ladder: Ladder,
    pub(super) sites: Arc<Sites>,
}

/// Why a request for a picture is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// The number that Cloudflare has for it.
    pub(super) code: u16,
    pub(super) why: String,
}

/// What is asked for, as the request has it.
struct Written<'a> {
    given: Options,
    preset: Options,
    source: &'a str,
    /// The query of the original.
    query: String,
}

impl Refused {
    fn options(why: impl ToString) -> Self {
        Self {
            code: 9401,
            why: why.to_string(),
        }
    }

    fn source(why: impl Into<String>) -> Self {
        Self {
            code: 9406,
            why: why.into(),
        }
    }

    /// A picture is asked for as the original of a picture.
    pub(super) fn of_itself() -> Self {
        Self {
            code: 9403,
            why: "a picture can't be the original of another".to_owned(),
        }
    }
}

impl Reading {
    /// Whether all that is asked for by name is within the bounds.
    pub(super) fn check_presets(&self) -> Result<(), BuildError> {
        let nothing = Options::default();
        let presets = self.presets.iter();
        let presets = presets.map(|(name, preset)| (format!("presets.{name}"), preset));
        for (key, preset) in presets.chain([("defaults".to_owned(), &nothing)]) {
            let preset = self.fixed.clone().over(preset.clone());
            let resolved = preset
                .over(self.defaults.clone())
                .resolve(&self.bounds_of(&nothing));
            let resolved = resolved.map_err(|error| BuildError::at(&key, error.to_string()))?;
            for overlay in &resolved.overlays {
                let url = &overlay.source;
                if !url.starts_with('/') && !self.sites.have(url) {
                    let expected = "neither a path on this site nor a URL of one of the `sources`";
                    let message = format!("`{url}` is {expected}");
                    return Err(BuildError::at(format!("{key}.draw"), message));
                }
            }
        }
        Ok(())
    }

    /// What a request asks for; none if it is not about a picture.
    pub(super) fn read(&self, exchange: &Exchange) -> Result<Option<Wanted>, Refused> {
        let Some(written) = self.written(exchange)? else {
            return Ok(None);
        };
        let Written {
            given,
            preset,
            source,
            query,
        } = written;
        let source = self.source(exchange, source, &query)?;
        let bounds = self.bounds_of(&given);
        let mut options = self
            .fixed
            .clone()
            .over(given)
            .over(preset)
            .over(self.defaults.clone());
        let mut vary: Vec<&'static str> = Hints::vary(&options).collect();
        if !vary.is_empty() {
            hints(exchange).apply(&mut options, &self.ladder);
        }
        let unmet: Vec<&str> = options.unmet().collect();
        let unmet = (!unmet.is_empty()).then(|| unmet.join(", ").into());
        let mut transform = options.resolve(&bounds).map_err(Refused::options)?;
        if transform.format == FormatChoice::Auto {
            vary.push("Accept");
            transform = negotiated(exchange, transform);
        }
        if source.elsewhere.is_some() {
            transform = transform.failing_as_the_route();
        }
        let overlays = transform.overlays.iter();
        let overlays = overlays.map(|overlay| match overlay.source.starts_with('/') {
            true => Source::here(&overlay.source),
            false => self.sites.elsewhere(&overlay.source),
        });
        Ok(Some(Wanted {
            overlays: overlays.collect(),
            canonical: transform.canonical().into(),
            transform: Arc::new(transform),
            source,
            is_apart: true,
            vary: vary.into(),
            unmet,
            outcome: Arc::default(),
        }))
    }

    /// What is asked for is held to the lists of widths and qualities; what the configuration says itself is not.
    fn bounds_of(&self, given: &Options) -> Bounds {
        let mut bounds = self.bounds.clone();
        if given.width.is_none() || self.fixed.width.is_some() {
            bounds.widths = Ladder::default();
        }
        let has_quality = given.quality.is_some() || given.slow_quality.is_some();
        if !has_quality || self.fixed.quality.is_some() {
            bounds.qualities = [].into();
        }
        bounds
    }

    fn written<'a>(&self, exchange: &'a Exchange) -> Result<Option<Written<'a>>, Refused> {
        if !matches!(exchange.request.method, Method::GET | Method::HEAD) {
            return Ok(None);
        }
        let path = exchange.path();
        if !self.path.is_empty()
            && let Some(rest) = path.strip_prefix(&*self.path)
        {
            let (options, source) = rest
                .split_once('/')
                .filter(|(_, source)| !source.is_empty())
                .ok_or_else(|| {
                    Refused::source(format!(
                        "there is no source: it follows the options, as `{}width=80/photo.jpg`",
                        self.path
                    ))
                })?;
            let query = exchange.query().unwrap_or_default().to_owned();
            let (given, preset) = self.in_path(options)?;
            // The slash before it.
            let start = path.len() - source.len() - 1;
            return Ok(Some(Written {
                given,
                preset,
                source: path.get(start..).unwrap_or("/"),
                query,
            }));
        }
        match exchange.query().filter(|_| self.query) {
            None => Ok(None),
            Some(query) => self.in_query(path, query),
        }
    }

    /// Options as a path has them, and those of the presets that it names beside.
    fn in_path(&self, text: &str) -> Result<(Options, Options), Refused> {
        let mut preset = Options::default();
        let mut others = Vec::new();
        let mut has_preset = false;
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let name = match option.split_once('=') {
                Some(("preset", name)) => Some(name),
                None if self.presets.contains_key(option) => Some(option),
                _ => None,
            };
            match name {
                Some(name) => {
                    preset = self.preset(name)?.clone().over(preset);
                    has_preset = true;
                }
                None => others.push(option),
            }
        }
        if has_preset && others.is_empty() {
            return Ok((Options::default(), preset));
        }
        for name in others
            .iter()
            .filter_map(|option| Some(option.split_once('=')?.0))
        {
            self.check(name)?;
        }
        let given = cloudflare::parse(&others.join(",")).map_err(Refused::options)?;
        Ok((given, preset))
    }

    /// Whether clients may give this option; names of none are told of later.
    fn check(&self, name: &str) -> Result<(), Refused> {
        let (Some(allow), Some(option)) = (&self.allow, syntax::option(name)) else {
            return Ok(());
        };
        if allow.contains(&option) {
            return Ok(());
        }
        let allowed = match allow.as_slice() {
            [] => "only presets may".to_owned(),
            allowed => format!("{} may", allowed.join(", ")),
        };
        Err(Refused::options(format!(
            "`{option}` may not be asked for: {allowed}"
        )))
    }

    fn preset(&self, name: &str) -> Result<&Options, Refused> {
        let known = self.presets.get(name);
        known.ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            Refused::options(format!("there is no preset `{}`", shown.escape_debug()))
        })
    }

    fn in_query<'a>(&self, path: &'a str, query: &str) -> Result<Option<Written<'a>>, Refused> {
        let mut preset = None;
        let mut options = Vec::new();
        let mut others = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = String::from_utf8_lossy(&name_of(pair)).into_owned();
            let value = || String::from_utf8_lossy(&value_of(pair)).into_owned();
            if name == "preset" && !self.presets.is_empty() {
                preset = Some(self.preset(&value())?.clone());
            } else if query::knows(&name) && self.check(&name).is_ok() {
                options.push((name, value()));
            } else {
                others.push(pair);
            }
        }
        let given = match options.as_slice() {
            [] if preset.is_none() => return Ok(None),
            [] => Options::default(),
            options => query::parse(
                options
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            )
            .map_err(Refused::options)?,
        };
        Ok(Some(Written {
            given,
            preset: preset.unwrap_or_default(),
            source: path,
            query: others.join("&"),
        }))
    }

    /// The original, of which `path` begins with a slash even when it is an absolute URL.
    fn source(&self, exchange: &Exchange, path: &str, query: &str) -> Result<Source, Refused> {
        let mark = if query.is_empty() { "" } else { "?" };
        let Some((scheme, rest)) = absolute(path) else {
            return Ok(Source::here(&format!("{path}{mark}{query}")));
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let url = Url {
            scheme,
            authority,
            target: format!("{path}{mark}{query}"),
        };
        let own = exchange.header("host").unwrap_or_default();
        let source = self.sites.find(own, &url);
        source.ok_or_else(|| Refused::source("pictures of that host may not be asked for"))
    }
}

/// Scheme and the rest of an absolute URL behind a slash. Of its own two slashes one may be lost on the way.
fn absolute(path: &str) -> Option<(&'static str, &str)> {
    let path = path.strip_prefix('/')?;
    let cut = |prefix| {
        path.get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let (scheme, rest) = if cut("https:") {
        ("https", path.get(6..)?)
    } else if path
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("http:"))
    {
        ("http", path.get(5..)?)
    } else {
        return None;
    };
    let rest = rest.strip_prefix('/')?;
    Some((scheme, rest.strip_prefix('/').unwrap_or(rest)))
}

fn hints(exchange: &Exchange) -> Hints<'_> {
    let either = |new, old| exchange.header(new).or_else(|| exchange.header(old));
    Hints {
        width: either("sec-ch-width", "width"),
        viewport_width: either("sec-ch-viewport-width", "viewport-width"),
        dpr: either("sec-ch-dpr", "dpr"),
        save_data: either("sec-ch-save-data", "save-data"),
        rtt: either("sec-ch-rtt", "rtt"),
        ect: either("sec-ch-ect", "ect"),
        downlink: either("sec-ch-downlink", "downlink"),
    }
}
