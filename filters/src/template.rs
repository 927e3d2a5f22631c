//! Text with variables, such as `https://{host}{path}`: parsed once, rendered for each exchange.
//!
//! What a client sent never gets a meaning in the place it is put into: [`Place`] says how a variable's value is
//! written there. A text without variables is rendered without an allocation.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;

use http::header::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::exchange::Exchange;

/// Text with variables.
///
/// `{client_ip}`, `{country}`, `{request_id}`, `{host}`, `{path}`, `{query}`, `{uri}` (path and query), `{method}`,
/// `{scheme}`, `{route}`, `{site}`, `{param.NAME}`, `{header.NAME}` and `{cookie.NAME}` stand for what they name; what an
/// exchange hasn't got is empty. `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Text as it is.
    Literal(String),
    /// What stands for something of the exchange.
    Variable(Variable),
}

/// Something of an exchange that a template can name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// `{client_ip}`
    ClientIp,
    /// `{country}`
    Country,
    /// `{request_id}`
    RequestId,
    /// `{host}`
    Host,
    /// `{path}`
    Path,
    /// `{query}`
    Query,
    /// `{uri}`: path and query.
    Uri,
    /// `{method}`
    Method,
    /// `{scheme}`
    Scheme,
    /// `{route}`
    Route,
    /// `{site}`
    Site,
    /// `{param.NAME}`
    Param(String),
    /// `{header.NAME}`, in lower case.
    Header(String),
    /// `{cookie.NAME}`
    Cookie(String),
}

/// The variables without a name of their own, as they are written.
const PLAIN: [(&str, Variable); 11] = [
    ("client_ip", Variable::ClientIp),
    ("country", Variable::Country),
    ("request_id", Variable::RequestId),
    ("host", Variable::Host),
    ("path", Variable::Path),
    ("query", Variable::Query),
    ("uri", Variable::Uri),
    ("method", Variable::Method),
    ("scheme", Variable::Scheme),
    ("route", Variable::Route),
    ("site", Variable::Site),
];

/// Where rendered text is put, which decides how the values of variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Plain text: as they are.
    Text,
    /// A header's value: without control characters.
    Header,
    /// A URI: percent-encoded, also slashes, but for `{path}`, `{query}` and `{uri}`, which are so already.
    Uri,
    /// A part of a URI that delimiters would end, such as a query parameter: all percent-encoded.
    Component,
    /// HTML or XML: with character references.
    Markup,
    /// A JSON string: with escapes.
    Json,
}

/// Why a template can't be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace that nothing closes.
    #[error("`{{` is never closed: write `{{{{` for a brace")]
    Unclosed,
    /// A brace that nothing opens.
    #[error("`}}` closes nothing: write `}}}}` for a brace")]
    Unopened,
    /// A name that stands for nothing.
    #[error("`{{{0}}}` is not a variable: {1}")]
    Unknown(String, String),
}

impl Template {
    /// The text, if there is no variable in it.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Its pieces in order; no two literals stand side by side.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The variables in order.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Literal(_) => None,
        })
    }

    /// The text for one exchange.
    pub fn render(&self, exchange: &Exchange, place: Place) -> Cow<'_, str> {
        if let Some(text) = self.literal() {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(64);
        self.render_into(exchange, place, &mut text);
        Cow::Owned(text)
    }

    /// Puts the text for one exchange behind `out`.
    pub fn render_into(&self, exchange: &Exchange, place: Place, out: &mut String) {
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Variable(variable) => variable.render_into(exchange, place, out),
            }
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            literal.push_str(&rest[..brace]);
            rest = &rest[brace..];
            if let Some(after) = rest.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let (name, after) = after.split_once('}').ok_or(TemplateError::Unclosed)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Variable(name.parse()?));
                rest = after;
            } else {
                return Err(TemplateError::Unopened);
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Variable(variable) => write!(f, "{{{variable}}}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "template" })
    }
}

impl Variable {
    /// Its value as the exchange has it: `None` if it hasn't.
    pub fn value<'e>(&self, exchange: &'e Exchange) -> Option<Cow<'e, str>> {
        let value = match self {
            Self::ClientIp => return Some(exchange.client.ip.to_string().into()),
            Self::Country => exchange.client.country()?,
            Self::RequestId => &exchange.request_id,
            Self::Host => exchange.host(),
            Self::Path => exchange.path(),
            Self::Query => exchange.query()?,
            Self::Uri => exchange.request.uri.path_and_query()?.as_str(),
            Self::Method => exchange.request.method.as_str(),
            Self::Scheme => exchange.client.scheme.as_str(),
            Self::Route => &exchange.route,
            Self::Site => &exchange.site,
            Self::Param(name) => exchange.param(name)?,
            Self::Header(name) => exchange.header(name)?,
            Self::Cookie(name) => exchange.cookie(name)?,
        };
        Some(value.into())
    }

    fn render_into(&self, exchange: &Exchange, place: Place, out: &mut String) {
        if let Some(value) = self.value(exchange) {
            self.write(&value, place, out);
        }
    }

    /// Puts a value of it behind `out`, as `place` has it.
    pub(crate) fn write(&self, value: &str, place: Place, out: &mut String) {
        match place {
            Place::Text => out.push_str(value),
            Place::Header => out.extend(value.chars().filter(|c| !c.is_control())),
            Place::Uri if self.is_encoded() => out.extend(utf8_percent_encode(value, NOT_IN_URI)),
            Place::Uri | Place::Component => out.extend(utf8_percent_encode(value, NOT_UNRESERVED)),
            Place::Markup => value.chars().for_each(|c| push_markup(c, out)),
            Place::Json => value.chars().for_each(|c| push_json(c, out)),
        }
    }

    /// Whether its value is percent-encoded by itself.
    fn is_encoded(&self) -> bool {
        matches!(self, Self::Path | Self::Query | Self::Uri)
    }
}

/// RFC 3986, section 2.3: what never needs encoding.
pub(crate) const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What a URI can't hold at all; the rest of it is taken to mean what it says.
pub(crate) const NOT_IN_URI: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn push_markup(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        c if c.is_control() => out.push('\u{fffd}'),
        c => out.push(c),
    }
}

fn push_json(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        // U+2028 and U+2029 end a line in scripts, `<` begins `</script>`: JSON is put into pages.
        c if c.is_control() || matches!(c, '<' | '\u{2028}' | '\u{2029}') => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a string can't fail.
                write!(out, "\\u{unit:04x}").unwrap_or_default();
            }
        }
        c => out.push(c),
    }
}

impl FromStr for Variable {
    type Err = TemplateError;

    fn from_str(name: &str) -> Result<Self, TemplateError> {
        if let Some((_, variable)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(variable.clone());
        }
        match name.split_once('.') {
            Some(("param", param)) if !param.is_empty() => Ok(Self::Param(param.to_owned())),
            Some(("cookie", cookie)) if !cookie.is_empty() => Ok(Self::Cookie(cookie.to_owned())),
            Some(("header", header)) if http::HeaderName::from_str(header).is_ok() => {
                Ok(Self::Header(header.to_ascii_lowercase()))
            }
            _ => Err(TemplateError::Unknown(name.to_owned(), suggestion(name))),
        }
    }
}

fn suggestion(name: &str) -> String {
    let family = ["param", "header", "cookie"]
        .into_iter()
        .find(|family| name.split('.').next() == Some(family));
    if let Some(family) = family {
        return format!("write `{{{family}.NAME}}`");
    }
    let nearest = PLAIN
        .iter()
        .map(|(plain, _)| {
            (
                strsim::damerau_levenshtein(plain, &name.to_lowercase()),
                *plain,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, plain)) => format!("did you mean `{{{plain}}}`?"),
        None => {
            let names: Vec<_> = PLAIN.iter().map(|(plain, _)| *plain).collect();
            format!(
                "there are {}, param.NAME, header.NAME and cookie.NAME",
                names.join(", ")
            )
        }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => write!(f, "param.{name}"),
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Cookie(name) => write!(f, "cookie.{name}"),
            plain => {
                let name = PLAIN
                    .iter()
                    .find(|(_, variable)| variable == plain)
                    .map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// A template that makes header values. Control characters that a client smuggled into a variable are left out, so
/// that it can neither end the header nor make the filter fail.
#[derive(Debug, Clone)]
pub struct ValueTemplate(Value);

#[derive(Debug, Clone)]
enum Value {
    Fixed(HeaderValue),
    Rendered(Template),
}

impl ValueTemplate {
    /// The value for one exchange.
    pub fn render(&self, exchange: &Exchange) -> HeaderValue {
        match &self.0 {
            Value::Fixed(value) => value.clone(),
            Value::Rendered(template) => header_value(&template.render(exchange, Place::Header)),
        }
    }
}

impl TryFrom<Template> for ValueTemplate {
    type Error = String;

    fn try_from(template: Template) -> Result<Self, String> {
        for part in &template.parts {
            if let Part::Literal(text) = part
                && HeaderValue::from_str(text).is_err()
            {
                return Err(format!(
                    "`{}` can't be in a header: no control characters",
                    text.escape_debug()
                ));
            }
        }
        Ok(Self(match template.literal() {
            Some(text) => Value::Fixed(header_value(text)),
            None => Value::Rendered(template),
        }))
    }
}

/// Text without control characters is always a value.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text.trim()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::exchange;

    fn sample() -> Exchange {
        let headers = [("cookie", "a=1; theme=dark"), ("x-evil", "<\"&'>")];
        let mut exchange = exchange("GET", "/shop/a%20b?q=1&r=2", &headers);
        exchange.params = vec![("id".into(), "a/b c\r\nx: y".to_owned())];
        exchange
    }

    #[track_caller]
    fn check(template: &str, place: Place, expected: &str) {
        let template: Template = template.parse().unwrap();
        assert_eq!(template.render(&sample(), place), expected);
    }

    #[test]
    fn variables_stand_for_the_exchange() {
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            (
                "{client_ip} {country} {request_id}",
                "203.0.113.7 DE 0123456789abcdef",
            ),
            (
                "{scheme}://{host}{path}?{query}",
                "https://example.com/shop/a%20b?q=1&r=2",
            ),
            (
                "{method} {uri} {route} {site}",
                "GET /shop/a%20b?q=1&r=2 / example.com",
            ),
            (
                "{cookie.theme}{cookie.none}{header.X-None}{param.none}",
                "dark",
            ),
            ("{{{method}}} {{}}", "{GET} {}"),
        ] {
            check(template, Place::Text, expected);
        }
    }

    #[test]
    fn a_value_gets_no_meaning_where_it_is_put() {
        check("{param.id}", Place::Header, "a/b cx: y");
        check("/u/{param.id}", Place::Uri, "/u/a%2Fb%20c%0D%0Ax%3A%20y");
        check("{path}", Place::Uri, "/shop/a%20b");
        check("v={path}", Place::Component, "v=%2Fshop%2Fa%2520b");
        check(
            "<p>{header.x-evil}</p>",
            Place::Markup,
            "<p>&lt;&quot;&amp;&#39;&gt;</p>",
        );
        check(
            r#"{{"v":"{header.x-evil}{param.id}"}}"#,
            Place::Json,
            r#"{"v":"\u003c\"&'>a/b c\u000d\u000ax: y"}"#,
        );
    }

    #[test]
    fn a_mistake_is_told_with_what_would_have_been_right() {
        for (template, expected) in [
            (
                "{clientip}",
                "`{clientip}` is not a variable: did you mean `{client_ip}`?",
            ),
            (
                "{Host}",
                "`{Host}` is not a variable: did you mean `{host}`?",
            ),
            (
                "{header}",
                "`{header}` is not a variable: write `{header.NAME}`",
            ),
            (
                "{header.a b}",
                "`{header.a b}` is not a variable: write `{header.NAME}`",
            ),
            (
                "{param.}",
                "`{param.}` is not a variable: write `{param.NAME}`",
            ),
            ("a{path", "`{` is never closed: write `{{` for a brace"),
            ("a}b", "`}` closes nothing: write `}}` for a brace"),
        ] {
            assert_eq!(
                template.parse::<Template>().unwrap_err().to_string(),
                expected
            );
        }
        let error = "{zzzzzzzzzzzz}"
            .parse::<Template>()
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("site, param.NAME, header.NAME and cookie.NAME"),
            "{error}"
        );
    }

    #[test]
    fn a_text_without_variables_is_lent() {
        let template: Template = "no {{braces}}".parse().unwrap();
        assert!(matches!(
            template.render(&sample(), Place::Text),
            Cow::Borrowed("no {braces}")
        ));
    }

    #[test]
    fn a_header_value_can_not_be_broken_out_of() {
        let value = ValueTemplate::try_from("id={param.id}".parse::<Template>().unwrap()).unwrap();
        assert_eq!(value.render(&sample()), "id=a/b cx: y");
        assert!(ValueTemplate::try_from("a\r\nb".parse::<Template>().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".*") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.to_string().parse::<Template>(), Ok(template));
            }
        }

        #[test]
        fn escaped_text_is_rendered_as_it_was(text in ".*") {
            let template: Template = text.replace('{', "{{").replace('}', "}}").parse().unwrap();
            prop_assert_eq!(template.literal(), Some(text.as_str()));
        }

        #[test]
        fn what_a_client_sends_stays_in_its_place(value in ".*") {
            let mut exchange = sample();
            exchange.params = vec![("id".into(), value)];
            let template: Template = "{param.id}".parse().unwrap();
            let header = template.render(&exchange, Place::Header);
            prop_assert!(HeaderValue::from_str(&header).is_ok());
            let path = template.render(&exchange, Place::Uri);
            prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            let json = format!("\"{}\"", template.render(&exchange, Place::Json));
            let read: String = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(Some(read.as_str()), exchange.param("id"));
            let markup = template.render(&exchange, Place::Markup);
            prop_assert!(!markup.contains(['<', '>', '"', '\'']));
        }
    }
}
