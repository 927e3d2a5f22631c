//! Which picture is wanted: what is done to which original.

use std::sync::{Arc, OnceLock};

use rimward_images::{Format, FormatChoice, Transform};

use crate::exchange::Exchange;

/// A note: the picture that a request asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) transform: Arc<Transform>,
    /// How the transform is written, which tells it from others of the same original.
    pub(crate) canonical: Arc<str>,
    pub(crate) source: Source,
    /// Whether clients find the original there when they are sent to it.
    pub(crate) is_apart: bool,
    /// Where that is which is drawn over it.
    pub(crate) overlays: Vec<Source>,
    /// The request's fields that decided on it.
    pub(crate) vary: Arc<[&'static str]>,
    /// What was asked for and is not done.
    pub(crate) unmet: Option<Arc<str>>,
    pub(crate) outcome: Arc<Outcome>,
}

/// What became of a picture. Copies of an exchange share it: where a response is held, the picture is made for a copy.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    took: OnceLock<f64>,
    passed: OnceLock<String>,
}

impl Outcome {
    /// It was made, in so many milliseconds. What is told first holds.
    pub(super) fn took(&self, milliseconds: f64) {
        self.took.get_or_init(|| milliseconds);
    }

    pub(super) fn milliseconds(&self) -> Option<f64> {
        self.took.get().copied()
    }

    /// The origin's own response passes in its place, for this reason.
    pub(super) fn passed(&self, why: String) {
        self.passed.get_or_init(|| why);
    }

    pub(super) fn why_passed(&self) -> Option<&str> {
        self.passed.get().map(String::as_str)
    }
}

/// Where an original is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The path on this site with its query, by which the cache knows it.
    pub(crate) target: Arc<str>,
    /// Its absolute URL, if it is of another site.
    pub(crate) elsewhere: Option<Arc<str>>,
}

impl Source {
    /// An original of this site, at this path and query.
    pub(crate) fn here(target: &str) -> Self {
        Self {
            target: target.into(),
            elsewhere: None,
        }
    }

    /// What it is known by to those who purge.
    pub(super) fn label(&self) -> &str {
        self.elsewhere.as_deref().unwrap_or(&self.target)
    }
}

/// A note: the original of another site that this edge asks itself for.
#[derive(Debug, Clone)]
pub(crate) struct Original(pub(crate) Arc<str>);

impl Wanted {
    /// The picture that is to be made of what a request asks for.
    pub(crate) fn of_request(exchange: &Exchange, transform: Transform) -> Self {
        let target = exchange.request.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let is_negotiated = transform.format == FormatChoice::Auto;
        let transform = match is_negotiated {
            true => negotiated(exchange, transform),
            false => transform,
        };
        let vary: &[&'static str] = if is_negotiated { &["Accept"] } else { &[] };
        Self {
            canonical: transform.canonical().into(),
            transform: Arc::new(transform),
            source: Source::here(target),
            is_apart: false,
            overlays: Vec::new(),
            vary: vary.into(),
            unmet: None,
            outcome: Arc::default(),
        }
    }
}

/// A transform whose format is what the client says it can read, if it is left to that.
pub(crate) fn negotiated(exchange: &Exchange, transform: Transform) -> Transform {
    let accept = exchange.header("accept");
    match rimward_images::negotiate(accept, &transform) {
        Some(format @ (Format::Avif | Format::Webp)) => transform.in_format(format),
        _ => transform.in_source_format(),
    }
}
