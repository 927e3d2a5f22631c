//! Sends clients to addresses that a store has by path.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::LOCATION;
use rimward_kv::{Entry, KvError, Store};
use schemars::JsonSchema;
use serde::Deserialize;

use super::redirect::{RedirectStatus, location_of};
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::Tally;
use crate::template::{Place, Template};

/// The longest target.
const MAX_TARGET: usize = 8 << 10;

/// Sends clients to addresses that a store has by path.
pub(crate) struct Redirects {
    store: Arc<Store>,
    key: Template,
    status: RedirectStatus,
    keep_query: bool,
    redirected: Arc<dyn Tally>,
}

/// Settings of `redirects`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The store, by the `NAME` of its section `[kv.NAME]`. Its values are URLs such as `https://shop.example.com/new` or
    /// paths such as `/new`.
    store: String,
    /// What is looked up: the request's path as `{path}`, or with the host `{host}{path}`. The path is as the edge
    /// normalises it, with its percent-encoding.
    #[serde(default = "path")]
    key: Template,
    /// As for `redirect`: 301 and 308 are for good, 302, 303 and 307 for now. An entry whose metadata is one of these has
    /// that one.
    #[serde(default)]
    status: RedirectStatus,
    /// Whether the client's query goes with it, behind the one that the value may have.
    #[serde(default = "yes")]
    keep_query: bool,
}

fn path() -> Template {
    Template::from(crate::template::Variable::Path)
}

fn yes() -> bool {
    true
}

impl Configured for Redirects {
    const NAME: &'static str = "redirects";
    const SUMMARY: &'static str = "Sends clients to addresses that a store has by path.";
    const EXAMPLE: &'static str = r#"use = "redirects"
store = "links"          # of a section [kv.links]
key = "{host}{path}"
status = 301
"#;
    const SAFE_TO_SKIP: bool = true;
    type Settings = Settings;

    fn new(
        Settings {
            store,
            key,
            status,
            keep_query,
        }: Settings,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        if key.variables().next().is_none() {
            return Err(BuildError::at(
                "key",
                "all requests would have the same key: use a variable such as `{path}`",
            ));
        }
        Ok(Self {
            store: builder.store("store", &store)?,
            key,
            status,
            keep_query,
            redirected: builder.tally("redirected"),
        })
    }
}

impl Filter for Redirects {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let key = self.key.render(exchange, Place::Text);
        let entry = match self.store.get(&key) {
            Ok(Some(entry)) => entry,
            // What can't be a key has no entry.
            Ok(None) | Err(KvError::Key(_)) => return Ok(Flow::Continue),
            Err(error) => return Err(FilterError::unavailable(error.to_string())),
        };
        let Some(target) = target(&entry) else {
            return Err(FilterError::new(format!(
                "the value of `{key}` is neither a URL such as `https://example.com/new` nor a path such as `/new`"
            )));
        };
        let location = location_of(&target, self.keep_query, exchange);
        exchange.outcomes.push(self.redirected.clone());
        Ok(Answer::new(self.status_of(&entry))?
            .header(LOCATION, location)?
            .flow())
    }
}

impl Redirects {
    fn status_of(&self, entry: &Entry) -> u16 {
        let own = entry
            .metadata
            .as_deref()
            .and_then(|text| text.trim().parse::<u16>().ok());
        own.and_then(|status| RedirectStatus::try_from(status).ok())
            .unwrap_or(self.status)
            .into()
    }
}

/// Where an entry sends a client, if it is such a place; an end of line behind it does not matter.
fn target(entry: &Entry) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(&entry.value).ok()?.trim();
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let is_place = match host {
        Some(host) => !host.is_empty() && !host.starts_with(['/', '?', '#']),
        None => text.starts_with('/') && !text.starts_with("//"),
    };
    (is_place && text.len() <= MAX_TARGET).then_some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rimward_kv::Write;

    use super::*;
    use crate::testing::{answer, build, exchange, refused, values};

    async fn filled(settings: &str) -> Redirects {
        let filter: Redirects = build(&format!("store = \"links\"\n{settings}")).unwrap();
        for (key, value, metadata) in [
            ("/old", "https://b.example/new", None),
            ("/moved", "/new?a=1#part\n", Some("308")),
            ("/noted", "/new", Some("of last year")),
            ("example.com/old", "/by-host", None),
            ("/evil", "//evil.example/x", None),
            ("/empty", "", None),
            ("/script", "javascript:alert(1)", None),
            ("/nowhere", "https://", None),
            ("/split", "/a\r\nset-cookie: a=b", None),
        ] {
            let write = Write {
                metadata: metadata.map(str::to_owned),
                ..Write::default()
            };
            filter
                .store
                .put(key, Bytes::from_static(value.as_bytes()), write)
                .await
                .unwrap();
        }
        filter
    }

    /// Status and place, empty when the request passes.
    fn sent(filter: &Redirects, target: &str) -> String {
        let mut exchange = exchange("GET", target, &[]);
        match answer(filter, &mut exchange) {
            None => String::new(),
            Some(answer) => {
                assert_eq!(exchange.outcomes.len(), 1);
                format!(
                    "{} {}",
                    answer.head.status.as_u16(),
                    values(&answer.head, "location").join("")
                )
            }
        }
    }

    #[tokio::test]
    async fn a_client_is_sent_where_the_store_says() {
        for (settings, target, expected) in [
            ("", "/old", "302 https://b.example/new"),
            ("status = 301", "/old?q=1", "301 https://b.example/new?q=1"),
            (
                "keep_query = false",
                "/old?q=1",
                "302 https://b.example/new",
            ),
            ("", "/moved?q=1", "308 /new?a=1&q=1#part"),
            ("", "/noted", "302 /new"),
            ("", "/old/", ""),
            ("key = \"{host}{path}\"", "/old", "302 /by-host"),
            ("key = \"{host}{path}\"", "/moved", ""),
            ("", "/split", "302 /a%0D%0Aset-cookie:%20a=b"),
        ] {
            assert_eq!(
                sent(&filled(settings).await, target),
                expected,
                "{settings} {target}"
            );
        }
        let long = format!("/{}", "x".repeat(2000));
        assert_eq!(sent(&filled("").await, &long), "");
    }

    #[tokio::test]
    async fn a_value_that_is_no_place_is_a_fault() {
        let filter = filled("").await;
        for path in ["/evil", "/empty", "/script", "/nowhere"] {
            let error = filter.request(&mut exchange("GET", path, &[])).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains(&format!("the value of `{path}` is neither")),
                "{error}"
            );
        }
    }

    #[test]
    fn mistakes_are_told() {
        refused::<Redirects>("", "`store` is missing");
        refused::<Redirects>(
            "store = \"links\"\nkey = \"/a\"",
            "all requests would have the same key",
        );
        refused::<Redirects>(
            "store = \"links\"\nstatus = 200",
            "`200` is not a redirect status",
        );
    }
}
