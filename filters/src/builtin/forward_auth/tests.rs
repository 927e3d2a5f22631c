use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};
use rimward_config::OriginId;
use tokio::sync::Notify;

use super::*;
use crate::outside::{AskError, Bounds, Outside, Surroundings};
use crate::testing::{exchange, refused, values};

/// An auth origin that answers what it is told to, one answer after another, and goes on with the last one.
#[derive(Default)]
struct Auth {
    answers: Mutex<VecDeque<Response<Bytes>>>,
    asked: Mutex<Vec<Request<Bytes>>>,
    /// Holds answers back until it is told.
    gate: Option<Notify>,
}

impl Auth {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Outside for Auth {
    async fn ask(
        &self,
        _: OriginId,
        request: Request<Bytes>,
        _: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        self.asked.lock().unwrap().push(request);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let mut answers = self.answers.lock().unwrap();
        match answers.len() {
            0 => Err(AskError::Connect("nobody there".to_owned())),
            1 => Ok(answers[0].clone()),
            _ => Ok(answers.pop_front().unwrap()),
        }
    }
}

fn response(status: u16, fields: &[(&'static str, &str)], body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status.try_into().unwrap();
    for (name, value) in fields {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

fn auth(answers: &[Response<Bytes>]) -> Arc<Auth> {
    Arc::new(Auth {
        answers: Mutex::new(answers.to_vec().into()),
        ..Auth::default()
    })
}

fn filter(auth: &Arc<Auth>, settings: &str) -> ForwardAuth {
    let settings = format!("origin = \"auth\"\npath = \"/verify?site={{host}}\"\n{settings}");
    let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
    let around = Surroundings {
        outside: auth.clone(),
        ..Surroundings::default()
    };
    ForwardAuth::new(
        settings,
        &Builder::new(Path::new("."), "gate").within(around),
    )
    .unwrap()
}

/// The status that a request gets, 0 if it passes, 1 if the filter fails.
async fn outcome(filter: &ForwardAuth, exchange: &mut Exchange) -> u16 {
    let mut flow = filter.request(exchange);
    if matches!(flow, Ok(Flow::Later)) {
        flow = filter.request_later(exchange).await;
    }
    match flow {
        Ok(Flow::Answer(answer)) => answer.head.status.as_u16(),
        Ok(_) => 0,
        Err(_) => 1,
    }
}

fn with_cookie(cookie: &str) -> Exchange {
    exchange("GET", "/a?b", &[("cookie", cookie)])
}

#[tokio::test]
async fn the_auth_origin_is_told_of_the_request_and_no_more() {
    let auth = auth(&[response(204, &[], "")]);
    let filter = filter(&auth, "request_headers = [\"cookie\", \"x-api-*\"]");
    let fields = [
        ("cookie", "a=1; b=2"),
        ("x-api-key", "k"),
        ("x-secret", "s"),
        ("x-forwarded-uri", "/forged"),
        ("transfer-encoding", "chunked"),
    ];
    let mut exchange = exchange("POST", "/a%20b?c=d", &fields);
    assert_eq!(outcome(&filter, &mut exchange).await, 0);
    let asked = auth.asked.lock().unwrap().pop().unwrap();
    assert_eq!(
        (asked.method().as_str(), asked.uri().to_string()),
        ("GET", "/verify?site=example.com".to_owned())
    );
    let mut told: Vec<_> = asked
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "cookie: a=1; b=2",
            "x-api-key: k",
            "x-forward-auth: gate",
            "x-forwarded-for: 203.0.113.7",
            "x-forwarded-host: example.com",
            "x-forwarded-method: POST",
            "x-forwarded-proto: https",
            "x-forwarded-uri: /a%20b?c=d",
        ]
    );
}

#[tokio::test]
async fn fields_of_the_answer_replace_what_the_client_sent() {
    let settings =
        "to_origin = [\"x-user\", \"x-groups\"]\nto_client = [\"set-cookie\", \"x-plan\"]";
    let answer = response(
        200,
        &[
            ("x-user", "ann"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("x-other", "no"),
        ],
        "",
    );
    let filter = filter(&auth(&[answer]), settings);
    let mut exchange = exchange("GET", "/", &[("x-user", "root"), ("x-groups", "admin")]);
    assert_eq!(outcome(&filter, &mut exchange).await, 0);
    assert_eq!(
        (exchange.header("x-user"), exchange.header("x-groups")),
        (Some("ann"), None)
    );
    let mut head = ResponseHeader::build(200, None).unwrap();
    head.append_header("set-cookie", "own=3").unwrap();
    filter.response(&mut exchange, &mut head).unwrap();
    assert_eq!(values(&head, "set-cookie"), ["own=3", "a=1", "b=2"]);
    assert!(head.headers.get("x-other").is_none());
}

#[tokio::test]
async fn responses_to_others_are_told_apart_unless_they_are_for_all() {
    let answers = [
        response(200, &[("x-user", "ann")], ""),
        response(200, &[("x-user", "bob")], ""),
        response(200, &[("x-user", "ann")], ""),
    ];
    let mut keys = Vec::new();
    let apart = filter(&auth(&answers), "to_origin = [\"x-user\"]");
    for _ in 0..3 {
        let mut exchange = with_cookie("a=1");
        outcome(&apart, &mut exchange).await;
        keys.push(exchange.chosen.key_parts[0].value.clone());
    }
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[0], keys[2]);
    for settings in ["to_origin = [\"x-user\"]\nshare_cache = true", ""] {
        let mut exchange = with_cookie("a=1");
        outcome(&filter(&auth(&answers), settings), &mut exchange).await;
        assert!(exchange.chosen.key_parts.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_is_passed_on() {
    let fields = [
        ("location", "https://id.example/"),
        ("www-authenticate", "Bearer"),
        ("set-cookie", "state=1"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("content-length", "2"),
        ("server", "auth"),
    ];
    for status in [302, 401, 403, 404] {
        let filter = filter(&auth(&[response(status, &fields, "no")]), "");
        let flow = filter.request_later(&mut with_cookie("a=1")).await.unwrap();
        let Flow::Answer(answer) = flow else {
            panic!("no answer")
        };
        assert_eq!(
            (answer.head.status.as_u16(), &answer.body[..]),
            (status, &b"no"[..])
        );
        let names: Vec<_> = answer
            .head
            .headers
            .keys()
            .map(|name| name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "location",
                "www-authenticate",
                "set-cookie",
                "cache-control"
            ]
        );
    }
}

#[tokio::test]
async fn a_fault_closes_unless_told() {
    for answers in [
        vec![],
        vec![response(500, &[], "")],
        vec![response(304, &[], "")],
    ] {
        let mut forged = exchange("GET", "/", &[("x-user", "root")]);
        assert_eq!(outcome(&filter(&auth(&answers), ""), &mut forged).await, 1);
        let open = filter(&auth(&answers), "fail = \"open\"\nto_origin = [\"x-user\"]");
        assert_eq!(outcome(&open, &mut forged).await, 0);
        assert_eq!(forged.header("x-user"), None);
    }
}

const CACHE: &str = "cache = { key = [{ cookie = \"s\" }] }";

#[tokio::test]
async fn what_was_decided_for_a_key_is_followed_at_once() {
    let auth = auth(&[
        response(200, &[("x-user", "ann")], ""),
        response(403, &[], "no"),
    ]);
    let filter = filter(&auth, &format!("to_origin = [\"x-user\"]\n{CACHE}"));
    for (cookie, expected, asked) in [
        ("s=1", 0, 1),
        ("s=1; other=2", 0, 1),
        ("s=2", 403, 2),
        ("s=2", 403, 2),
        ("s=1; s=2", 403, 3),
        ("s=1;s=2", 403, 3),
        ("s=1s=2", 403, 4),
        ("xs=1", 403, 5),
        ("y=1", 403, 5),
    ] {
        let mut exchange = with_cookie(cookie);
        assert_eq!(outcome(&filter, &mut exchange).await, expected, "{cookie}");
        assert_eq!(auth.asked(), asked, "{cookie}");
        if expected == 0 {
            assert_eq!(exchange.header("x-user"), Some("ann"));
        }
    }
    let known = filter.request(&mut with_cookie("s=1")).unwrap();
    assert!(matches!(known, Flow::Continue));
}

#[tokio::test]
async fn what_holds_for_one_alone_is_not_remembered() {
    let long = "x".repeat(4097);
    for (answer, settings, cookie) in [
        (response(302, &[("location", "/")], ""), CACHE, "s=1"),
        (response(404, &[], ""), CACHE, "s=1"),
        (response(500, &[], ""), CACHE, "s=1"),
        (response(401, &[("set-cookie", "a=b")], ""), CACHE, "s=1"),
        (
            response(401, &[("cache-control", "private, No-Store")], ""),
            CACHE,
            "s=1",
        ),
        (response(401, &[], &long), CACHE, "s=1"),
        (
            response(200, &[("set-cookie", "a=b")], ""),
            "to_client = [\"set-cookie\"]",
            "s=1",
        ),
        // Whoever passes without the cookie had it in a form that is read by the auth origin alone.
        (response(200, &[], ""), CACHE, "S=1"),
        (response(200, &[], ""), CACHE, "s="),
    ] {
        let auth = auth(&[answer]);
        let settings = match settings.contains("cache") {
            true => settings.to_owned(),
            false => format!("{settings}\n{CACHE}"),
        };
        let filter = filter(&auth, &settings);
        for _ in 0..2 {
            outcome(&filter, &mut with_cookie(cookie)).await;
        }
        assert_eq!(auth.asked(), 2, "{settings} {cookie}");
    }
}

#[tokio::test]
async fn unless_set_the_key_is_all_that_the_auth_origin_is_told() {
    let auth = auth(&[response(200, &[], "")]);
    let filter = filter(&auth, "cache = { ttl = \"1m\" }");
    for (mut exchange, asked) in [
        (exchange("GET", "/a", &[]), 1),
        (exchange("GET", "/a", &[("x-other", "1")]), 1),
        (exchange("GET", "/b", &[]), 2),
        (exchange("POST", "/a", &[]), 3),
        (exchange("GET", "/a", &[("host", "b.example")]), 4),
        (exchange("GET", "/a", &[("authorization", "Bearer 1")]), 5),
        (exchange("GET", "/a", &[("cookie", "Bearer 1")]), 6),
    ] {
        outcome(&filter, &mut exchange).await;
        assert_eq!(auth.asked(), asked);
    }
}

#[tokio::test]
async fn of_many_who_would_ask_the_same_one_asks() {
    for (answer, asked) in [
        (response(200, &[], ""), 1),
        (response(503, &[], ""), 1),
        (response(302, &[("set-cookie", "a=b")], ""), 4),
    ] {
        let auth = Arc::new(Auth {
            answers: Mutex::new([answer].into()),
            gate: Some(Notify::new()),
            ..Auth::default()
        });
        let filter = Arc::new(filter(&auth, CACHE));
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let filter = filter.clone();
                tokio::spawn(async move { outcome(&filter, &mut with_cookie("s=1")).await })
            })
            .collect();
        // One who goes away leaves the question to the next.
        tokio::task::yield_now().await;
        clients[0].abort();
        let open = async {
            loop {
                auth.gate.as_ref().unwrap().notify_waiters();
                tokio::task::yield_now().await;
            }
        };
        let all = async {
            for client in clients {
                drop(client.await);
            }
        };
        tokio::select! { () = all => {}, () = open => {} }
        assert_eq!(
            auth.asked(),
            asked + usize::from(asked == 1),
            "with the one who went away"
        );
        assert_eq!(filter.memory.as_ref().unwrap().flights.len(), 0);
    }
}

#[tokio::test]
async fn an_auth_origin_behind_the_filter_is_not_asked_for_ever() {
    let auth = auth(&[response(200, &[], "")]);
    let filter = filter(&auth, "");
    let mut own = exchange("GET", "/", &[("x-forward-auth", "gate")]);
    assert_eq!(outcome(&filter, &mut own).await, 508);
    let mut other = exchange("GET", "/", &[("x-forward-auth", "other")]);
    assert_eq!(outcome(&filter, &mut other).await, 0);
    let asked = auth.asked.lock().unwrap().pop().unwrap();
    let marks: Vec<_> = asked.headers().get_all("x-forward-auth").iter().collect();
    assert_eq!(marks, ["other", "gate"]);
}

#[test]
fn mistakes_are_told() {
    const REST: &str = "origin = \"auth\"\npath = \"/verify\"\n";
    for (settings, expected) in [
        ("path = \"/\"", "`origin` is missing"),
        ("origin = \"auth\"", "`path` is missing"),
        (
            "origin = \"auth\"\npath = \"verify\"",
            "path: `verify` does not begin with a slash",
        ),
        (
            "origin = \"auth\"\npath = \"{path}\"",
            "path: `{path}` does not begin with a slash",
        ),
        (
            "origin = \"auth\"\npath = \"/{pth}\"",
            "did you mean `{path}`?",
        ),
    ] {
        refused::<ForwardAuth>(settings, expected);
    }
    for (settings, expected) in [
        ("method = \"get\"", "`GET`"),
        ("timeout = \"0s\"", "timeout: it has to be more than zero"),
        (
            "max_body = \"17MiB\"",
            "max_body: `17MiB` is too long: at most `16MiB`",
        ),
        ("fail = \"maybe\"", "fail: `maybe` is not one of"),
        (
            "request_headers = [\"a\", \"te\"]",
            "request_headers[1]: `te` is about one connection",
        ),
        (
            "to_origin = [\"content-length\"]",
            "to_origin[0]: `content-length` delimits the body",
        ),
        (
            "to_origin = [\"host\"]",
            "to_origin[0]: `host` is what routes go by",
        ),
        ("to_client = [\"a b\"]", "not a header name"),
        (
            "cache = { key = [] }",
            "cache.key: one decision would hold for everybody",
        ),
        ("cache = { key = [\"user\"] }", "`user` is not one of"),
        (
            "cache = { key = [{ cookie = \"a b\" }] }",
            "not a cookie's name",
        ),
        (
            "cache = { ttl = \"0s\" }",
            "cache.ttl: it has to be more than zero",
        ),
        (
            "cache = { max_entries = 0 }",
            "cache.max_entries: `0` is out of bounds: 1 to 1000000",
        ),
    ] {
        refused::<ForwardAuth>(&format!("{REST}{settings}"), expected);
    }
}
