//! What a configuration says of a handler, made ready.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use rimward_config::OriginId;

use super::event::Event;
use super::fault::Fault;
use super::origin::{HostGrant, KnownOrigins, Reach};
use super::request::has_body;
use super::settings::Settings;
use super::viewer::{self, ViewerHeader};
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder};
use crate::outside::Tally;

const MEMORY: RangeInclusive<u64> = (16 << 20)..=(1 << 30);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(30);
const ANSWER: RangeInclusive<u64> = 1..=(64 << 20);

/// What a configuration says of a handler, made ready.
pub struct Handler {
    pub(super) event: Event,
    pub(super) strict: bool,
    pub(super) include_body: bool,
    pub(super) geo_in_viewer_request: bool,
    pub(super) viewer_headers: Vec<ViewerHeader>,
    pub(super) distribution_id: Option<String>,
    pub(super) distribution_domain_name: Option<String>,
    pub(super) known: KnownOrigins,
    origins: Option<Vec<OriginId>>,
    hosts: Vec<HostGrant>,
    pub(super) response_body: usize,
    pub(super) answered: Arc<dyn Tally>,
    invalid: Arc<dyn Tally>,
    exception: Arc<dyn Tally>,
    unavailable: Arc<dyn Tally>,
}

impl Handler {
    /// Makes it ready; the file is not read here.
    ///
    /// # Errors
    /// With the setting's key and what would have been right.
    pub fn new(settings: &Settings, builder: &Builder<'_>) -> Result<Self, BuildError> {
        check(settings)?;
        viewer::prepare();
        let origin = |(index, name): (usize, &String)| {
            builder.origin(format!("grants.origins[{index}]"), name)
        };
        let origins = settings.grants.origins.as_ref();
        let origins = origins.map(|names| names.iter().enumerate().map(origin).collect());
        Ok(Self {
            event: settings.event,
            strict: settings.strict,
            include_body: settings.include_body,
            geo_in_viewer_request: settings.geo_in_viewer_request.unwrap_or(!settings.strict),
            viewer_headers: settings
                .cloudfront_headers
                .clone()
                .unwrap_or_else(ViewerHeader::all),
            distribution_id: settings.distribution_id.clone(),
            distribution_domain_name: settings.distribution_domain_name.clone(),
            known: KnownOrigins::of(builder.origins()),
            origins: origins.transpose()?,
            hosts: settings.grants.hosts.clone(),
            response_body: usize::try_from(settings.response_body.0).unwrap_or(usize::MAX),
            answered: builder.tally("answered"),
            invalid: builder.tally("invalid"),
            exception: builder.tally("exception"),
            unavailable: builder.tally("unavailable"),
        })
    }

    /// How much of the request's body has to come before the handler is called, if any.
    pub(super) fn wants_body(&self, exchange: &Exchange) -> Option<usize> {
        self.sees_body(exchange).then(|| self.event.quota())
    }

    pub(super) fn sees_body(&self, exchange: &Exchange) -> bool {
        self.include_body && has_body(&exchange.request.method)
    }

    pub(super) fn reach(&self, current: Option<OriginId>) -> Reach<'_> {
        Reach {
            known: &self.known,
            origins: self.origins.as_deref(),
            hosts: &self.hosts,
            current,
        }
    }

    /// Where a fault is counted.
    pub(super) fn tally(&self, fault: &Fault) -> Arc<dyn Tally> {
        match fault {
            Fault::Invalid(_) => self.invalid.clone(),
            Fault::Exception(_) => self.exception.clone(),
            Fault::Unavailable(_) => self.unavailable.clone(),
        }
    }
}

impl Settings {
    /// How long a call may take.
    pub fn time(&self) -> Duration {
        self.timeout
            .map_or_else(|| self.event.timeout(), |timeout| timeout.0)
    }

    /// The name of the function in the file.
    pub fn function(&self) -> &str {
        self.handler.as_deref().unwrap_or("handler")
    }

    /// The variables that a runtime gives the handler of the filter `name`, which also tell the runtime what it is to know.
    pub fn environment(&self, name: &str) -> Vec<(String, String)> {
        let function = self.function_name.as_deref().unwrap_or(name);
        let file = self.lambda_edge.file_stem().unwrap_or_default();
        let own = [
            (
                "_HANDLER",
                format!("{}.{}", file.to_string_lossy(), self.function()),
            ),
            ("AWS_LAMBDA_FUNCTION_NAME", function.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", self.function_version.clone()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                (self.memory.0 >> 20).to_string(),
            ),
            // All functions of Lambda@Edge are at home there.
            ("AWS_REGION", "us-east-1".to_owned()),
            ("RIMWARD_TIMEOUT_MS", self.time().as_millis().to_string()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let granted = self.grants.env.clone().into_iter();
        // A variable that is granted takes the place of one of these.
        let own = own
            .into_iter()
            .filter(|(name, _)| !self.grants.env.contains_key(name));
        own.chain(granted).collect()
    }
}

fn check(settings: &Settings) -> Result<(), BuildError> {
    let event = settings.event;
    let only = |key: &str, events: &str| {
        let message = format!("{} has none: leave it out, or take {events}", event.name());
        Err(BuildError::at(key, message))
    };
    if settings.include_body && !event.is_request() {
        return only("include_body", "`viewer-request` or `origin-request`");
    }
    if settings.cloudfront_headers.is_some() && !event.is_request() {
        return only("cloudfront_headers", "`viewer-request` or `origin-request`");
    }
    if settings.geo_in_viewer_request.is_some() && event != Event::ViewerRequest {
        return only("geo_in_viewer_request", "`viewer-request`");
    }
    if settings.handler.as_deref() == Some("") {
        return Err(BuildError::at(
            "handler",
            "it is the name of a function, such as `handler`",
        ));
    }
    if !MEMORY.contains(&settings.memory.0) {
        return Err(BuildError::at("memory", "it is from `16MiB` to `1GiB`"));
    }
    if !TIMEOUT.contains(&settings.time()) {
        return Err(BuildError::at("timeout", "it is from `1ms` to `30s`"));
    }
    if !ANSWER.contains(&settings.response_body.0) {
        return Err(BuildError::at(
            "response_body",
            "it is from `1B` to `64MiB`",
        ));
    }
    Ok(())
}
