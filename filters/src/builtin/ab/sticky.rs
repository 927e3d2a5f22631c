//! What makes a client the same client.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use pingora_http::ResponseHeader;
use rimward_config::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::claims::Claims;
use crate::exchange::{Exchange, Scheme};
use crate::filter::FilterError;
use crate::settings::FieldName;

/// What makes a client the same client.
#[derive(Debug)]
pub(super) enum Sticky {
    ClientIp,
    Header(HeaderName),
    Claim(String),
    Cookie(Cookie),
}

/// A cookie with an identity that was made at random.
#[derive(Debug)]
pub(super) struct Cookie {
    name: Arc<str>,
    /// What follows the identity in `Set-Cookie`.
    attributes: String,
}

impl Sticky {
    pub(super) fn sets_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }

    /// What `go_on` makes of the client's key; `None` when it has none.
    pub(super) fn with_key<T>(
        &self,
        experiment: &Arc<str>,
        exchange: &mut Exchange,
        go_on: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        match self {
            Self::ClientIp => Some(match exchange.client.ip.to_canonical() {
                IpAddr::V4(ip) => go_on(&ip.octets()),
                // A household or a server has a /64 to choose addresses from.
                IpAddr::V6(ip) => go_on(&(ip.to_bits() >> 64).to_be_bytes()[8..]),
            }),
            Self::Header(name) => {
                let value = exchange.request.headers.get(name)?.as_bytes();
                (!value.is_empty()).then(|| go_on(value))
            }
            Self::Claim(name) => match exchange.notes.get::<Claims>()?.get(name)? {
                Value::String(text) if !text.is_empty() => Some(go_on(text.as_bytes())),
                Value::Number(number) => Some(go_on(number.to_string().as_bytes())),
                _ => None,
            },
            Self::Cookie(cookie) => {
                if exchange.cookie(&cookie.name).is_none_or(str::is_empty) {
                    cookie.make(experiment, exchange);
                }
                exchange
                    .cookie(&cookie.name)
                    .map(|value| go_on(value.as_bytes()))
            }
        }
    }

    /// Gives the client its cookie, if it is this experiment that made it. Returns whether it did.
    pub(super) fn set_cookie(
        &self,
        experiment: &Arc<str>,
        exchange: &Exchange,
        response: &mut ResponseHeader,
    ) -> Result<bool, FilterError> {
        let Self::Cookie(cookie) = self else {
            return Ok(false);
        };
        let made = exchange
            .notes
            .get::<Made>()
            .and_then(|made| made.of(&cookie.name));
        let Some(made) = made.filter(|made| made.by == *experiment) else {
            return Ok(false);
        };
        let secure = if exchange.client.scheme == Scheme::Https {
            "; Secure"
        } else {
            ""
        };
        let text = [
            &*cookie.name,
            "=",
            &made.identity,
            &cookie.attributes,
            secure,
        ]
        .concat();
        let wrong = |_| FilterError::new(format!("the cookie `{}` can't be set", cookie.name));
        let value = HeaderValue::from_str(&text).map_err(wrong)?;
        response
            .append_header(SET_COOKIE, value)
            .map_err(|_| super::too_many(&SET_COOKIE))?;
        Ok(true)
    }
}

impl Cookie {
    /// Has a client that has no identity yet get one: the one that was made for this request before, or a new one. The request
    /// carries it from here on, as those that follow will.
    fn make(&self, experiment: &Arc<str>, exchange: &mut Exchange) {
        let made = exchange.notes.get_or_insert_default::<Made>();
        if made.of(&self.name).is_none() {
            made.0.push(MadeIdentity {
                cookie: self.name.clone(),
                identity: format!("{:032x}", rand::random::<u128>()),
                by: experiment.clone(),
            });
        }
        let identity = made.of(&self.name).map_or("", |made| &made.identity);
        let own = [&*self.name, "=", identity].concat();
        let others = exchange.request.headers.get_all(COOKIE).iter();
        let line = others.fold(own.into_bytes(), |mut line, others| {
            line.extend_from_slice(b"; ");
            line.extend_from_slice(others.as_bytes());
            line
        });
        if let Ok(line) = HeaderValue::from_bytes(&line) {
            // One line takes the place of what was there; a head that is full keeps what it has.
            drop(exchange.request.insert_header(COOKIE, line));
        }
    }
}

/// The identities that were made for a request.
#[derive(Debug, Clone, Default)]
struct Made(Vec<MadeIdentity>);

#[derive(Debug, Clone)]
struct MadeIdentity {
    cookie: Arc<str>,
    identity: String,
    /// The experiment that sets it; others may go by the same cookie.
    by: Arc<str>,
}

impl Made {
    fn of(&self, cookie: &str) -> Option<&MadeIdentity> {
        self.0.iter().find(|made| *made.cookie == *cookie)
    }
}

/// The table form. One of `cookie`, `header` and `claim` is there; the rest is about the cookie.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StickySettings {
    /// A cookie's name. Who has none is given one with an identity that is made at random; it is `Secure` where the client
    /// speaks https. The origin sees it from the first request on.
    cookie: Option<String>,
    /// A request header.
    header: Option<FieldName>,
    /// A claim of the token that the filter `jwt` verified, which has to come before this one.
    claim: Option<String>,
    /// How long the cookie is kept; 30 days unless set.
    #[schemars(title = "duration")]
    ttl: Option<Span>,
    /// The cookie's `Domain`: without it only the host that was asked for gets the cookie.
    domain: Option<String>,
    /// The cookie's `Path`; `/` unless set.
    path: Option<String>,
    /// The cookie's `SameSite`: `"lax"`, `"strict"` or `"none"`; `"lax"` unless set.
    #[schemars(title = "word")]
    same_site: Option<SameSite>,
    /// Whether scripts are kept from reading the cookie; they are unless set.
    http_only: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SameSite {
    Lax,
    Strict,
    None,
}

impl TryFrom<StickySettings> for Sticky {
    type Error = String;

    fn try_from(settings: StickySettings) -> Result<Self, String> {
        let about_cookies = settings.ttl.is_some()
            || settings.domain.is_some()
            || settings.path.is_some()
            || settings.same_site.is_some()
            || settings.http_only.is_some();
        match (&settings.cookie, &settings.header, &settings.claim) {
            (Some(name), None, None) => Cookie::new(name, &settings).map(Self::Cookie),
            (None, Some(_), None) | (None, None, Some(_)) if about_cookies => Err(
                "`ttl`, `domain`, `path`, `same_site` and `http_only` are about a cookie"
                    .to_owned(),
            ),
            (None, Some(FieldName(name)), None) => Ok(Self::Header(name.clone())),
            (None, None, Some(claim)) => Ok(Self::Claim(claim.clone())),
            _ => Err(
                "give one of `cookie`, `header` and `claim`, or write `\"client_ip\"`".to_owned(),
            ),
        }
    }
}

impl Cookie {
    /// How long an identity is kept unless set.
    const TTL: u64 = 30 * 86_400;

    fn new(name: &str, settings: &StickySettings) -> Result<Self, String> {
        if name.parse::<HeaderName>().is_err() {
            return Err(format!("`{name}` can't be the name of a cookie"));
        }
        let part = |key: &str, value: &str| {
            if value.is_empty()
                || !value
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b";,".contains(&byte))
            {
                return Err(format!("`{value}` can't be the `{key}` of a cookie"));
            }
            Ok(format!("; {key}={value}"))
        };
        let mut attributes = part("Path", settings.path.as_deref().unwrap_or("/"))?;
        if let Some(domain) = &settings.domain {
            attributes.push_str(&part("Domain", domain)?);
        }
        let seconds = settings.ttl.map_or(Self::TTL, |Span(ttl)| ttl.as_secs());
        if seconds == 0 {
            return Err("a `ttl` of less than a second keeps nothing".to_owned());
        }
        attributes.push_str(&part("Max-Age", &seconds.to_string())?);
        if settings.http_only.unwrap_or(true) {
            attributes.push_str("; HttpOnly");
        }
        attributes.push_str(match settings.same_site.unwrap_or(SameSite::Lax) {
            SameSite::Lax => "; SameSite=Lax",
            SameSite::Strict => "; SameSite=Strict",
            SameSite::None => "; SameSite=None",
        });
        Ok(Self {
            name: name.into(),
            attributes,
        })
    }
}

impl<'de> Deserialize<'de> for Sticky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StickyVisitor)
    }
}

/// Reads both forms; an untagged enum would lose the place of a mistake.
struct StickyVisitor;

impl<'de> Visitor<'de> for StickyVisitor {
    type Value = Sticky;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`\"client_ip\"`, or a table with `cookie`, `header` or `claim`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sticky, E> {
        match text {
            "client_ip" => Ok(Sticky::ClientIp),
            _ => Err(E::custom(format!(
                "`{text}` is not `client_ip` or a table such as `{{ cookie = \"exp\", ttl = \"30d\" }}`"
            ))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sticky, A::Error> {
        let settings = StickySettings::deserialize(MapAccessDeserializer::new(map))?;
        settings.try_into().map_err(A::Error::custom)
    }
}

impl JsonSchema for Sticky {
    fn schema_name() -> Cow<'static, str> {
        "Sticky".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = StickySettings::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["object", "string"]));
        schema.insert("title".to_owned(), "key".into());
        schema
    }
}
