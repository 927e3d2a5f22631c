//! What the tests of handlers share: a handler from its settings, and an answer made from the event that it is given.

mod anything;
mod events;
mod filters;
mod origins;
mod requests;
mod responses;
mod settings;

use std::path::Path;

use pingora_http::ResponseHeader;
use rimward_config::Config;
use serde_json::Value;

use super::{Event, Fault, Handler, Invocation, Outcome, Settings};
use crate::exchange::Exchange;
use crate::filter::{BuildError, Builder};
use crate::outside::Surroundings;
use crate::testing::exchange;

/// Origins that handlers in tests can send requests to; the first is the route's own.
const ORIGINS: &str = r#"
    [[listen]]
    address = "127.0.0.1:0"
    [origin.a-app]
    servers = ["https://app.example.net", "https://app2.example.net:8443"]
    [origin.b-shop]
    servers = ["http://shop.example.net:8080", "10.0.0.11:8080"]
    timeouts = { first_byte = "10s" }
    [origin.c-bucket]
    s3 = { bucket = "pictures", region = "eu-west-1", credentials = "anonymous" }
    [origin.d-folder]
    s3 = { bucket = "site", region = "us-east-1", prefix = "v2", credentials = "anonymous" }
    [origin.e-files]
    directory = "."
"#;

fn origins() -> Config {
    rimward_config::parse(ORIGINS, "pop.toml").expect("a configuration")
}

fn surroundings() -> Surroundings {
    let origins = origins().origins;
    Surroundings {
        origins: Some(
            origins
                .iter()
                .map(|origin| origin.name.as_str().into())
                .collect(),
        ),
        known_origins: origins.into(),
        ..Surroundings::default()
    }
}

/// The handler of these settings, beside its file and its event.
fn built(event: &str, settings: &str) -> Result<Handler, BuildError> {
    built_in(event, settings, surroundings())
}

fn built_in(event: &str, settings: &str, around: Surroundings) -> Result<Handler, BuildError> {
    let text = format!("lambda_edge = \"handler.js\"\nevent = \"{event}\"\n{settings}");
    let table: toml::Table = text.parse().expect("TOML");
    let settings: Settings = rimward_config::decode(&table)
        .map_err(|problems| BuildError::from(problems.into_iter().next().expect("a problem")))?;
    let builder = Builder::new(Path::new("."), "test").within(around);
    Handler::new(&settings, &builder)
}

#[track_caller]
fn handler(event: &str, settings: &str) -> Handler {
    built(event, settings).expect("a handler")
}

/// A request as a browser sends it, whose route has the first origin.
fn browser(method: &str, target: &str) -> Exchange {
    let mut exchange = exchange(
        method,
        target,
        &[
            ("user-agent", "curl/8.0"),
            ("accept-encoding", "gzip"),
            ("via", "1.1 proxy"),
            ("cookie", "a=1"),
        ],
    );
    exchange.origin = Some(rimward_config::OriginId(0));
    exchange
}

/// A response as an origin sends it.
fn page() -> ResponseHeader {
    let mut head = ResponseHeader::build(200, None).unwrap();
    for (name, value) in [
        ("Content-Type", "text/html"),
        ("Content-Length", "120"),
        ("Cache-Control", "max-age=60"),
        ("ETag", "\"1\""),
        ("Via", "1.1 origin"),
        ("Warning", "199 - old"),
    ] {
        head.append_header(name, value).unwrap();
    }
    head
}

/// The call of `handler` for `exchange`, at the phase of its event.
fn invocation(handler: &Handler, exchange: &Exchange) -> Invocation {
    match handler.event {
        Event::ViewerRequest => Invocation::viewer_request(handler, exchange),
        Event::OriginRequest => Invocation::origin_request(handler, exchange, &exchange.request),
        Event::OriginResponse => Invocation::origin_response(handler, exchange, &page()),
        Event::ViewerResponse => Invocation::viewer_response(handler, exchange, &page()),
    }
}

/// What a handler is given, and most often returns.
fn given(invocation: &Invocation) -> Value {
    let event: Value = serde_json::from_str(&invocation.event()).expect("JSON");
    let cf = &event["Records"][0]["cf"];
    cf.get("response").unwrap_or_else(|| &cf["request"]).clone()
}

/// What comes of a handler that changes what it is given like this.
fn outcome(
    handler: &Handler,
    exchange: &Exchange,
    change: impl FnOnce(&mut Value),
) -> Result<Outcome, Fault> {
    let invocation = invocation(handler, exchange);
    let mut value = given(&invocation);
    change(&mut value);
    invocation.outcome(handler, &value.to_string())
}

/// Asserts that it is refused with 502 and a text that holds `expected`.
#[track_caller]
fn refused(
    handler: &Handler,
    exchange: &Exchange,
    expected: &str,
    change: impl FnOnce(&mut Value),
) {
    match outcome(handler, exchange, change) {
        Err(fault) => {
            let told = fault.to_string();
            assert!(told.contains(expected), "`{told}` should hold `{expected}`");
            assert_eq!(fault.status(), 502);
        }
        Ok(outcome) => panic!("was taken: {outcome:?}; expected {expected}"),
    }
}
