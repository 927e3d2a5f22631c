use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rimward_config::OriginId;
use serde_json::json;

use super::*;
use crate::filter::{Answer, Body, Filter, Flow, Phase};
use crate::wasm::lambda_edge::{Guest, LambdaEdge};

/// A handler in Rust: changes what it is given, and keeps the events.
struct Scripted<F> {
    change: F,
    events: Mutex<Vec<Value>>,
}

#[async_trait]
impl<F: Fn(&mut Value) -> Result<(), Fault> + Send + Sync> Guest for Scripted<F> {
    async fn call(&self, _: &mut Exchange, event: String) -> Result<String, Fault> {
        let event: Value = serde_json::from_str(&event).expect("JSON");
        let cf = &event["Records"][0]["cf"];
        let mut value = cf.get("response").unwrap_or_else(|| &cf["request"]).clone();
        self.events.lock().unwrap().push(event);
        (self.change)(&mut value).map(|()| value.to_string())
    }
}

fn scripted<F: Fn(&mut Value) -> Result<(), Fault> + Send + Sync>(change: F) -> Arc<Scripted<F>> {
    Arc::new(Scripted {
        change,
        events: Mutex::default(),
    })
}

fn filter(
    event: &str,
    settings: &str,
    change: impl Fn(&mut Value) -> Result<(), Fault> + Send + Sync + 'static,
) -> LambdaEdge {
    LambdaEdge::new(handler(event, settings), scripted(change))
}

async fn request(filter: &LambdaEdge, exchange: &mut Exchange) -> Result<Option<Answer>, u16> {
    match Filter::request(filter, exchange) {
        Ok(Flow::Later | Flow::WantsBody(_)) => {}
        other => panic!("{other:?}"),
    }
    told(filter.request_later(exchange).await)
}

async fn origin_request(
    filter: &LambdaEdge,
    exchange: &mut Exchange,
    head: &mut pingora_http::RequestHeader,
) -> Result<Option<Answer>, u16> {
    match Filter::origin_request(filter, exchange, head) {
        Ok(Flow::Later | Flow::WantsBody(_)) => {}
        other => panic!("{other:?}"),
    }
    told(filter.origin_request_later(exchange, head).await)
}

fn told(flow: Result<Flow, crate::filter::FilterError>) -> Result<Option<Answer>, u16> {
    match flow {
        Ok(Flow::Continue) => Ok(None),
        Ok(Flow::Answer(answer)) => Ok(Some(*answer)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.status()),
    }
}

#[tokio::test]
async fn each_event_has_its_phases() {
    for (event, phases) in [
        ("viewer-request", [true, false, false, false]),
        ("origin-request", [false, true, false, false]),
        ("origin-response", [false, true, true, false]),
        ("viewer-response", [false, false, false, true]),
    ] {
        let filter = filter(event, "", |_| Ok(()));
        assert_eq!(
            Phase::ALL.map(|phase| filter.phases().contains(phase)),
            phases,
            "{event}"
        );
    }
}

#[tokio::test]
async fn cloudfronts_headers_come_after_viewer_request() {
    let guest = scripted(|value| {
        value["uri"] = "/new".into();
        Ok(())
    });
    let mut exchange = browser("GET", "/");
    exchange
        .request
        .append_header("CloudFront-Viewer-Country", "US")
        .unwrap();
    exchange
        .request
        .append_header("cloudfront-viewer-city", "Nowhere")
        .unwrap();
    let filter = LambdaEdge::new(handler("viewer-request", ""), guest.clone());
    assert!(request(&filter, &mut exchange).await.unwrap().is_none());
    let seen = guest.events.lock().unwrap()[0]["Records"][0]["cf"]["request"]["headers"].clone();
    // The client's own word, as with AWS.
    assert_eq!(seen["cloudfront-viewer-country"][0]["value"], "US");
    assert_eq!(seen.get("cloudfront-is-desktop-viewer"), None);
    assert_eq!(exchange.path(), "/new");
    for (name, value) in [
        ("CloudFront-Viewer-Country", Some("DE")),
        ("CloudFront-Viewer-Country-Name", Some("Germany")),
        ("CloudFront-Viewer-City", None),
        ("CloudFront-Viewer-Address", Some("203.0.113.7:40000")),
        ("CloudFront-Viewer-Http-Version", Some("1.1")),
        ("CloudFront-Is-Desktop-Viewer", Some("true")),
        ("CloudFront-Is-Mobile-Viewer", Some("false")),
        ("CloudFront-Is-SmartTV-Viewer", Some("false")),
        ("CloudFront-Is-IOS-Viewer", Some("false")),
        ("CloudFront-Forwarded-Proto", Some("https")),
    ] {
        assert_eq!(exchange.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_viewer_request_may_see_where_the_client_is() {
    let guest = scripted(|_| Ok(()));
    let settings =
        "geo_in_viewer_request = true\ncloudfront_headers = ['cloudfront-viewer-country']";
    let filter = LambdaEdge::new(handler("viewer-request", settings), guest.clone());
    let mut exchange = browser("GET", "/");
    request(&filter, &mut exchange).await.unwrap();
    let event = guest.events.lock().unwrap()[0].clone();
    let headers = &event["Records"][0]["cf"]["request"]["headers"];
    assert_eq!(
        headers["cloudfront-viewer-country"],
        json!([{ "key": "CloudFront-Viewer-Country", "value": "DE" }])
    );
    assert_eq!(exchange.header("cloudfront-forwarded-proto"), None);
}

#[tokio::test]
async fn an_answer_in_viewer_request_needs_no_viewer_response() {
    let answers = filter("viewer-request", "", |value| {
        *value = json!({ "status": "403", "body": "no" });
        Ok(())
    });
    let mut exchange = browser("GET", "/");
    let answer = request(&answers, &mut exchange).await.unwrap().unwrap();
    assert_eq!(
        (answer.head.status.as_u16(), &answer.body[..]),
        (403, &b"no"[..])
    );
    let is_called = |settings: &str, exchange: &mut Exchange, status: u16| {
        let mut head = page();
        head.set_status(status).unwrap();
        let filter = filter("viewer-response", settings, |_| Ok(()));
        matches!(filter.response(exchange, &mut head).unwrap(), Body::Later)
    };
    assert!(!is_called("", &mut exchange, 200));
    assert!(is_called("strict = false", &mut exchange, 200));
    let mut fresh = browser("GET", "/");
    for (status, strict) in [
        (200, true),
        (304, true),
        (399, true),
        (400, false),
        (502, false),
    ] {
        assert_eq!(is_called("", &mut fresh, status), strict, "{status}");
        assert!(is_called("strict = false", &mut fresh, status), "{status}");
    }
}

#[tokio::test]
async fn an_answer_in_origin_request_needs_no_origin_response() {
    let answers = filter("origin-request", "", |value| {
        *value = json!({ "status": "200", "body": "made" });
        Ok(())
    });
    let mut exchange = browser("GET", "/");
    let mut head = exchange.request.clone();
    let answer = origin_request(&answers, &mut exchange, &mut head).await;
    assert_eq!(answer.unwrap().unwrap().body, "made");
    for (settings, is_called) in [("", false), ("strict = false", true)] {
        let watches = filter("origin-response", settings, |_| Ok(()));
        let body = watches.origin_response(&mut exchange, &mut page()).unwrap();
        assert_eq!(matches!(body, Body::Later), is_called, "{settings}");
    }
}

#[tokio::test]
async fn faults_have_the_status_of_aws() {
    for (fault, status) in [
        (Fault::Exception("boom".into()), 500),
        (Fault::Unavailable("no answer within 5s".into()), 503),
        (Fault::Invalid("the handler returned nothing".into()), 502),
    ] {
        let fails = filter("viewer-request", "", move |_| Err(fault.clone()));
        let mut exchange = browser("GET", "/");
        assert_eq!(request(&fails, &mut exchange).await.unwrap_err(), status);
        assert_eq!(exchange.outcomes.len(), 1);
    }
    let told = Fault::Exception(format!("a\r\nb{}", "x".repeat(5000))).to_string();
    assert!(told.len() < 1100 && !told.contains('\n'), "{told}");
}

#[tokio::test]
async fn a_body_is_waited_for_if_the_handler_sees_it() {
    let most = |event: &str, settings: &str, method: &str| {
        let filter = filter(event, settings, |_| Ok(()));
        let mut exchange = browser(method, "/");
        let mut head = exchange.request.clone();
        let flow = match event {
            "viewer-request" => Filter::request(&filter, &mut exchange),
            _ => Filter::origin_request(&filter, &mut exchange, &mut head),
        };
        match flow.unwrap() {
            Flow::WantsBody(most) => Some(most),
            Flow::Later => None,
            other => panic!("{other:?}"),
        }
    };
    let (included, hosts) = ("include_body = true", "grants = { hosts = ['a.example'] }");
    assert_eq!(most("viewer-request", "", "POST"), None);
    assert_eq!(most("viewer-request", included, "GET"), None);
    assert_eq!(most("viewer-request", included, "POST"), Some(40 << 10));
    assert_eq!(most("origin-request", included, "POST"), Some(1 << 20));
    assert_eq!(most("origin-request", hosts, "POST"), None);
}

#[tokio::test]
async fn another_origin_is_chosen_and_seen_by_origin_response() {
    let moves = filter("origin-request", "", |value| {
        value["origin"]["custom"]["domainName"] = "shop.example.net".into();
        value["origin"]["custom"]["port"] = 8080.into();
        value["origin"]["custom"]["protocol"] = "http".into();
        value["headers"]["host"] = json!([{ "key": "Host", "value": "shop.example.net" }]);
        value["uri"] = "/moved".into();
        Ok(())
    });
    let mut exchange = browser("GET", "/a");
    let mut head = exchange.request.clone();
    assert!(
        origin_request(&moves, &mut exchange, &mut head)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(exchange.chosen.origin.as_ref().unwrap().origin, OriginId(1));
    assert_eq!((head.uri.path(), exchange.path()), ("/moved", "/a"));
    assert_eq!(head.headers["host"], "shop.example.net");

    let guest = scripted(|value| {
        value["headers"]["x-seen"] = json!([{ "value": "1" }]);
        Ok(())
    });
    let watches = LambdaEdge::new(handler("origin-response", ""), guest.clone());
    assert!(matches!(
        Filter::origin_request(&watches, &mut exchange, &mut head).unwrap(),
        Flow::Continue
    ));
    let mut response = page();
    let first = watches
        .origin_response(&mut exchange, &mut response)
        .unwrap();
    assert!(matches!(first, Body::Later));
    watches
        .origin_response_later(&mut exchange, &mut response)
        .await
        .unwrap();
    assert_eq!(response.headers["x-seen"], "1");
    let event = guest.events.lock().unwrap()[0].clone();
    let request = &event["Records"][0]["cf"]["request"];
    assert_eq!(request["uri"], "/moved");
    assert_eq!(
        request["origin"]["custom"]["domainName"],
        "shop.example.net"
    );
}

#[tokio::test]
async fn a_granted_host_is_asked_in_place_of_an_origin() {
    let filter = filter(
        "origin-request",
        "grants = { hosts = ['api.example.org:8443'] }",
        |value| {
            value["origin"]["custom"]["domainName"] = "api.example.org".into();
            value["origin"]["custom"]["port"] = 8443.into();
            value["origin"]["custom"]["path"] = "/v1".into();
            value["origin"]["custom"]["customHeaders"] = json!({ "x-own": [{ "value": "1" }] });
            Ok(())
        },
    );
    let mut exchange = browser("POST", "/a?b=1");
    let mut head = exchange.request.clone();
    let answer = origin_request(&filter, &mut exchange, &mut head).await;
    assert!(answer.unwrap().is_none());
    let elsewhere = exchange.chosen.elsewhere.as_ref().unwrap();
    assert_eq!(elsewhere.base(), "https://api.example.org:8443");
    assert_eq!(elsewhere.most, 8 << 20);
    assert_eq!(head.uri, "/v1/a?b=1");
    assert_eq!(head.headers["x-own"], "1");
    // Who looks at the response is told who was asked.
    let guest = scripted(|_| Ok(()));
    let watches = LambdaEdge::new(handler("origin-response", ""), guest.clone());
    let mut response = page();
    let looked = watches.origin_response_later(&mut exchange, &mut response);
    looked.await.unwrap();
    let event = guest.events.lock().unwrap()[0].clone();
    let origin = &event["Records"][0]["cf"]["request"]["origin"];
    assert_eq!(origin["custom"]["domainName"], "api.example.org");
}
