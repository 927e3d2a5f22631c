//! Lets pages of other origins use the site (the CORS protocol of the Fetch standard).

mod origins;

use http::Method as HttpMethod;
use http::header::{self, HeaderName, HeaderValue};
use pingora_http::ResponseHeader;
use rimward_config::Span;
use schemars::JsonSchema;
use serde::Deserialize;

use self::origins::{OriginPattern, Origins};
use crate::exchange::Exchange;
use crate::filter::{
    Answer, Body, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::settings::{FieldName, Method};
use crate::vary;

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

    fn runs_in_lane(&self) -> bool {
        true
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
        vary::by(head, "Origin")?;
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

#[cfg(test)]
mod tests;
