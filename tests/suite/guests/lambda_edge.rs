//! Handlers of Lambda@Edge through the edge.

use std::sync::Arc;

use rimward_tests::{Edge, Files, Origin, fill, hit, miss};

const ONE: &str = r#"
    [origin.app]
    servers = ["{origin}"]

    [filter.handler]
    lambda_edge = "handler.js"
    event = "{event}"
    {settings}

    [[site]]
    hosts = ["*"]
    origin = "app"
    filters = ["handler"]
"#;

async fn world(event: &str, handler: &str, settings: &str) -> (Edge, Origin) {
    let origin = Origin::start().await;
    let files = Files::new();
    files.write("handler.js", handler);
    let text = fill(
        ONE,
        &[
            ("origin", &origin.address()),
            ("event", &event),
            ("settings", &settings),
        ],
    );
    (Edge::start_in(Arc::new(files), &text).await, origin)
}

#[tokio::test]
async fn a_handler_in_callback_form_answers() {
    let handler = r#"
        'use strict';
        exports.handler = (event, context, callback) => {
            const request = event.Records[0].cf.request;
            if (request.uri !== '/old') return callback(null, request);
            callback(null, {
                status: '302',
                statusDescription: 'Found',
                headers: { location: [{ key: 'Location', value: 'https://example.com/new' }] },
            });
        };"#;
    let (edge, origin) = world("viewer-request", handler, "").await;
    origin.always("/a", "", "body");
    let moved = edge.get("/old").await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (302, Some("https://example.com/new"))
    );
    assert_eq!(edge.get("/a").await.text(), "body");
}

#[tokio::test]
async fn an_async_handler_changes_what_goes_to_the_origin() {
    let handler = r#"
        const querystring = require('querystring');
        exports.handler = async (event) => {
            const request = event.Records[0].cf.request;
            await Promise.resolve();
            const params = querystring.parse(request.querystring);
            request.querystring = querystring.stringify({ b: params.b, a: params.a });
            request.headers['x-made'] = [{ key: 'X-Made', value: Buffer.from('yes').toString('base64') }];
            return request;
        };"#;
    let (edge, origin) = world("origin-request", handler, "").await;
    origin.always("/a?b=2&a=1", "cache-control: max-age=60", "body");
    assert_eq!(edge.get("/a?a=1&b=2").await, miss("body"));
    assert_eq!(origin.last().header("x-made"), Some("eWVz"));
    assert_eq!(edge.get("/a?a=1&b=2").await, hit("body"));
}

#[tokio::test]
async fn a_handler_replaces_the_response_of_an_origin() {
    let handler = r#"
        exports.handler = async (event) => {
            const response = event.Records[0].cf.response;
            if (response.status === '404') {
                response.status = '200';
                response.statusDescription = 'OK';
                response.body = 'made up';
            }
            return response;
        };"#;
    let (edge, origin) = world("origin-response", handler, "").await;
    origin.reply("/a", "404", "gone");
    origin.always("/b", "", "there");
    let made = edge.get("/a").await;
    assert_eq!((made.status, made.text()), (200, "made up"));
    assert_eq!(edge.get("/b").await.text(), "there");
}

#[tokio::test]
async fn what_breaks_the_rules_has_the_status_of_aws() {
    for (handler, expected) in [
        (
            "exports.handler = async () => { throw new Error('no'); };",
            500,
        ),
        ("exports.handler = async () => ({ status: '20x' });", 502),
        (
            "exports.handler = async (e) => { const r = e.Records[0].cf.request; r.headers.connection = [{ value: 'x' }]; return r; };",
            502,
        ),
        ("exports.handler = async () => { for (;;); };", 503),
    ] {
        let (edge, origin) = world("viewer-request", handler, "timeout = \"200ms\"").await;
        origin.always("/", "", "body");
        assert_eq!(edge.get("/").await.status, expected, "{handler}");
    }
}

#[tokio::test]
async fn variables_outlive_a_call_if_an_instance_is_reused() {
    let handler = r#"
        let calls = 0;
        exports.count = async () => ({ status: '200', body: String(++calls) });"#;
    for (isolation, expected) in [("request", ["1", "1"]), ("reuse", ["1", "2"])] {
        let settings = format!("isolation = \"{isolation}\"\n    handler = \"count\"");
        let (edge, _origin) = world("viewer-request", handler, &settings).await;
        for expected in expected {
            assert_eq!(edge.get("/").await.text(), expected, "{isolation}");
        }
    }
}

#[tokio::test]
async fn a_module_that_is_not_there_is_told_at_load() {
    let files = Files::new();
    files.write(
        "handler.js",
        "const fs = require('fs'); exports.handler = async () => null;",
    );
    let text = fill(
        ONE,
        &[
            ("origin", &"127.0.0.1:1"),
            ("event", &"viewer-request"),
            ("settings", &""),
        ],
    );
    let told = Edge::try_start_in(Arc::new(files), &text)
        .await
        .err()
        .expect("it starts");
    assert!(told.to_string().contains("`fs`"), "{told}");
}

#[tokio::test]
async fn a_handler_sees_and_replaces_the_body_of_a_request() {
    let handler = r#"
        exports.handler = async (event) => {
            const request = event.Records[0].cf.request;
            const { data, inputTruncated, encoding } = request.body;
            const text = Buffer.from(data, encoding).toString();
            request.headers['x-seen'] = [{ value: `${text.length} ${inputTruncated}` }];
            if (text.startsWith('text')) request.body = { action: 'replace', encoding: 'text', data: 'A=1' };
            if (text.startsWith('base64')) request.body = { action: 'replace', encoding: 'base64', data: 'Qj0y' };
            return request;
        };"#;
    for (event, quota) in [("viewer-request", 40 << 10), ("origin-request", 1 << 20)] {
        let (edge, origin) = world(event, handler, "include_body = true").await;
        origin.always("/a", "", "ok");
        let long = "x".repeat(quota + 1);
        for (body, seen, expected) in [
            ("", "0 false", ""),
            ("other", "5 false", "other"),
            ("text", "4 false", "A=1"),
            ("base64", "6 false", "B=2"),
            (&long[1..], &format!("{quota} false"), &long[1..]),
            (&long, &format!("{quota} true"), &long),
            (&format!("text{long}"), &format!("{quota} true"), "A=1"),
        ] {
            for request in [
                format!("POST /a\ncontent-length: {}\n\n{body}", body.len()),
                format!(
                    "POST /a\ntransfer-encoding: chunked\n\n{}0\r\n\r\n",
                    match body {
                        "" => String::new(),
                        body => format!("{:x}\r\n{body}\r\n", body.len()),
                    }
                ),
            ] {
                assert_eq!(edge.request(&request).await.text(), "ok", "{event} {seen}");
                let asked = origin.last();
                assert_eq!(asked.header("x-seen"), Some(seen), "{event}");
                assert!(asked.body == expected.as_bytes(), "{event} {seen}");
            }
        }
    }
}

#[tokio::test]
async fn a_handler_sends_a_request_to_a_host_that_it_was_granted() {
    let handler = r#"
        exports.handler = async (event) => {
            const request = event.Records[0].cf.request;
            request.origin.custom.domainName = 'localhost';
            request.origin.custom.port = Number(process.env.PORT);
            request.origin.custom.path = '/v1';
            return request;
        };"#;
    let other = Origin::start().await;
    let port = other.address().port();
    let settings =
        format!("grants = {{ hosts = [\"localhost:{port}\"], env = {{ PORT = \"{port}\" }} }}");
    let (edge, _origin) = world("origin-request", handler, &settings).await;
    other.always("/v1/a", "cache-control: max-age=60", "there");
    let post = "POST /a\ncontent-length: 4\n\ntext";
    assert_eq!(edge.request(post).await.text(), "there");
    assert_eq!(other.last().body, b"text");
    assert_eq!(edge.get("/a").await, miss("there"));
    assert_eq!(edge.get("/a").await, hit("there"));
}

#[tokio::test]
async fn a_handler_asks_through_the_cache() {
    let handler = r#"
        exports.handler = async (event) => {
            const request = event.Records[0].cf.request;
            if (request.uri !== '/asks') return request;
            const reply = await fetch('http://example.com/stored', { cached: true });
            return { status: '200', body: `${reply.status} ${await reply.text()}` };
        };"#;
    let (edge, origin) = world("viewer-request", handler, "").await;
    origin.reply("/stored", "cache-control: max-age=60", "stored");
    for _ in 0..2 {
        assert_eq!(edge.get("/asks").await.text(), "200 stored");
    }
    assert_eq!(edge.get("/stored").await, hit("stored"));
    assert_eq!(origin.requests().len(), 1);
}
