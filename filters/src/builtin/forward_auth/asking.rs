//! The question to the auth origin.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use rimward_config::OriginId;

use super::settings::Settings;
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder, FilterError};
use crate::outside::{Bounds, Outside};
use crate::settings::{FieldNames, refuse_framing};
use crate::template::{Place, Template};

const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Names the filters that asked, so that an auth origin behind this very filter is not asked for ever.
const ASKED_BY: HeaderName = HeaderName::from_static("x-forward-auth");
/// Where requests have been (RFC 8586).
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// The longest body that may be asked for.
const MAX_BODY: u64 = 16 << 20;

/// How the auth origin is asked.
pub(super) struct Asking {
    outside: Arc<dyn Outside>,
    origin: OriginId,
    bounds: Bounds,
    method: Method,
    path: Template,
    told: Vec<FieldNames>,
}

impl Asking {
    pub(super) fn new(settings: &Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let fixed = settings.path.to_string();
        if !fixed.starts_with('/') {
            let message = format!("`{fixed}` does not begin with a slash, as in `/verify`");
            return Err(BuildError::at("path", message));
        }
        if settings.timeout.0.is_zero() {
            return Err(BuildError::at("timeout", "it has to be more than zero"));
        }
        let body = settings.max_body.0;
        let body = usize::try_from(body).ok().filter(|_| body <= MAX_BODY);
        let body = body.ok_or_else(|| {
            let message = format!("`{}` is too long: at most `16MiB`", settings.max_body);
            BuildError::at("max_body", message)
        })?;
        for (index, names) in settings.request_headers.iter().enumerate() {
            if let FieldNames::One(name) = names {
                let at = |message| BuildError::at(format!("request_headers[{index}]"), message);
                refuse_framing(name).map_err(at)?;
            }
        }
        Ok(Self {
            outside: builder.outside(),
            origin: builder.origin("origin", &settings.origin)?,
            bounds: Bounds {
                time: settings.timeout.0,
                body,
            },
            method: settings.method.0.clone(),
            path: settings.path.clone(),
            told: settings.request_headers.clone(),
        })
    }

    /// What the auth origin is asked for.
    pub(super) fn path(&self) -> &Template {
        &self.path
    }

    /// The request headers that the auth origin gets.
    pub(super) fn told(&self) -> &[FieldNames] {
        &self.told
    }

    /// Whether a request comes from asking for the filter of this name.
    pub(super) fn comes_from(&self, filter: &str, exchange: &Exchange) -> bool {
        let marks = exchange.request.headers.get_all(ASKED_BY);
        marks
            .iter()
            .any(|mark| mark.as_bytes() == filter.as_bytes())
    }

    /// What the auth origin says.
    ///
    /// # Errors
    /// When it says nothing within the bounds.
    pub(super) async fn ask(
        &self,
        filter: &str,
        exchange: &Exchange,
    ) -> Result<Response<Bytes>, FilterError> {
        let request = self.request(filter, exchange)?;
        let answer = self.outside.ask(self.origin, request, self.bounds).await;
        answer
            .map_err(|error| FilterError::new(format!("the auth origin does not answer: {error}")))
    }

    pub(super) fn request(
        &self,
        filter: &str,
        exchange: &Exchange,
    ) -> Result<Request<Bytes>, FilterError> {
        let path = self.path.render(exchange, Place::Uri);
        let uri = Uri::try_from(path.as_ref());
        let uri = uri.map_err(|_| FilterError::new("`path` makes no request target"))?;
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        self.tell_headers(&exchange.request.headers, headers);
        for (name, value) in circumstances(exchange) {
            let value = HeaderValue::try_from(value);
            let value = value.map_err(|_| FilterError::new(format!("`{name}` can't be told")))?;
            headers.insert(name, value);
        }
        // An auth origin that is asked through edges can still be told from a loop.
        for name in [CDN_LOOP, ASKED_BY] {
            for value in exchange.request.headers.get_all(&name) {
                headers.append(&name, value.clone());
            }
        }
        if let Ok(mark) = HeaderValue::from_str(filter) {
            headers.append(ASKED_BY, mark);
        }
        Ok(request)
    }

    fn tell_headers(&self, sent: &HeaderMap, told: &mut HeaderMap) {
        for (name, value) in sent {
            if self.told.iter().any(|names| is_among(names, name)) && refuse_framing(name).is_ok() {
                told.append(name, value.clone());
            }
        }
    }
}

/// Whether a header is one of those that are named.
pub(super) fn is_among(names: &FieldNames, name: &HeaderName) -> bool {
    match names {
        FieldNames::One(one) => one == name,
        FieldNames::Prefix(prefix) => name.as_str().starts_with(prefix),
    }
}

/// What the auth origin is told of a request beside its headers.
fn circumstances(exchange: &Exchange) -> [(HeaderName, String); 5] {
    let uri = exchange.request.uri.path_and_query();
    let uri = uri.map_or("/", |uri| uri.as_str()).to_owned();
    let client = exchange.client.ip.to_canonical();
    let peer = exchange.client.peer.ip().to_canonical();
    let chain = match client == peer {
        true => client.to_string(),
        false => format!("{client}, {peer}"),
    };
    [
        (
            FORWARDED_METHOD,
            exchange.request.method.as_str().to_owned(),
        ),
        (FORWARDED_PROTO, exchange.client.scheme.as_str().to_owned()),
        (
            FORWARDED_HOST,
            exchange.header("host").unwrap_or("").to_owned(),
        ),
        (FORWARDED_URI, uri),
        (FORWARDED_FOR, chain),
    ]
}
