//! Lets pages of other origins use the site (the CORS protocol of the Fetch standard).

use ahash::AHashSet;
use http::Method as HttpMethod;
use http::header::{self, HeaderName, HeaderValue};
use pingora_http::ResponseHeader;
use rimward_config::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::settings::{FieldName, Method};

/// Lets pages of other origins use the site.
pub(crate) struct Cors {
    origins: Origins,
    credentials: bool,
    methods: HeaderValue,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

/// Settings of `cors`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The origins whose pages may read responses: `https://app.example.com`, `https://*.example.com` for every host
    /// below it, or `*` for all.
    origins: Vec<OriginPattern>,
    /// The methods they may use.
    #[serde(default = "simple_methods")]
    methods: Vec<Method>,
    /// The request headers they may set, beside those that need no leave.
    #[serde(default)]
    headers: Vec<FieldName>,
    /// The response headers they may read, beside those that need no leave.
    #[serde(default)]
    expose: Vec<FieldName>,
    /// Whether requests may carry cookies and logins. Not with an origin `*`: every page there is could act for the user.
    #[serde(default)]
    credentials: bool,
    /// How long browsers remember what they may; five seconds in most of them unless set.
    #[schemars(title = "duration")]
    max_age: Option<Span>,
}

fn simple_methods() -> Vec<Method> {
    [HttpMethod::GET, HttpMethod::HEAD, HttpMethod::POST]
        .map(Method)
        .into()
}

/// Origins as a setting has them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum OriginPattern {
    Any,
    Exact(String),
    /// What stands before and behind the `*`: `https://` and `.example.com`.
    Below(String, String),
}

impl TryFrom<String> for OriginPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |right: &str| format!("`{text}` is not an origin: {right}");
        let lower = text.to_ascii_lowercase();
        if lower == "*" {
            return Ok(Self::Any);
        }
        if lower == "null" {
            return Err(wrong("files and sandboxed frames of every site are `null`"));
        }
        let (scheme, host) = lower
            .split_once("://")
            .ok_or_else(|| wrong("it begins with `https://`"))?;
        if let Some(without_slash) = lower.strip_suffix('/').filter(|text| !text.ends_with('/')) {
            return Err(wrong(&format!(
                "it has no path, not even a slash: write `{without_slash}`"
            )));
        }
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let (has_star, plain) = host
            .strip_prefix("*.")
            .map_or((false, host), |below| (true, below));
        if scheme.is_empty()
            || plain.is_empty()
            || !scheme.bytes().all(is_scheme)
            || !plain.bytes().all(is_host)
        {
            return Err(wrong(
                "it is a scheme and a host such as `https://app.example.com` or `https://*.example.com`",
            ));
        }
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        if let Some(shorter) = lower
            .strip_suffix(default_port)
            .filter(|_| !default_port.is_empty())
        {
            return Err(wrong(&format!(
                "browsers leave out the default port: write `{shorter}`"
            )));
        }
        Ok(match has_star {
            true => Self::Below(format!("{scheme}://"), format!(".{plain}")),
            false => Self::Exact(lower),
        })
    }
}

impl JsonSchema for OriginPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OriginPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "web origin" })
    }
}

impl Configured for Cors {
    const NAME: &'static str = "cors";
    const SUMMARY: &'static str =
        "Lets pages of other origins use the site, and answers their preflight requests.";
    const EXAMPLE: &'static str = r#"use = "cors"
origins = ["https://app.example.com", "https://*.example.org"]
methods = ["GET", "POST", "PUT", "DELETE"]
headers = ["content-type", "authorization"]
expose = ["x-request-id"]
credentials = true
max_age = "10m"
"#;
    type Settings = Settings;

    fn new(settings: Settings, _: &Builder<'_>) -> Result<Self, BuildError> {
        let Settings {
            origins,
            methods,
            headers,
            expose,
            credentials,
            max_age,
        } = settings;
        let origins =
            Origins::new(origins).map_err(|message| BuildError::at("origins", message))?;
        if credentials && matches!(origins, Origins::Any) {
            let message = "not with an origin `*`: name the origins, or every page there is could act for the user";
            return Err(BuildError::at("credentials", message));
        }
        let names = |key: &'static str, list: Vec<FieldName>| {
            let names: Vec<String> = list.into_iter().map(String::from).collect();
            (!names.is_empty())
                .then(|| list_value(key, &names))
                .transpose()
        };
        let methods: Vec<String> = methods.into_iter().map(String::from).collect();
        Ok(Self {
            origins,
            credentials,
            methods: list_value("methods", &methods)?,
            headers: names("headers", headers)?,
            expose: names("expose", expose)?,
            max_age: max_age.map(|Span(age)| HeaderValue::from(age.as_secs())),
        })
    }
}

fn list_value(key: &str, items: &[String]) -> Result<HeaderValue, BuildError> {
    HeaderValue::from_str(&items.join(", "))
        .map_err(|_| BuildError::at(key, "this can't be in a header"))
}

/// What the origin may have said of this itself, which is not for it to say.
const RESPONSE_FIELDS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

impl Filter for Cors {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request).and(Phase::Response)
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let fields = &exchange.request.headers;
        let is_preflight = exchange.request.method == HttpMethod::OPTIONS
            && fields.contains_key(header::ORIGIN)
            && fields.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return Ok(Flow::Continue);
        }
        let mut answer = Answer::new(204)?;
        if self.allow(exchange, &mut answer.head)? {
            put(
                &mut answer.head,
                header::ACCESS_CONTROL_ALLOW_METHODS,
                &self.methods,
            )?;
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers),
                (header::ACCESS_CONTROL_MAX_AGE, &self.max_age),
            ] {
                if let Some(value) = value {
                    put(&mut answer.head, name, value)?;
                }
            }
        }
        Ok(answer.flow())
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        for name in &RESPONSE_FIELDS {
            response.remove_header(name);
        }
        if self.allow(exchange, response)?
            && let Some(expose) = &self.expose
        {
            put(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, expose)?;
        }
        Ok(Body::Untouched)
    }
}

impl Cors {
    /// Lets the page's origin read the response if it may. What depends on the origin says so in `Vary`, also to those
    /// who sent none: caches behind us keep one response for all.
    fn allow(&self, exchange: &Exchange, head: &mut ResponseHeader) -> Result<bool, FilterError> {
        const ANY: HeaderValue = HeaderValue::from_static("*");
        const TRUE: HeaderValue = HeaderValue::from_static("true");
        if matches!(self.origins, Origins::Any) {
            put(head, header::ACCESS_CONTROL_ALLOW_ORIGIN, &ANY)?;
            return Ok(true);
        }
        vary_by_origin(head)?;
        let mut values = exchange.request.headers.get_all(header::ORIGIN).iter();
        let (Some(origin), None) = (values.next(), values.next()) else {
            return Ok(false);
        };
        if !origin
            .to_str()
            .is_ok_and(|origin| self.origins.contain(origin))
        {
            return Ok(false);
        }
        put(head, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)?;
        if self.credentials {
            put(head, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, &TRUE)?;
        }
        Ok(true)
    }
}

fn put(
    head: &mut ResponseHeader,
    name: HeaderName,
    value: &HeaderValue,
) -> Result<(), FilterError> {
    head.insert_header(name, value.clone()).map_err(|_| {
        FilterError::new("the headers of CORS can't be added: there are too many headers")
    })
}

fn vary_by_origin(head: &mut ResponseHeader) -> Result<(), FilterError> {
    let names = |value: &HeaderValue| {
        let is_origin =
            |name: &str| matches!(name.trim(), "*") || name.trim().eq_ignore_ascii_case("origin");
        value
            .to_str()
            .is_ok_and(|value| value.split(',').any(is_origin))
    };
    if head.headers.get_all(header::VARY).iter().any(names) {
        return Ok(());
    }
    head.append_header(header::VARY, HeaderValue::from_static("Origin"))
        .map(|_| ())
        .map_err(|_| FilterError::new("`vary` can't be added: there are too many headers"))
}

/// The origins that may read responses.
enum Origins {
    Any,
    Some {
        exact: AHashSet<String>,
        below: Vec<(String, String)>,
    },
}

impl Origins {
    fn new(patterns: Vec<OriginPattern>) -> Result<Self, String> {
        if patterns.is_empty() {
            return Err("no origin is named: `https://app.example.com`, or `*` for all".to_owned());
        }
        if patterns.contains(&OriginPattern::Any) {
            return match patterns.len() {
                1 => Ok(Self::Any),
                _ => Err("`*` is every origin: leave out the others, or the `*`".to_owned()),
            };
        }
        let (mut exact, mut below) = (AHashSet::new(), Vec::new());
        for pattern in patterns {
            match pattern {
                OriginPattern::Any => {}
                OriginPattern::Exact(origin) => {
                    exact.insert(origin);
                }
                OriginPattern::Below(scheme, host) => below.push((scheme, host)),
            }
        }
        Ok(Self::Some { exact, below })
    }

    /// Whether a page's origin is one of them. Browsers write origins in lower case.
    fn contain(&self, origin: &str) -> bool {
        let is_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_below = |(scheme, host): &(String, String)| {
            origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_suffix(host.as_str()))
                .is_some_and(|labels| !labels.is_empty() && labels.bytes().all(is_label))
        };
        match self {
            Self::Any => true,
            Self::Some { exact, below } => exact.contains(origin) || below.iter().any(is_below),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, build, exchange, refused, values};

    const SOME: &str = "origins = ['https://a.example', 'https://*.b.example:8443']\nexpose = ['x-a', 'x-b']\ncredentials = true";

    fn respond(filter: &Cors, origin: Option<&str>, vary: Option<&str>) -> ResponseHeader {
        let headers: Vec<_> = origin.iter().map(|origin| ("origin", *origin)).collect();
        let mut head = ResponseHeader::build(200, None).unwrap();
        head.insert_header(
            "access-control-allow-origin",
            "https://from-the-origin.example",
        )
        .unwrap();
        if let Some(vary) = vary {
            head.insert_header("vary", vary).unwrap();
        }
        filter
            .response(&mut exchange("GET", "/", &headers), &mut head)
            .unwrap();
        head
    }

    #[test]
    fn an_origin_is_let_read_if_it_is_named() {
        let filter: Cors = build(SOME).unwrap();
        for (origin, is_allowed) in [
            ("https://a.example", true),
            ("https://x.b.example:8443", true),
            ("https://x.y.b.example:8443", true),
            ("http://a.example", false),
            ("https://a.example:8443", false),
            ("https://a.example.evil.example", false),
            ("https://b.example:8443", false),
            ("https://.b.example:8443", false),
            ("https://xb.example:8443", false),
            ("https://evil.example/.b.example:8443", false),
            ("https://evil.example@x.b.example:8443", false),
            ("null", false),
            ("", false),
        ] {
            let head = respond(&filter, Some(origin), None);
            let expected: &[&str] = if is_allowed { &[origin] } else { &[] };
            assert_eq!(
                values(&head, "access-control-allow-origin"),
                expected,
                "{origin}"
            );
            assert_eq!(
                head.headers
                    .contains_key("access-control-allow-credentials"),
                is_allowed
            );
            assert_eq!(
                head.headers.contains_key("access-control-expose-headers"),
                is_allowed
            );
            assert_eq!(values(&head, "vary"), ["Origin"], "{origin}");
        }
    }

    #[test]
    fn vary_names_the_origin_once() {
        let filter: Cors = build(SOME).unwrap();
        for (vary, expected) in [
            (None, vec!["Origin"]),
            (Some("accept"), vec!["accept", "Origin"]),
            (Some("accept, ORIGIN"), vec!["accept, ORIGIN"]),
            (Some("*"), vec!["*"]),
        ] {
            assert_eq!(values(&respond(&filter, None, vary), "vary"), expected);
        }
        let open: Cors = build("origins = ['*']").unwrap();
        let head = respond(&open, None, None);
        assert_eq!(
            (
                values(&head, "vary"),
                values(&head, "access-control-allow-origin")
            ),
            (vec![], vec!["*".to_owned()])
        );
    }

    fn ask(filter: &Cors, headers: &[(&'static str, &str)]) -> Option<Answer> {
        answer(filter, &mut exchange("OPTIONS", "/", headers))
    }

    #[test]
    fn a_preflight_is_answered() {
        let filter: Cors = build(
            "origins = ['https://a.example']\nmethods = ['PUT', 'GET']\nheaders = ['X-A', 'content-type']\nmax_age = '10m'",
        )
        .unwrap();
        let method = ("access-control-request-method", "PUT");
        let allowed = ask(&filter, &[("origin", "https://a.example"), method]).unwrap();
        assert_eq!(allowed.head.status.as_u16(), 204);
        for (name, value) in [
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-allow-methods", "PUT, GET"),
            ("access-control-allow-headers", "x-a, content-type"),
            ("access-control-max-age", "600"),
            ("vary", "Origin"),
        ] {
            assert_eq!(values(&allowed.head, name), [value]);
        }
        let refused = ask(&filter, &[("origin", "https://b.example"), method]).unwrap();
        assert_eq!(refused.head.headers.len(), 1, "{:?}", refused.head);
        assert_eq!(values(&refused.head, "vary"), ["Origin"]);
    }

    #[test]
    fn what_is_no_preflight_goes_on() {
        let filter: Cors = build("origins = ['*']").unwrap();
        let (origin, method) = (
            ("origin", "https://a.example"),
            ("access-control-request-method", "PUT"),
        );
        assert!(ask(&filter, &[origin]).is_none());
        assert!(ask(&filter, &[method]).is_none());
        assert!(answer(&filter, &mut exchange("GET", "/", &[origin, method])).is_none());
        assert!(ask(&filter, &[origin, method]).is_some());
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("", "`origins` is missing"),
            ("origins = []", "origins: no origin is named"),
            (
                "origins = ['*', 'https://a.example']",
                "origins: `*` is every origin",
            ),
            (
                "origins = ['*']\ncredentials = true",
                "credentials: not with an origin `*`",
            ),
            (
                "origins = ['a.example']",
                "origins[0]: `a.example` is not an origin: it begins with `https://`",
            ),
            (
                "origins = ['https://a.example/']",
                "write `https://a.example`",
            ),
            (
                "origins = ['https://a.example/b']",
                "it is a scheme and a host",
            ),
            (
                "origins = ['https://a.*.example']",
                "it is a scheme and a host",
            ),
            (
                "origins = ['https://a.example:443']",
                "leave out the default port: write `https://a.example`",
            ),
            ("origins = ['null']", "files and sandboxed frames"),
            (
                "origins = ['*']\nmethods = ['get']",
                "methods[0]: `get` is not a method: write `GET`",
            ),
        ] {
            refused::<Cors>(settings, expected);
        }
    }
}
