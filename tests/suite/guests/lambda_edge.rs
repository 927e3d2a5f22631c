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
