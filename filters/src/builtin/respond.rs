//! Answers by itself: fixed answers and maintenance pages.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use pingora_http::ResponseHeader;
use rimward_config::{Cidr, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bodies::media_type_of;
use crate::exchange::Exchange;
use crate::filter::{
    Answer, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::ranges::Ranges;
use crate::settings::{AnswerStatus, FieldName};
use crate::template::{Place, Template, ValueTemplate};

/// Answers by itself.
pub(crate) struct Respond {
    head: ResponseHeader,
    headers: Vec<(HeaderName, ValueTemplate)>,
    body: Content,
    except: Ranges,
}

enum Content {
    Fixed(Bytes),
    Rendered(Template, Place),
}

/// Settings of `respond`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The status, from 200 to 599.
    #[serde(default = "ok")]
    pub(super) status: AnswerStatus,
    /// The body as it is.
    pub(super) body: Option<String>,
    /// The body with variables. They are written as the content type asks for: escaped in HTML, XML,
    /// JSON and scripts, percent-encoded in CSS.
    pub(super) template: Option<Template>,
    /// A file that is the body, read when the configuration is.

    #[schemars(title = "file")]
    pub(super) file: Option<PathBuf>,
    /// The body's media type. Unless set it is guessed from the name of `file`, and `text/plain; charset=utf-8` without one.
    pub(super) content_type: Option<String>,
    /// Header names and values of the response.
    #[serde(default)]
    pub(super) headers: BTreeMap<FieldName, Template>,
    /// When it is worth asking again, sent as `Retry-After`: for maintenance pages.
    #[schemars(title = "duration")]
    pub(super) retry_after: Option<Span>,
    /// Addresses and networks that are not answered but let through: those who maintain.
    #[serde(default)]
    #[schemars(title = "list of networks")]
    pub(super) except: Vec<Cidr>,
}

fn ok() -> AnswerStatus {
    AnswerStatus::OK
}

impl Configured for Respond {
    const NAME: &'static str = "respond";
    const SUMMARY: &'static str = "Answers by itself, with a fixed answer or a maintenance page.";
    const EXAMPLE: &'static str = r#"use = "respond"
status = 503
template = "<h1>Back soon</h1><p>{host} is being mended. Your request was {request_id}.</p>"
content_type = "text/html; charset=utf-8"
headers = { "cache-control" = "no-store" }
retry_after = "10m"
except = ["192.0.2.0/24"]
"#;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let status = settings.status.0;
        let content_type = content_type(&settings)?;
        let body = content(&settings, &content_type, builder)?;
        if body.is_some() && matches!(status, 204 | 205 | 304) {
            return Err(BuildError::at(
                "status",
                format!("`{status}` has no body: leave the body out or answer 200"),
            ));
        }
        let mut head = ResponseHeader::build(status, Some(4)).map_err(|_| too_many())?;
        if body.is_some() {
            head.insert_header(CONTENT_TYPE, content_type)
                .map_err(|_| too_many())?;
        }
        if let Some(Span(wait)) = settings.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            head.insert_header(RETRY_AFTER, HeaderValue::from(seconds))
                .map_err(|_| too_many())?;
        }
        let headers = settings
            .headers
            .into_iter()
            .map(field)
            .collect::<Result<Vec<_>, _>>()?;
        let body = body.unwrap_or(Content::Fixed(Bytes::new()));
        Ok(Self {
            head,
            headers,
            body,
            except: settings.except.into_iter().map(|Cidr(net)| net).collect(),
        })
    }
}

impl Filter for Respond {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if self.except.contains(exchange.client.ip) {
            return Ok(Flow::Continue);
        }
        let mut head = self.head.clone();
        for (name, value) in &self.headers {
            let fails = |_| {
                FilterError::new(format!(
                    "`{name}` can't be added: there are too many headers"
                ))
            };
            head.insert_header(name, value.render(exchange))
                .map_err(fails)?;
        }
        let body = match &self.body {
            Content::Fixed(body) => body.clone(),
            Content::Rendered(template, place) => {
                template.render(exchange, *place).into_owned().into()
            }
        };
        Ok(Answer {
            head,
            body,
            refusal: false,
        }
        .flow())
    }
}

fn content_type(settings: &Settings) -> Result<HeaderValue, BuildError> {
    let text: Cow<'_, str> = match (&settings.content_type, &settings.file) {
        (Some(text), _) => text.into(),
        (None, Some(file)) => media_type_of(file).into(),
        (None, None) => "text/plain; charset=utf-8".into(),
    };
    match HeaderValue::from_str(&text) {
        Ok(value) if text.contains('/') => Ok(value),
        _ => Err(BuildError::at(
            "content_type",
            format!("`{text}` is not a media type such as `text/html`"),
        )),
    }
}

fn content(
    settings: &Settings,
    content_type: &HeaderValue,
    builder: &Builder<'_>,
) -> Result<Option<Content>, BuildError> {
    match (&settings.body, &settings.template, &settings.file) {
        (None, None, None) => Ok(None),
        (Some(body), None, None) => Ok(Some(Content::Fixed(body.clone().into()))),
        (None, None, Some(file)) => Ok(Some(Content::Fixed(
            builder.read_bytes("file", file)?.into(),
        ))),
        (None, Some(template), None) => Ok(Some(match template.literal() {
            Some(text) => Content::Fixed(text.to_owned().into()),
            None => Content::Rendered(template.clone(), Place::in_body(content_type)),
        })),
        _ => Err(BuildError::at(
            "",
            "there is one body: `body`, `template` or `file`",
        )),
    }
}

fn field(
    (FieldName(name), template): (FieldName, Template),
) -> Result<(HeaderName, ValueTemplate), BuildError> {
    let at = |message: String| BuildError::at(format!("headers.{name}"), message);
    crate::settings::refuse_framing(&name).map_err(at)?;
    let value = ValueTemplate::try_from(template).map_err(at)?;
    Ok((name, value))
}

fn too_many() -> BuildError {
    BuildError::at("headers", "there are too many headers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        answer, build, build_in, exchange, exchange_from, refused, status, values,
    };

    #[test]
    fn a_fixed_answer_is_given() {
        let filter: Respond =
            build("body = '{\"a\": 1}'\ncontent_type = 'application/json'\nstatus = 404").unwrap();
        let answer = answer(&filter, &mut exchange("GET", "/", &[])).unwrap();
        assert_eq!(
            (answer.head.status.as_u16(), answer.body.as_ref()),
            (404, &b"{\"a\": 1}"[..])
        );
        assert_eq!(values(&answer.head, "content-type"), ["application/json"]);
        assert!(!answer.refusal);
    }

    #[test]
    fn variables_are_escaped_as_the_type_asks_for() {
        for (content_type, expected) in [
            ("text/html", "&lt;b&gt;&quot;"),
            ("IMAGE/SVG+XML; a=b", "&lt;b&gt;&quot;"),
            ("application/problem+json", "\\u003cb>\\\""),
            ("text/plain", "<b>\""),
        ] {
            let settings = format!("template = '{{header.x}}'\ncontent_type = '{content_type}'");
            let filter: Respond = build(&settings).unwrap();
            let answer = answer(&filter, &mut exchange("GET", "/", &[("x", "<b>\"")])).unwrap();
            assert_eq!(answer.body, expected, "{content_type}");
        }
    }

    #[test]
    fn a_maintenance_page_comes_from_a_file_and_lets_some_through() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("down.html"), "<h1>down</h1>").unwrap();
        let settings = r#"
            status = 503
            file = "down.html"
            retry_after = "1500ms"
            headers = { "x-id" = "{request_id}" }
            except = ["192.0.2.0/24"]"#;
        let filter: Respond = build_in(folder.path(), settings).unwrap();
        let answer = answer(&filter, &mut exchange_from("203.0.113.7")).unwrap();
        assert_eq!(answer.body, "<h1>down</h1>");
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("retry-after", "2"),
            ("x-id", "0123456789abcdef"),
        ] {
            assert_eq!(values(&answer.head, name), [value]);
        }
        assert_eq!(status(&filter, &mut exchange_from("192.0.2.9")), 0);
    }

    #[test]
    fn an_answer_without_a_body_has_no_type() {
        let filter: Respond = build("status = 204").unwrap();
        let answer = answer(&filter, &mut exchange("GET", "/", &[])).unwrap();
        assert!(answer.body.is_empty() && answer.head.headers.is_empty());
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            (
                "status = 100",
                "`100` is not a status that can be answered here: 200 to 599",
            ),
            ("body = 'a'\nfile = 'b'", "there is one body"),
            ("body = 'a'\nstatus = 204", "status: `204` has no body"),
            (
                "file = 'no-such-file'",
                "file: `./no-such-file` can't be read",
            ),
            (
                "body = 'a'\ncontent_type = 'html'",
                "content_type: `html` is not a media type",
            ),
            (
                "headers = { content-length = '1' }",
                "headers.content-length: `content-length` delimits",
            ),
            ("template = '{hostt}'", "did you mean `{host}`?"),
        ] {
            refused::<Respond>(settings, expected);
        }
    }
}
