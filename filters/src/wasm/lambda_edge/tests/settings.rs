use super::*;

#[track_caller]
fn refused(event: &str, settings: &str, expected: &str) {
    let error = built(event, settings).err().expect("it is refused");
    let told = format!("{}: {}", error.key, error.message);
    assert!(told.contains(expected), "`{told}` should hold `{expected}`");
}

#[test]
fn settings_that_are_wrong_are_told() {
    for (event, settings, expected) in [
        ("viewer", "", "event: "),
        (
            "viewer-request",
            "inclood_body = true",
            "unknown key `inclood_body`",
        ),
        (
            "viewer-response",
            "include_body = true",
            "include_body: viewer-response has none",
        ),
        (
            "origin-response",
            "cloudfront_headers = []",
            "cloudfront_headers: origin-response has none",
        ),
        (
            "origin-request",
            "geo_in_viewer_request = true",
            "take `viewer-request`",
        ),
        (
            "viewer-request",
            "cloudfront_headers = ['X']",
            "`X` is none of the headers in which CloudFront tells",
        ),
        (
            "viewer-request",
            "handler = ''",
            "handler: it is the name of a function",
        ),
        (
            "viewer-request",
            "memory = '1MiB'",
            "memory: it is from `16MiB` to `1GiB`",
        ),
        (
            "viewer-request",
            "memory = '2GiB'",
            "memory: it is from `16MiB` to `1GiB`",
        ),
        (
            "viewer-request",
            "timeout = '0s'",
            "timeout: it is from `1ms` to `30s`",
        ),
        (
            "origin-request",
            "timeout = '31s'",
            "timeout: it is from `1ms` to `30s`",
        ),
        (
            "origin-request",
            "response_body = '65MiB'",
            "response_body: it is from `1B` to `64MiB`",
        ),
        (
            "origin-request",
            "grants = { origins = ['shop'] }",
            "grants.origins[0]: there is no origin `shop`",
        ),
        (
            "origin-request",
            "grants = { hosts = ['*'] }",
            "name the hosts",
        ),
        (
            "origin-request",
            "grants = { hosts = ['a:0'] }",
            "does not end in a port",
        ),
        (
            "origin-request",
            "grants = { hosts = ['a:b'] }",
            "does not end in a port",
        ),
        (
            "origin-request",
            "grants = { hosts = ['https://a'] }",
            "leave out the scheme",
        ),
        ("origin-request", "grants = { hots = ['a'] }", "unknown key"),
    ] {
        refused(event, settings, expected);
    }
}

#[test]
fn what_is_not_said_is_as_with_aws() {
    let settings = |file: &str, event: &str| -> Settings {
        let table: toml::Table = format!("lambda_edge = '{file}'\nevent = '{event}'")
            .parse()
            .unwrap();
        rimward_config::decode(&table).unwrap()
    };
    let js = settings("a.js", "viewer-response");
    assert_eq!(
        (js.function(), js.time().as_secs(), js.memory.0),
        ("handler", 5, 128 << 20)
    );
    let late = settings("a.js", "origin-response");
    assert_eq!(late.time().as_secs(), 30);
    let variables = js.environment("auth");
    let is = |name: &str| {
        variables
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| &**value)
    };
    for (name, value) in [
        ("_HANDLER", "a.handler"),
        ("AWS_LAMBDA_FUNCTION_NAME", "auth"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("RIMWARD_TIMEOUT_MS", "5000"),
    ] {
        assert_eq!(is(name), Some(value), "{name}");
    }
    let handler = handler("viewer-request", "");
    assert!(handler.strict && !handler.geo_in_viewer_request && !handler.include_body);
    assert!(super::handler("viewer-request", "strict = false").geo_in_viewer_request);
}
