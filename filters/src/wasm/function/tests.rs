//! What is loaded and what is not; how runs go is shown by the suite, through an edge.

use std::sync::Mutex;

use http_body_util::{BodyExt, Full};

use super::*;

/// Does, by its path, whatever a function may do well or badly.
const TRIED: &[u8] = include_bytes!("../../../../tests/guests/functions/tried.wasm");

#[derive(Default)]
struct Counted(Mutex<Vec<&'static str>>);

impl Account for Counted {
    fn begins(&self) {
        self.0.lock().unwrap().push("begins");
    }

    fn ends(&self, outcome: &'static str, _: Duration) {
        self.0.lock().unwrap().push(outcome);
    }

    fn denied(&self) {
        self.0.lock().unwrap().push("denied");
    }
}

fn settings(limits: config::FunctionLimits) -> config::Function {
    config::Function {
        file: "tried.wasm".into(),
        env: vec![],
        args: vec![],
        origins: vec![],
        hosts: vec![],
        limits,
    }
}

fn load(
    component: &[u8],
    limits: config::FunctionLimits,
) -> Result<(Function, Arc<Counted>), LoadError> {
    let counted = Arc::new(Counted::default());
    let around = Surroundings::default();
    let function = Function::load("f", component, &settings(limits), &around, counted.clone());
    Ok((function?, counted))
}

fn get(path: &str) -> Request<Full<Bytes>> {
    let request = Request::get(path).header("host", "example.com");
    request.body(Full::default()).unwrap()
}

#[test]
fn what_can_t_serve_is_refused_by_what_it_is() {
    let component = |text: &str| wat::parse_str(format!("(component {text})")).unwrap();
    let refused = [
        (b"hello".to_vec(), "it is not WebAssembly"),
        (
            wat::parse_str("(module)").unwrap(),
            "the core module has no section `component-type`",
        ),
        (
            component(""),
            "it answers no requests: it exports nothing, but not `wasi:http/incoming-handler@0.2`",
        ),
        (
            component(
                "(import \"wasi:keyvalue/store@0.2.0-draft\" (instance)) (import \"wasi:io/poll@0.3.0\" (instance))",
            ),
            "it imports what functions are not given: `wasi:keyvalue/store@0.2.0-draft`, `wasi:io/poll@0.3.0`; ",
        ),
        (
            component("(instance $i) (export \"wasi:http/incoming-handler@0.2.3\" (instance $i))"),
            "it does not fit this version of WASI: ",
        ),
    ];
    for (bytes, expected) in refused {
        let told = load(&bytes, config::FunctionLimits::default())
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn an_instance_has_to_be_able_to_begin() {
    let limits = config::FunctionLimits {
        memory: 128 << 10,
        ..Default::default()
    };
    let told = load(TRIED, limits).map(|_| ()).unwrap_err().to_string();
    assert!(
        told.ends_with("of memory, but `limits.memory` is `128KiB`"),
        "{told}"
    );
}

#[tokio::test]
async fn a_request_is_answered_and_counted() {
    let (function, counted) = load(TRIED, Default::default()).unwrap();
    let response = function
        .call(Scheme::Https, get("/head?a=b"))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "Method::Get https://example.com/head?a=b\n");
    // The place is given back when the guest has returned.
    let all = function.0.places.acquire_many(100).await.unwrap();
    drop(all);
    // What it made shows to be whole a little later, when its end is read.
    for _ in 0..1000 {
        if counted.0.lock().unwrap().len() == 2 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(*counted.0.lock().unwrap(), ["begins", "ok"]);
}

#[tokio::test]
async fn a_body_that_a_trap_ends_is_not_whole() {
    let (function, _) = load(TRIED, Default::default()).unwrap();
    let response = function
        .call(Scheme::Http, get("/trap-late"))
        .await
        .unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error, BodyError::Broken);
}

#[tokio::test]
async fn trailers_are_passed_on_both_ways() {
    let (function, _) = load(TRIED, Default::default()).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "12".parse().unwrap());
    let body = Full::<Bytes>::from("body").with_trailers(std::future::ready(Some(Ok(trailers))));
    let request = Request::post("/trailers").header("host", "example.com");
    let response = function
        .call(Scheme::Http, request.body(body).unwrap())
        .await
        .unwrap();
    let collected = response.into_body().collect().await.unwrap();
    let sent = collected
        .trailers()
        .and_then(|trailers| trailers.get("x-sent-back"));
    assert_eq!(sent.unwrap(), "yes");
    assert_eq!(collected.to_bytes(), "x-sum: 12\n");
}

#[tokio::test]
async fn no_more_requests_are_answered_at_a_time_than_may_be() {
    let limits = config::FunctionLimits {
        concurrency: 1,
        ..Default::default()
    };
    let (function, counted) = load(TRIED, limits).unwrap();
    let first = function
        .call(Scheme::Http, get("/hang-late"))
        .await
        .unwrap();
    let second = function.call(Scheme::Http, get("/hello")).await.map(|_| ());
    assert_eq!(second, Err(CallError::Busy));
    drop(first);
    // Nobody reads the first response any more, so that its guest is ended.
    drop(function.0.places.acquire().await.unwrap());
    assert!(function.call(Scheme::Http, get("/hello")).await.is_ok());
    assert_eq!(
        counted.0.lock().unwrap()[..5],
        ["begins", "begins", "busy", "left", "begins"]
    );
}
