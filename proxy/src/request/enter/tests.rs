//! What a request of a filter has to be like.

use super::*;
use crate::stores::Stores;

fn made(request: Request<()>, length: usize) -> Result<RequestHeader, String> {
    let config = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let config = rimward_config::parse(config, "pop.toml").unwrap();
    let metrics = crate::metrics::Metrics::default();
    let runtime = Runtime::compile(config, &metrics, &Stores::detached(), None).unwrap();
    let entered = Entered {
        runtime: Arc::new(runtime),
        client: Client {
            ip: [192, 0, 2, 1].into(),
            peer: ([192, 0, 2, 1], 1234).into(),
            scheme: rimward_filters::Scheme::Https,
            country: None,
            certificate: None,
            tls: None,
            geoip: None,
        },
        depth: 1,
    };
    head(request.into_parts().0, length, entered).map_err(|error| error.to_string())
}

#[test]
fn the_head_has_the_one_form_that_the_engine_gets() {
    let request = Request::post("https://a.example:8443/x?y")
        .header("host", "b.example")
        .header("connection", "x-mine, host")
        .header("x-mine", "1")
        .header("transfer-encoding", "chunked")
        .header("expect", "100-continue")
        .header("x-forwarded-for", "1.2.3.4")
        .header("x-kept", "1")
        .body(());
    let head = made(request.unwrap(), 3).unwrap();
    assert_eq!(
        (head.uri.to_string().as_str(), head.version),
        ("/x?y", Version::HTTP_11)
    );
    let mut fields: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    fields.sort_unstable();
    let expected = [
        ("content-length", "3"),
        ("host", "a.example:8443"),
        ("x-kept", "1"),
    ];
    assert_eq!(fields, expected);
}

#[test]
fn a_length_is_told_where_there_may_be_a_body() {
    for (method, length, expected) in [
        ("GET", 0, None),
        ("GET", 2, Some("2")),
        ("POST", 0, Some("0")),
        ("DELETE", 0, None),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header("host", "a");
        let head = made(
            request.header("content-length", "7").body(()).unwrap(),
            length,
        )
        .unwrap();
        let told = head.headers.get("content-length");
        assert_eq!(
            told.map(|told| told.to_str().unwrap()),
            expected,
            "{method}"
        );
    }
}

#[test]
fn what_can_t_be_sent_is_told() {
    let get = |uri: &str| Request::get(uri);
    for (request, expected) in [
        (get("/"), "it needs one `Host`"),
        (
            get("/").header("host", "a").header("host", "b"),
            "it needs one `Host`",
        ),
        (get("/").header("host", "a b"), "its host is none"),
        (
            get("*").header("host", "a"),
            "its target does not begin with `/`",
        ),
        (
            Request::builder().method("CONNECT").uri("a:443"),
            "CONNECT is for proxies",
        ),
    ] {
        let error = made(request.body(()).unwrap(), 0).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
