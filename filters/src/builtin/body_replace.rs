//! Replaces text in bodies as they pass.

mod replacement;
mod stage;
mod stream;

use std::num::NonZeroU32;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use pingora_http::ResponseHeader;
use rimward_config::{ByteSize, MediaPattern};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bodies::{Rewritable, RewritePhase, refuse_personal};
use crate::exchange::Exchange;
use crate::filter::{Body, BuildError, Builder, Configured, Filter, FilterError, Phases};
use crate::template::{Place, Template};
use stage::{Rule, Stage, stages};
use stream::{Rewriter, Stream};

/// Replaces text in bodies as they pass.
pub(crate) struct BodyReplace {
    phase: RewritePhase,
    bodies: Rewritable,
    stages: Vec<Arc<Stage>>,
}

/// Settings of `body_replace`. Bodies are rewritten as they pass, never held whole. Their origins are asked for them without
/// an encoding such as gzip; what comes encoded all the same is passed on untouched and counted as `encoded`. A rewritten body
/// has no ranges, and its `ETag` is weak. What is stored stays as it was rewritten then: purge it when the rules change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What is replaced. One rule is done after another, on what the one before it made of the body; but literals that stand
    /// side by side are looked for at once, of those at one place the longest, so that none finds what another one put in.
    rules: Vec<RuleSettings>,
    /// When it is done: `"origin_response"` does it once and stores what comes of it, `"response"` does it for each client, which
    /// can have variables of the client but costs the time again and again.
    #[serde(default)]
    phase: RewritePhase,
    /// The media types of the bodies; unless set HTML, CSS, plain text, JavaScript, JSON and XML. Rules work on bytes: text in an
    /// encoding other than UTF-8 is found where it is ASCII.
    #[schemars(title = "list of media types")]
    content_types: Option<Vec<MediaPattern>>,
    /// The longest match of a regex that has no bound of its own, such as `<a.*?>`, from 1 KiB to 1 MiB; a longer one is left as it
    /// is. Up to twice as much of each body is held back.
    #[serde(default = "max_match")]
    #[schemars(title = "size")]
    max_match: ByteSize,
}

/// One thing that is replaced.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleSettings {
    /// The text to look for, as it is.
    literal: Option<String>,
    /// The regex to look for, in place of `literal`; `(?i)` at its beginning ignores case, `(?s)` lets `.` match ends of lines.
    regex: Option<String>,
    /// What is put in its place. For a regex `$1` or `$name` stand for what a group matched, `$0` for all of it, `$$` for a
    /// dollar. Variables are escaped as the content type asks for: in HTML, XML, JSON and scripts; in CSS they are percent-encoded.
    replace: Template,
    /// How often it is done in one body, from the beginning; without a limit unless set.
    #[schemars(title = "number")]
    limit: Option<NonZeroU32>,
}

/// Types that are text to be read, or to be run.
const TEXTS: [&str; 9] = [
    "text/html",
    "text/css",
    "text/plain",
    "text/javascript",
    "text/xml",
    "application/*javascript",
    "application/*json",
    "application/*xml",
    "image/svg+xml",
];

fn texts() -> Vec<MediaPattern> {
    TEXTS.iter().filter_map(|kind| kind.parse().ok()).collect()
}

fn max_match() -> ByteSize {
    ByteSize(16 << 10)
}

impl Configured for BodyReplace {
    const NAME: &'static str = "body_replace";
    const SUMMARY: &'static str = "Replaces text in bodies, literally or by regex, as they pass.";
    const EXAMPLE: &'static str = r#"use = "body_replace"
content_types = ["text/html", "text/css"]
rules = [
  { literal = "http://old.example.com", replace = "https://{host}" },
  { regex = '(?i)<title>([^<]{1,200})</title>', replace = "<title>$1 | Example</title>", limit = 1 },
]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if settings.rules.is_empty() {
            return Err(BuildError::at("rules", "nothing is replaced: give a rule"));
        }
        let max_match = match settings.max_match {
            ByteSize(bytes @ 0x400..=0x10_0000) => usize::try_from(bytes).unwrap_or(usize::MAX),
            ByteSize(bytes) => {
                let message = format!("`{bytes}B` is not a size from 1KiB to 1MiB");
                return Err(BuildError::at("max_match", message));
            }
        };
        let is_stored = settings.phase == RewritePhase::OriginResponse;
        let rules = settings.rules.into_iter().enumerate().map(|(index, rule)| {
            let key = format!("rules[{index}]");
            if is_stored {
                refuse_personal(&format!("{key}.replace"), &rule.replace)?;
            }
            let limit = rule.limit.map_or(u32::MAX, NonZeroU32::get);
            Rule::new(&key, (rule.literal, rule.regex), &rule.replace, limit)
        });
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            phase: settings.phase,
            bodies: Rewritable::new(settings.content_types.unwrap_or_else(texts), builder),
            stages: stages(rules, max_match)?,
        })
    }
}

impl Filter for BodyReplace {
    fn phases(&self) -> Phases {
        self.phase.into()
    }

    fn rewrites(&self) -> Phases {
        self.phase.into()
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        Ok(self.rewrite(exchange, response))
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        Ok(self.rewrite(exchange, response))
    }
}

impl BodyReplace {
    fn rewrite(&self, exchange: &mut Exchange, response: &ResponseHeader) -> Body {
        if !self.bodies.takes(exchange, response) {
            return Body::Untouched;
        }
        let place = response
            .headers
            .get(CONTENT_TYPE)
            .map_or(Place::Text, Place::in_body);
        let stream = |stage| Stream::new(stage, exchange, place);
        let streams = self.stages.iter().map(stream).collect();
        Body::Rewritten(Box::new(Rewriter::new(streams)))
    }
}

#[cfg(test)]
mod tests;
