//! Sends copies of requests to another origin, whose answers nobody sees.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, header};
use pingora_http::RequestHeader;
use rand::Rng;
use rimward_config::{ByteSize, OriginId, Percent, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bucket::BUCKETS;
use crate::copied::copied;
use crate::exchange::Exchange;
use crate::filter::{
    BodyWatcher, BuildError, Builder, Configured, Filter, FilterError, Flow, Phase, Phases,
};
use crate::outside::{Bounds, Outside, Tally};
use crate::settings::Method;

/// Bytes of an answer that are read, so that the connection can be used again; a longer one ends it.
const ANSWER: usize = 1 << 20;

/// Sends copies of requests to another origin.
pub(crate) struct Mirror {
    share: u32,
    methods: Vec<Method>,
    when: When,
    max_body: usize,
    copies: Copies,
}

/// Settings of `mirror`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The origin that gets the copies.
    origin: String,
    /// The share of the requests that it gets, taken by chance.
    #[serde(default = "all")]
    percent: Percent,
    /// Which requests: `"origin_request"`, what goes to the route's own origin, or `"request"`, also what the cache answers.
    #[serde(default)]
    phase: When,
    /// The methods of requests that are copied. What changes something at the route's own origin changes it at the other one
    /// too.
    #[serde(default = "safe")]
    methods: Vec<Method>,
    /// The longest body that is copied; a request with a longer one is left out.
    #[serde(default = "sixty_four_kibibytes")]
    #[schemars(title = "size")]
    max_body: ByteSize,
    /// How many copies may be on their way at once; further ones are left out.
    #[serde(default = "a_hundred")]
    #[schemars(range(min = 1, max = 10_000))]
    at_once: usize,
    /// How long an answer is waited for.
    #[serde(default = "ten_seconds")]
    #[schemars(title = "duration")]
    timeout: Span,
}

/// Which requests are copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "phase")]
enum When {
    /// What goes to the route's own origin.
    #[default]
    OriginRequest,
    /// Every request.
    Request,
}

fn all() -> Percent {
    Percent::whole(100).unwrap_or_default()
}

fn safe() -> Vec<Method> {
    vec![Method(http::Method::GET), Method(http::Method::HEAD)]
}

fn sixty_four_kibibytes() -> ByteSize {
    ByteSize(64 << 10)
}

fn a_hundred() -> usize {
    100
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

impl Configured for Mirror {
    const NAME: &'static str = "mirror";
    const SUMMARY: &'static str =
        "Sends copies of requests to another origin, whose answers nobody sees.";
    const EXAMPLE: &'static str = r#"use = "mirror"
origin = "shop-v2"
percent = 10
"#;
    const SAFE_TO_SKIP: bool = true;
    type Settings = Settings;

    fn new(settings: Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        let max_body = usize::try_from(settings.max_body.0).ok();
        let max_body = max_body.filter(|most| *most <= 16 << 20).ok_or_else(|| {
            let message = format!(
                "`{}` is more than can be copied: at most `16MiB`",
                settings.max_body
            );
            BuildError::at("max_body", message)
        })?;
        if !(1..=10_000).contains(&settings.at_once) {
            let message = format!("`{}` is out of bounds: 1 to 10000", settings.at_once);
            return Err(BuildError::at("at_once", message));
        }
        Ok(Self {
            share: settings.percent.milli() / 10,
            methods: settings.methods,
            when: settings.phase,
            max_body,
            copies: Copies {
                origin: builder.origin("origin", &settings.origin)?,
                bounds: Bounds {
                    time: settings.timeout.0,
                    body: ANSWER,
                },
                places: Arc::new(Semaphore::new(settings.at_once)),
                outside: builder.outside(),
                tallies: Tallied {
                    sent: builder.tally("sent"),
                    failed: builder.tally("failed"),
                    left_out: builder.tally("left out"),
                }
                .into(),
            },
        })
    }
}

impl Filter for Mirror {
    fn phases(&self) -> Phases {
        match self.when {
            When::OriginRequest => Phases::only(Phase::OriginRequest),
            When::Request => Phases::only(Phase::Request),
        }
    }

    fn runs_in_lane(&self) -> bool {
        true
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if self.is_due(&exchange.request) {
            let copy = copied(&exchange.request);
            self.mirror(exchange, copy);
        }
        Ok(Flow::Continue)
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        if self.is_due(request) {
            self.mirror(exchange, copied(request));
        }
        Ok(Flow::Continue)
    }
}

impl Mirror {
    fn is_due(&self, request: &RequestHeader) -> bool {
        self.methods.iter().any(|method| method.0 == request.method)
            && rand::rng().random_range(0..BUCKETS) < self.share
    }

    /// Sends a copy as soon as it has its body, if there is a place for it.
    fn mirror(&self, exchange: &mut Exchange, copy: Option<Request<Bytes>>) {
        let place = self.copies.places.clone().try_acquire_owned();
        let (Some(copy), Ok(place)) = (copy, place) else {
            self.copies.tallies.left_out.count();
            return;
        };
        if has_body(&exchange.request) {
            exchange.request_watchers.push(Box::new(Collector {
                copies: self.copies.clone(),
                waiting: Some((copy, place)),
                body: BytesMut::new(),
                most: self.max_body,
            }));
        } else {
            self.copies.send(copy, place);
        }
    }
}

/// RFC 9112, section 6.3: what tells that a request has a body. Over HTTP/2 a body may come without.
fn has_body(request: &RequestHeader) -> bool {
    let length = request.headers.get(header::CONTENT_LENGTH);
    let is_safe = request.method.is_safe();
    request.headers.contains_key(header::TRANSFER_ENCODING)
        || length.map_or(!is_safe, |length| length.as_bytes() != b"0")
}

/// Where copies go.
#[derive(Clone)]
struct Copies {
    origin: OriginId,
    bounds: Bounds,
    places: Arc<Semaphore>,
    outside: Arc<dyn Outside>,
    tallies: Arc<Tallied>,
}

struct Tallied {
    sent: Arc<dyn Tally>,
    failed: Arc<dyn Tally>,
    left_out: Arc<dyn Tally>,
}

impl Copies {
    fn send(&self, copy: Request<Bytes>, place: OwnedSemaphorePermit) {
        let (outside, origin, bounds) = (self.outside.clone(), self.origin, self.bounds);
        let tallies = self.tallies.clone();
        tokio::spawn(async move {
            let _place = place;
            match outside.ask(origin, copy, bounds).await {
                Ok(_) => tallies.sent.count(),
                Err(error) => {
                    tallies.failed.count();
                    tracing::debug!(%error, "a copy of a request was not answered");
                }
            }
        });
    }
}

/// Collects the body of a request for its copy.
struct Collector {
    copies: Copies,
    /// `None` once the copy was sent or given up.
    waiting: Option<(Request<Bytes>, OwnedSemaphorePermit)>,
    body: BytesMut,
    most: usize,
}

impl BodyWatcher for Collector {
    fn chunk(&mut self, bytes: &Bytes) {
        if self.waiting.is_none() {
            return;
        }
        if self.body.len() + bytes.len() > self.most {
            self.waiting = None;
            self.body = BytesMut::new();
            self.copies.tallies.left_out.count();
            return;
        }
        self.body.extend_from_slice(bytes);
    }

    fn end(&mut self) {
        if let Some((copy, place)) = self.waiting.take() {
            let body = std::mem::take(&mut self.body).freeze();
            self.copies.send(copy.map(|_| body), place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, exchange, refused};

    #[test]
    fn chance_and_method_decide() {
        let due = |settings: &str, method: &str| {
            let filter: Mirror = build(&format!("origin = \"b\"\n{settings}")).unwrap();
            let request = exchange(method, "/", &[]).request;
            (0..2_000).filter(|_| filter.is_due(&request)).count()
        };
        assert_eq!(due("", "GET"), 2_000);
        assert_eq!(due("", "POST"), 0);
        assert_eq!(due("methods = [\"POST\"]", "POST"), 2_000);
        assert!((120..280).contains(&due("percent = 10", "GET")));
        assert_eq!(due("percent = 0", "GET"), 0);
    }

    #[test]
    fn a_body_is_expected_where_there_may_be_one() {
        for (method, field, expected) in [
            ("GET", None, false),
            ("GET", Some(("content-length", "3")), true),
            ("POST", None, true),
            ("POST", Some(("content-length", "0")), false),
            ("POST", Some(("transfer-encoding", "chunked")), true),
        ] {
            let fields: Vec<_> = field.into_iter().collect();
            let request = exchange(method, "/", &fields).request;
            assert_eq!(has_body(&request), expected, "{method} {field:?}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (settings, expected) in [
            ("percent = 1", "origin"),
            ("origin = \"b\"\npercent = \"1/2\"", "0 to 100"),
            ("origin = \"b\"\nphase = \"response\"", "origin_request"),
            ("origin = \"b\"\nmethods = [\"get\"]", "`GET`"),
            ("origin = \"b\"\nmax_body = \"17MiB\"", "at most `16MiB`"),
            ("origin = \"b\"\nat_once = 0", "1 to 10000"),
        ] {
            refused::<Mirror>(settings, expected);
        }
    }
}
