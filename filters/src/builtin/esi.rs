//! Puts pages together from fragments.
//!
//! The filter only says how much a page may ask for. The edge fetches the page and its fragments as requests of its own, which
//! go through sites, filters and the cache.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::HeaderName;
use pingora_http::RequestHeader;
use rimward_config::{ByteSize, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::esi::Rules;
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases};

const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");

/// Puts pages together from fragments.
pub(crate) struct Esi {
    rules: Rules,
}

/// Settings of `esi`.
///
/// Known are `include` with `src`, `alt` and `onerror="continue"`, `remove`, `comment`, `try` with `attempt` and `except`, and
/// `<!--esi ... -->`. Fragments come from the sites of this edge, through their filters and the cache, several at a time; they see
/// the client's request fields, but for conditions and ranges. A fragment that fails without `alt`, `onerror` or `except` makes
/// the page fail with 502.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Whether only pages count whose origin says `Surrogate-Control: content="ESI/1.0"`. Otherwise whoever can put text into
    /// a page can have the edge fetch what it likes from its sites.
    #[serde(default = "yes")]
    announced: bool,
    /// The types of pages that count.
    #[serde(default = "html")]
    content_types: Vec<String>,
    /// How many includes a page may have, those of its fragments not counted.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 1024))]
    max_includes: usize,
    /// How deep fragments may include others.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    max_depth: u8,
    /// How large a page may be, and each of its fragments.
    #[serde(default = "one_mebibyte")]
    #[schemars(title = "size")]
    max_size: ByteSize,
    /// How many fragments are fetched at a time.
    #[serde(default = "eight")]
    #[schemars(range(min = 1, max = 64))]
    at_once: usize,
    /// How long a fragment is waited for.
    #[serde(default = "ten_seconds")]
    #[schemars(title = "duration")]
    timeout: Span,
}

fn yes() -> bool {
    true
}

fn html() -> Vec<String> {
    vec!["text/html".to_owned()]
}

fn sixty_four() -> usize {
    64
}

fn three() -> u8 {
    3
}

fn eight() -> usize {
    8
}

fn one_mebibyte() -> ByteSize {
    ByteSize(1 << 20)
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

impl Configured for Esi {
    const NAME: &'static str = "esi";
    const SUMMARY: &'static str = "Puts pages together from fragments (Edge Side Includes).";
    const EXAMPLE: &'static str = r#"use = "esi"
max_depth = 2
timeout = "2s"
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        within("max_includes", settings.max_includes, 1024)?;
        within("max_depth", settings.max_depth.into(), 10)?;
        within("at_once", settings.at_once, 64)?;
        let max_size = usize::try_from(settings.max_size.0).ok();
        let max_size = max_size.filter(|most| *most <= 64 << 20).ok_or_else(|| {
            let message = format!("`{}` is out of bounds: at most `64MiB`", settings.max_size);
            BuildError::at("max_size", message)
        })?;
        let types = settings.content_types.iter();
        let content_types: Vec<_> = types.map(|kind| kind.to_ascii_lowercase()).collect();
        if let Some(index) = content_types.iter().position(|kind| !kind.contains('/')) {
            let message = format!(
                "`{}` is no media type such as `text/html`",
                content_types[index]
            );
            return Err(BuildError::at(format!("content_types[{index}]"), message));
        }
        Ok(Self {
            rules: Rules {
                announced: settings.announced,
                content_types: Arc::from(content_types),
                max_includes: settings.max_includes,
                max_depth: settings.max_depth,
                max_size,
                at_once: settings.at_once,
                timeout: settings.timeout.0,
            },
        })
    }
}

fn within(key: &str, value: usize, most: usize) -> Result<(), BuildError> {
    match value {
        value if (1..=most).contains(&value) => Ok(()),
        _ => Err(BuildError::at(
            key,
            format!("`{value}` is out of bounds: 1 to {most}"),
        )),
    }
}

impl Filter for Esi {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and(Phase::OriginRequest)
    }

    /// A page is made of requests of the edge's own, which is nothing for the fast lane.
    fn runs_in_lane(&self) -> bool {
        false
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if matches!(exchange.request.method, Method::GET | Method::HEAD) {
            exchange.notes.insert(self.rules.clone());
        }
        Ok(Flow::Continue)
    }

    fn origin_request(
        &self,
        _: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        let told = request.insert_header(SURROGATE_CAPABILITY, "rimward=\"ESI/1.0\"");
        told.map_err(|error| FilterError::new(error.to_string()))?;
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, exchange, refused};

    #[test]
    fn what_may_be_a_page_is_noted() {
        let filter: Esi = build("").unwrap();
        for (method, expected) in [("GET", true), ("HEAD", true), ("POST", false)] {
            let mut exchange = exchange(method, "/", &[]);
            filter.request(&mut exchange).unwrap();
            assert_eq!(
                exchange.notes.get::<Rules>().is_some(),
                expected,
                "{method}"
            );
        }
    }

    #[test]
    fn origins_are_told_what_the_edge_can_do() {
        let filter: Esi = build("").unwrap();
        let mut exchange = exchange("GET", "/", &[]);
        let mut request = exchange.request.clone();
        filter.origin_request(&mut exchange, &mut request).unwrap();
        assert_eq!(
            request.headers["surrogate-capability"],
            "rimward=\"ESI/1.0\""
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            (
                "max_includes = 0",
                "max_includes: `0` is out of bounds: 1 to 1024",
            ),
            ("max_depth = 11", "1 to 10"),
            ("at_once = 65", "1 to 64"),
            ("max_size = \"65MiB\"", "at most `64MiB`"),
            (
                "content_types = [\"html\"]",
                "content_types[0]: `html` is no media type",
            ),
        ] {
            refused::<Esi>(settings, expected);
        }
    }
}
