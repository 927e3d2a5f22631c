//! What a template can name.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::TemplateError;
use crate::exchange::Exchange;
use crate::location::LocationField;

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
    /// `{city}` and its like.
    Location(LocationField),
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
            Self::Location(field) => return field.value(&exchange.client.location()),
            Self::Param(name) => exchange.param(name)?,
            Self::Header(name) => exchange.header(name)?,
            Self::Cookie(name) => exchange.cookie(name)?,
        };
        Some(value.into())
    }
}

impl FromStr for Variable {
    type Err = TemplateError;

    fn from_str(name: &str) -> Result<Self, TemplateError> {
        if let Some((_, variable)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(variable.clone());
        }
        if let Some(field) = LocationField::find(name) {
            return Ok(Self::Location(field));
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
    let nearest = names()
        .map(|plain| {
            (
                strsim::damerau_levenshtein(plain, &name.to_lowercase()),
                plain,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, plain)) => format!("did you mean `{{{plain}}}`?"),
        None => {
            let names: Vec<_> = names().collect();
            format!(
                "there are {}, param.NAME, header.NAME and cookie.NAME",
                names.join(", ")
            )
        }
    }
}

/// The names without a dot.
fn names() -> impl Iterator<Item = &'static str> {
    let plain = PLAIN.iter().map(|(plain, _)| *plain);
    let located = LocationField::ALL.iter().map(|field| field.name());
    plain.chain(located.filter(|name| *name != "country"))
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => write!(f, "param.{name}"),
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Cookie(name) => write!(f, "cookie.{name}"),
            Self::Location(field) => f.write_str(field.name()),
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
