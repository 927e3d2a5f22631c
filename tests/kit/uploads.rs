//! A filter that has to do with the bodies of requests, and one that asks the edge itself: for tests of what the edge makes of
//! such filters.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use pingora::http::RequestHeader;
use rimward_filters::{
    Answer, BodyRewriter, Bounds, BuildError, Builder, Configured, Depth, Exchange, Filter,
    FilterError, Flow, Outside, Phase, Phases,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Wants bodies of requests, and rewrites them.
///
/// ```toml
/// { use = "uploads", wants = 100, rewrite = "upper" }
/// ```
pub struct Uploads(UploadSettings);

/// What it does with bodies.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadSettings {
    /// The phase in which it does it.
    #[serde(default)]
    phase: When,
    /// Wants so many bytes, whose number and wholeness it tells in `x-body`.
    wants: Option<usize>,
    /// Answers with that.
    #[serde(default)]
    answers: bool,
    /// How the body is rewritten.
    rewrite: Option<Rewrite>,
    /// Fields of the head that it sets, though they are not its business.
    length: Option<String>,
}

/// A phase of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum When {
    /// Before the cache.
    #[default]
    Request,
    /// Before an origin.
    OriginRequest,
}

/// How a body is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Rewrite {
    /// In capitals.
    Upper,
    /// With `!` at the end.
    Append,
    /// Nothing is left of it.
    Drop,
    /// It fails at the end.
    Fail,
}

impl Configured for Uploads {
    const NAME: &'static str = "uploads";
    const SUMMARY: &'static str = "Has to do with bodies of requests.";
    const EXAMPLE: &'static str = "use = \"uploads\"\n";
    type Settings = UploadSettings;

    fn new(settings: UploadSettings, _: &Builder<'_>) -> Result<Self, BuildError> {
        Ok(Self(settings))
    }
}

#[async_trait]
impl Filter for Uploads {
    fn phases(&self) -> Phases {
        Phases::only(match self.0.phase {
            When::Request => Phase::Request,
            When::OriginRequest => Phase::OriginRequest,
        })
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(length) = &self.0.length {
            let request = &mut exchange.request;
            request.insert_header("content-length", length).unwrap();
        }
        self.begin(exchange)
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let told = self.told(exchange);
        exchange.request.insert_header("x-body", &told).unwrap();
        self.end(told)
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        if let Some(length) = &self.0.length {
            request.insert_header("content-length", length).unwrap();
        }
        self.begin(exchange)
    }

    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        let told = self.told(exchange);
        request.insert_header("x-body", &told).unwrap();
        self.end(told)
    }
}

impl Uploads {
    fn begin(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(rewrite) = self.0.rewrite {
            exchange.request_rewriters.push(Box::new(rewrite));
        }
        Ok(self.0.wants.map_or(Flow::Continue, Flow::WantsBody))
    }

    fn told(&self, exchange: &Exchange) -> String {
        let body = exchange.request_body.as_ref().expect("a body");
        let kind = if body.is_whole { "whole" } else { "begun" };
        format!("{} {kind}", body.bytes.len())
    }

    fn end(&self, told: String) -> Result<Flow, FilterError> {
        match self.0.answers {
            true => Ok(Answer::new(200)?.with_body(told).flow()),
            false => Ok(Flow::Continue),
        }
    }
}

impl BodyRewriter for Rewrite {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        Ok(match self {
            Self::Upper => bytes.to_ascii_uppercase().into(),
            Self::Append | Self::Fail => bytes,
            Self::Drop => Bytes::new(),
        })
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        match self {
            Self::Append => Ok(Bytes::from_static(b"!")),
            Self::Fail => Err(FilterError::new("as told")),
            Self::Upper | Self::Drop => Ok(Bytes::new()),
        }
    }
}

/// Asks the edge itself, and answers with what it says.
///
/// ```toml
/// { use = "inner", path = "/other" }
/// ```
pub struct Inner {
    settings: InnerSettings,
    outside: Arc<dyn Outside>,
}

/// What it asks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InnerSettings {
    method: String,
    path: String,
    host: String,
    body: String,
    /// Milliseconds.
    time: u64,
    /// Bytes.
    most: usize,
}

impl Default for InnerSettings {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            host: "example.com".to_owned(),
            body: String::new(),
            time: 10_000,
            most: 100_000,
        }
    }
}

impl Configured for Inner {
    const NAME: &'static str = "inner";
    const SUMMARY: &'static str = "Asks the edge itself.";
    const EXAMPLE: &'static str = "use = \"inner\"\n";
    type Settings = InnerSettings;

    fn new(settings: InnerSettings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            settings,
            outside: builder.outside(),
        })
    }
}

#[async_trait]
impl Filter for Inner {
    fn phases(&self) -> Phases {
        Phases::only(Phase::Request)
    }

    fn request(&self, _: &mut Exchange) -> Result<Flow, FilterError> {
        Ok(Flow::Later)
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let depth = exchange.notes.get().copied().unwrap_or(Depth(0)).0;
        let request = Request::builder()
            .method(self.settings.method.as_str())
            .uri(&self.settings.path)
            .header("host", &self.settings.host)
            .header("x-request-id", &exchange.request_id)
            .header("x-forwarded-for", "203.0.113.7");
        let request = request.body(Bytes::from(self.settings.body.clone()));
        let bounds = Bounds {
            time: Duration::from_millis(self.settings.time),
            body: self.settings.most,
        };
        let (client, request) = (exchange.client.clone(), request.unwrap());
        let asked = self.outside.enter(&client, depth + 1, request, bounds);
        match asked.await {
            Ok(response) => {
                let mut answer = Answer::new(response.status().as_u16())?;
                for (from, to) in [("cache-status", "x-cache"), ("content-type", "x-type")] {
                    if let Some(value) = response.headers().get(from) {
                        answer = answer.header(http::HeaderName::from_static(to), value.clone())?;
                    }
                }
                Ok(answer.with_body(response.into_body()).flow())
            }
            Err(error) => Ok(Answer::new(500)?.with_body(error.to_string()).flow()),
        }
    }
}
