//! Changes headers, in any of the four phases.

use std::collections::BTreeMap;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use pingora_http::{RequestHeader, ResponseHeader};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::filter::{
    Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::settings::{FieldName, FieldNames, refuse_framing};
use crate::template::{Template, ValueTemplate};

/// Changes headers.
pub(crate) struct Headers {
    request: Changes,
    origin_request: Changes,
    origin_response: Changes,
    response: Changes,
}

/// Settings of `headers`. In each phase first `remove` is done, then `set`, then `append`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Changes to the request before the cache is looked up: later filters, the cache key and the origin see them.
    request: ChangesSettings,
    /// Changes to the request that goes to the origin; the cache doesn't see them.
    origin_request: ChangesSettings,
    /// Changes to the origin's response, which are stored with it.
    origin_response: ChangesSettings,
    /// Changes to each response on its way to the client, which are not stored.
    response: ChangesSettings,
}

/// Changes to one head. First `remove`, then `set`, then `append`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ChangesSettings {
    /// Header names and their new values, in place of all that were there.
    set: BTreeMap<FieldName, Template>,
    /// Header names and values that are added to those that are there.
    append: BTreeMap<FieldName, Template>,
    /// Header names to take out; `x-internal-*` takes out all that begin so.
    remove: Vec<FieldNames>,
}

impl Configured for Headers {
    const NAME: &'static str = "headers";
    const SUMMARY: &'static str = "Sets, appends and removes headers of requests and responses.";
    const EXAMPLE: &'static str = r#"use = "headers"
request = { set = { "x-client-ip" = "{client_ip}", "x-country" = "{country}" }, remove = ["x-internal-*"] }
response = { set = { "x-request-id" = "{request_id}" }, append = { "vary" = "accept-language" }, remove = ["server"] }
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            request,
            origin_request,
            origin_response,
            response,
        } = settings;
        let headers = Self {
            request: Changes::new("request", request, true)?,
            origin_request: Changes::new("origin_request", origin_request, true)?,
            origin_response: Changes::new("origin_response", origin_response, false)?,
            response: Changes::new("response", response, false)?,
        };
        if headers.phases() == Phases::NONE {
            return Err(BuildError::at(
                "",
                "nothing is changed: give `request`, `response` or another phase changes",
            ));
        }
        Ok(headers)
    }
}

impl Filter for Headers {
    fn phases(&self) -> Phases {
        Phases::NONE
            .and_if(!self.request.is_empty(), Phase::Request)
            .and_if(!self.origin_request.is_empty(), Phase::OriginRequest)
            .and_if(!self.origin_response.is_empty(), Phase::OriginResponse)
            .and_if(!self.response.is_empty(), Phase::Response)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        for removal in &self.request.remove {
            removal.apply(&mut exchange.request);
        }
        for (name, value) in &self.request.set {
            let value = value.render(exchange);
            exchange.request.put(name, value)?;
        }
        for (name, value) in &self.request.append {
            let value = value.render(exchange);
            exchange.request.add(name, value)?;
        }
        Ok(Flow::Continue)
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        self.origin_request.apply(exchange, request)?;
        Ok(Flow::Continue)
    }

    fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.origin_response.apply(exchange, response)?;
        Ok(Body::Untouched)
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.response.apply(exchange, response)?;
        Ok(Body::Untouched)
    }
}

/// Changes to one head, with nothing left to check.
struct Changes {
    remove: Vec<Removal>,
    set: Vec<(HeaderName, ValueTemplate)>,
    append: Vec<(HeaderName, ValueTemplate)>,
}

impl Changes {
    fn new(phase: &str, settings: ChangesSettings, is_request: bool) -> Result<Self, BuildError> {
        let templates = |kind: &str, map: BTreeMap<FieldName, Template>| {
            map.into_iter()
                .map(|(FieldName(name), template)| {
                    let at = |message| BuildError::at(format!("{phase}.{kind}.{name}"), message);
                    refuse(&name, is_request).map_err(at)?;
                    let value = ValueTemplate::try_from(template).map_err(at)?;
                    Ok((name, value))
                })
                .collect::<Result<Vec<_>, BuildError>>()
        };
        let removal = |(index, names): (usize, FieldNames)| {
            let at = |message| BuildError::at(format!("{phase}.remove[{index}]"), message);
            Removal::new(names, is_request).map_err(at)
        };
        Ok(Self {
            set: templates("set", settings.set)?,
            append: templates("append", settings.append)?,
            remove: settings
                .remove
                .into_iter()
                .enumerate()
                .map(removal)
                .collect::<Result<_, _>>()?,
        })
    }

    fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.append.is_empty()
    }

    fn apply(&self, exchange: &Exchange, head: &mut impl Head) -> Result<(), FilterError> {
        for removal in &self.remove {
            removal.apply(head);
        }
        for (name, value) in &self.set {
            head.put(name, value.render(exchange))?;
        }
        for (name, value) in &self.append {
            head.add(name, value.render(exchange))?;
        }
        Ok(())
    }
}

enum Removal {
    One(HeaderName),
    /// All that begin so, but for those that frame the message.
    Prefix(String),
}

impl Removal {
    fn new(names: FieldNames, is_request: bool) -> Result<Self, String> {
        match names {
            FieldNames::One(name) => {
                refuse(&name, is_request)?;
                Ok(Self::One(name))
            }
            FieldNames::Prefix(prefix) => Ok(Self::Prefix(prefix)),
        }
    }

    fn apply(&self, head: &mut impl Head) {
        match self {
            Self::One(name) => head.drop_field(name),
            Self::Prefix(prefix) => {
                let begins_so = |name: &&HeaderName| {
                    name.as_str().starts_with(prefix) && refuse(name, true).is_ok()
                };
                let names: Vec<HeaderName> =
                    head.fields().keys().filter(begins_so).cloned().collect();
                for name in &names {
                    head.drop_field(name);
                }
            }
        }
    }
}

/// Refuses names that are not for filters to change.
pub(super) fn refuse(name: &HeaderName, is_request: bool) -> Result<(), String> {
    if is_request && name == HOST {
        return Err(
            "`host` is changed by the filter `rewrite` or by the origin's `host`".to_owned(),
        );
    }
    refuse_framing(name)
}

/// What the heads of requests and responses have in common.
trait Head {
    fn fields(&self) -> &HeaderMap;
    fn put(&mut self, name: &HeaderName, value: HeaderValue) -> Result<(), FilterError>;
    fn add(&mut self, name: &HeaderName, value: HeaderValue) -> Result<(), FilterError>;
    fn drop_field(&mut self, name: &HeaderName);
}

macro_rules! head {
    ($head:ty) => {
        impl Head for $head {
            fn fields(&self) -> &HeaderMap {
                &self.headers
            }

            fn put(&mut self, name: &HeaderName, value: HeaderValue) -> Result<(), FilterError> {
                self.insert_header(name, value).map_err(|_| too_many(name))
            }

            fn add(&mut self, name: &HeaderName, value: HeaderValue) -> Result<(), FilterError> {
                self.append_header(name, value)
                    .map(|_| ())
                    .map_err(|_| too_many(name))
            }

            fn drop_field(&mut self, name: &HeaderName) {
                self.remove_header(name);
            }
        }
    };
}

head!(RequestHeader);
head!(ResponseHeader);

fn too_many(name: &HeaderName) -> FilterError {
    FilterError::new(format!(
        "`{name}` can't be added: there are too many headers"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, exchange, refused, values};

    #[test]
    fn a_request_is_changed_in_the_request_phase() {
        let filter: Headers = build(
            r#"request = { set = { "X-Who" = "{client_ip}" }, append = { "x-tag" = "{header.x-who}" }, remove = ["x-in-*"] }"#,
        )
        .unwrap();
        assert_eq!(filter.phases(), Phases::only(Phase::Request));
        let mut exchange = exchange(
            "GET",
            "/",
            &[
                ("x-in-a", "1"),
                ("x-in-b", "2"),
                ("x-tag", "0"),
                ("x-who", "me"),
            ],
        );
        filter.request(&mut exchange).unwrap();
        let fields = &exchange.request.headers;
        assert_eq!(fields["x-who"], "203.0.113.7");
        assert_eq!(
            fields.get_all("x-tag").iter().collect::<Vec<_>>(),
            ["0", "203.0.113.7"]
        );
        assert!(!fields.contains_key("x-in-a") && !fields.contains_key("x-in-b"));
    }

    #[test]
    fn other_phases_change_their_own_head_alone() {
        let changes = r#"{ set = { "x-new" = "{path}" }, append = { "vary" = "accept" }, remove = ["server"] }"#;
        let filter: Headers = build(&format!(
            "response = {changes}\norigin_response = {changes}\norigin_request = {changes}"
        ))
        .unwrap();
        assert!(!filter.phases().contains(Phase::Request));
        let mut exchange = exchange("GET", "/a", &[("server", "mine")]);
        let mut request = exchange.request.clone();
        filter.origin_request(&mut exchange, &mut request).unwrap();
        assert_eq!(
            (&request.headers["x-new"], request.headers.get("server")),
            (&"/a".parse().unwrap(), None)
        );
        assert_eq!(exchange.request.headers["server"], "mine");

        for phase in [Filter::response, Filter::origin_response] {
            let mut head = ResponseHeader::build(200, None).unwrap();
            head.insert_header("server", "origin").unwrap();
            head.insert_header("vary", "origin").unwrap();
            phase(&filter, &mut exchange, &mut head).unwrap();
            assert_eq!(values(&head, "vary"), ["origin", "accept"]);
            assert_eq!(values(&head, "x-new"), ["/a"]);
            assert_eq!(values(&head, "server"), [""; 0]);
        }
    }

    #[test]
    fn a_client_can_not_break_out_of_a_value() {
        let filter: Headers = build(r#"response = { set = { "x-id" = "{param.id}" } }"#).unwrap();
        let mut exchange = exchange("GET", "/", &[]);
        exchange.params = vec![("id".into(), "1\r\nset-cookie: a=b\0".to_owned())];
        let mut head = ResponseHeader::build(200, None).unwrap();
        filter.response(&mut exchange, &mut head).unwrap();
        assert_eq!(values(&head, "x-id"), ["1set-cookie: a=b"]);
    }

    #[test]
    fn a_prefix_does_not_reach_the_framing() {
        let filter: Headers = build(r#"request = { remove = ["c*", "h*"] }"#).unwrap();
        let mut exchange = exchange("POST", "/", &[("content-length", "3"), ("cookie", "a=b")]);
        filter.request(&mut exchange).unwrap();
        assert_eq!(exchange.header("content-length"), Some("3"));
        assert_eq!(exchange.host(), "example.com");
        assert_eq!(exchange.request.headers.get("cookie"), None);
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "nothing is changed"),
            (
                r#"request = { set = { connection = "x" } }"#,
                "request.set.connection: `connection` is about one connection",
            ),
            (
                r#"response = { append = { Content-Length = "1" } }"#,
                "response.append.content-length: `content-length` delimits",
            ),
            (
                r#"response = { remove = ["x", "transfer-encoding"] }"#,
                "response.remove[1]: `transfer-encoding` delimits",
            ),
            (
                r#"request = { set = { host = "x" } }"#,
                "changed by the filter `rewrite`",
            ),
            (
                r#"request = { set = { "a b" = "x" } }"#,
                "`a b` is not a header name",
            ),
            (r#"request = { remove = ["a*b"] }"#, "`a*b`"),
            (
                r#"request = { set = { x = "{hots}" } }"#,
                "did you mean `{host}`?",
            ),
            (
                r#"request = { set = { x = "a\r\nb" } }"#,
                r"request.set.x: `a\r\nb` can't be in a header",
            ),
        ] {
            refused::<Headers>(settings, expected);
        }
    }
}
