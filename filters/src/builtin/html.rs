//! Rewrites HTML as it passes, by CSS selectors.

mod change;
mod rule;

use std::sync::Arc;

use pingora_http::ResponseHeader;
use rimward_config::{ByteSize, MediaPattern};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bodies::{Rewritable, RewritePhase};
use crate::exchange::Exchange;
use crate::filter::{Body, BuildError, Builder, Configured, Filter, FilterError, Phases};
use crate::markup::{Charset, PageRewriter};
use crate::outside::Tally;
use rule::{Rule, RuleSettings};

/// Rewrites HTML as it passes, by CSS selectors.
pub(crate) struct Html {
    phase: RewritePhase,
    bodies: Rewritable,
    rules: Vec<Rule>,
    max_memory: usize,
    unknown_charset: Arc<dyn Tally>,
}

/// Settings of `html`. Pages are rewritten as they pass, never held whole. Their origins are asked for them without an encoding
/// such as gzip; what comes encoded all the same is passed on untouched and counted as `encoded`, and so are pages in an unknown
/// character encoding or one such as UTF-16, counted as `charset`. A rewritten page has no ranges, and its `ETag` is weak. What is
/// stored stays as it was rewritten then: purge it when the rules change. A page in which scripts and tags can't be told apart
/// with certainty is cut off, and not stored, rather than rewritten wrongly.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// What is done with which elements. Where several rules mean one element they are done in order; what one puts into the page
    /// no other sees.
    rules: Vec<RuleSettings>,
    /// When it is done: `"origin_response"` does it once and stores what comes of it, `"response"` does it for each client, which
    /// can have variables of the client but costs the time again and again.
    #[serde(default)]
    phase: RewritePhase,
    /// The media types of the pages.
    #[serde(default = "pages")]
    #[schemars(title = "list of media types")]
    content_types: Vec<MediaPattern>,
    /// The most memory for one page, from 16 KiB to 64 MiB. It is taken by tags that came in part, up to their length, and by
    /// elements that are open. A page that needs more is cut off, and not stored.
    #[serde(default = "max_memory")]
    #[schemars(title = "size")]
    max_memory: ByteSize,
}

fn pages() -> Vec<MediaPattern> {
    let kinds = ["text/html", "application/xhtml+xml"];
    kinds.iter().filter_map(|kind| kind.parse().ok()).collect()
}

fn max_memory() -> ByteSize {
    ByteSize(1 << 20)
}

impl Configured for Html {
    const NAME: &'static str = "html";
    const SUMMARY: &'static str = "Rewrites HTML by CSS selectors, as it passes.";
    const EXAMPLE: &'static str = r#"use = "html"
rules = [
  { select = "a[href^='http://old.example.com/']", swap = { href = { from = "http://old.example.com/", to = "https://{host}/" } } },
  { select = "head", append = { html = '<script src="/analytics.js" defer></script>' } },
  { select = "img", set = { loading = "lazy" }, remove_attributes = ["border"] },
  { select = '#checkout', when = { variant = "checkout=fast-lane" }, inner = "Buy now" },
  { select = "iframe.tracker", remove = true },
]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        if settings.rules.is_empty() {
            return Err(BuildError::at("rules", "nothing is rewritten: give a rule"));
        }
        let max_memory = match settings.max_memory {
            ByteSize(bytes @ 0x4000..=0x400_0000) => usize::try_from(bytes).unwrap_or(usize::MAX),
            ByteSize(bytes) => {
                let message = format!("`{bytes}B` is not a size from 16KiB to 64MiB");
                return Err(BuildError::at("max_memory", message));
            }
        };
        let rules = settings.rules.into_iter().enumerate();
        let rule = |(index, rule)| Rule::new(&format!("rules[{index}]"), rule, settings.phase);
        Ok(Self {
            phase: settings.phase,
            bodies: Rewritable::new(settings.content_types, builder),
            rules: rules.map(rule).collect::<Result<_, _>>()?,
            max_memory,
            unknown_charset: builder.tally("charset"),
        })
    }
}

impl Filter for Html {
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

impl Html {
    fn rewrite(&self, exchange: &mut Exchange, response: &ResponseHeader) -> Body {
        if !self.rules.iter().any(|rule| rule.applies(exchange))
            || !self.bodies.takes(exchange, response)
        {
            return Body::Untouched;
        }
        let Some(charset) = Charset::of(response) else {
            exchange.outcomes.push(self.unknown_charset.clone());
            return Body::Untouched;
        };
        let rules = self.rules.iter().filter(|rule| rule.applies(exchange));
        let handlers = rules.map(|rule| (rule.selector(), rule.handler(exchange)));
        Body::Rewritten(Box::new(PageRewriter::new(
            charset,
            self.max_memory,
            handlers,
        )))
    }
}

#[cfg(test)]
mod tests;
