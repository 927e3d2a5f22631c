//! Keys at a URL, in a time that does not pass by itself.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::outside::{AskError, Bounds, Outside, Surroundings};

/// What is answered, and after what time.
type Act = (Duration, Result<Response<Bytes>, AskError>);

/// A server with keys, as a script has it.
#[derive(Default)]
struct Server {
    script: Mutex<VecDeque<Act>>,
    asked: Mutex<Vec<String>>,
}

impl Server {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Answers the next question with these keys.
    fn serves(&self, keys: &[Value], cache_control: &str) {
        let response = Response::builder()
            .header("cache-control", cache_control)
            .body(json!({ "keys": keys }).to_string().into());
        self.answers(Duration::ZERO, Ok(response.unwrap()));
    }

    fn answers(&self, after: Duration, answer: Result<Response<Bytes>, AskError>) {
        self.script.lock().unwrap().push_back((after, answer));
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Outside for Server {
    async fn fetch(&self, request: Request<Bytes>, _: Bounds) -> Result<Response<Bytes>, AskError> {
        self.asked.lock().unwrap().push(request.uri().to_string());
        let next = self.script.lock().unwrap().pop_front();
        let (after, answer) =
            next.unwrap_or((Duration::ZERO, Err(AskError::Connect("down".to_owned()))));
        sleep(after).await;
        answer
    }
}

/// A filter with keys at a URL of the test's own: filters of one URL share them.
fn fetching(server: &Arc<Server>, url: &str) -> Jwt {
    let settings = format!("keys = [{{ url = \"{url}\" }}]");
    let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
    let around = Surroundings {
        outside: server.clone(),
        ..Surroundings::default()
    };
    timed(
        Jwt::new(
            settings,
            &Builder::new(Path::new("."), "test").within(around),
        )
        .unwrap(),
    )
}

/// The status that a token gets, 0 if it lets in, 503 if there are no keys, and whether it had to wait.
async fn outcome(filter: &Jwt, token: &str) -> (u16, bool) {
    let mut exchange = with(token);
    let (flow, waited) = match filter.request(&mut exchange).unwrap() {
        Flow::Later => (filter.request_later(&mut exchange).await, true),
        flow => (Ok(flow), false),
    };
    let status = match flow {
        Ok(Flow::Answer(answer)) => answer.head.status.as_u16(),
        Ok(_) => 0,
        Err(error) => error.status(),
    };
    (status, waited)
}

fn named(signer: &Signer, id: &str) -> String {
    signer.token_with(&json!({ "kid": id }), &claims())
}

#[tokio::test(start_paused = true)]
async fn the_first_token_waits_for_the_keys_and_the_next_does_not() {
    let (server, signer) = (Server::new(), Signer::ec("ES256"));
    server.serves(&[signer.jwk("one")], "max-age=3600");
    let filter = fetching(&server, "https://first.example/jwks");
    assert_eq!(server.asked(), 0, "nobody is asked before there is a token");
    assert_eq!(outcome(&filter, &named(&signer, "one")).await, (0, true));
    assert_eq!(outcome(&filter, &named(&signer, "one")).await, (0, false));
    assert_eq!(
        outcome(&filter, &signer.forge(&named(&signer, "one"))).await,
        (401, false)
    );
    assert_eq!(
        *server.asked.lock().unwrap(),
        ["https://first.example/jwks"]
    );
}

#[tokio::test(start_paused = true)]
async fn many_tokens_at_once_ask_once() {
    let (server, signer) = (Server::new(), Signer::ec("ES256"));
    server.serves(&[signer.jwk("one")], "max-age=3600");
    server.script.lock().unwrap()[0].0 = Duration::from_secs(1);
    let filter = fetching(&server, "https://many.example/jwks");
    let token = named(&signer, "one");
    let (a, b, c) = tokio::join!(
        outcome(&filter, &token),
        outcome(&filter, &token),
        outcome(&filter, &token)
    );
    assert_eq!([a, b, c], [(0, true); 3]);
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_url_is_not_waited_for_long() {
    let (server, signer) = (Server::new(), Signer::ec("ES256"));
    server.serves(&[signer.jwk("one")], "max-age=3600");
    server.script.lock().unwrap()[0].0 = Duration::from_secs(5);
    let filter = fetching(&server, "https://slow.example/jwks");
    let start = Instant::now();
    assert_eq!(outcome(&filter, &named(&signer, "one")).await, (503, true));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    sleep(Duration::from_secs(3)).await;
    assert_eq!(outcome(&filter, &named(&signer, "one")).await, (0, false));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_fetched_is_tried_again_and_told_at_once() {
    let (server, signer) = (Server::new(), Signer::ec("ES256"));
    let filter = fetching(&server, "https://down.example/jwks");
    let wrong = |status: u16, body: &'static str| {
        Response::builder()
            .status(status)
            .body(body.into())
            .unwrap()
    };
    server.answers(Duration::ZERO, Err(AskError::Connect("refused".to_owned())));
    server.answers(Duration::ZERO, Ok(wrong(500, "{}")));
    server.answers(Duration::ZERO, Ok(wrong(200, "<html>")));
    server.answers(Duration::ZERO, Ok(wrong(200, "{\"keys\":[]}")));
    server.serves(&[signer.jwk("one")], "max-age=3600");
    let token = named(&signer, "one");
    assert_eq!(outcome(&filter, &token).await.0, 503);
    let start = Instant::now();
    assert_eq!(outcome(&filter, &token).await.0, 503);
    assert_eq!(
        start.elapsed(),
        Duration::ZERO,
        "it is known that there is nothing"
    );
    sleep(Duration::from_secs(2 + 4 + 8 + 16 + 1)).await;
    assert_eq!(server.asked(), 5);
    assert_eq!(outcome(&filter, &token).await, (0, false));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_asked_for_once_a_minute() {
    let (server, old, new) = (Server::new(), Signer::ec("ES256"), Signer::ec("ES256"));
    server.serves(&[old.jwk("old")], "max-age=86400");
    let filter = fetching(&server, "https://rotates.example/jwks");
    assert_eq!(outcome(&filter, &named(&old, "old")).await.0, 0);
    server.serves(&[old.jwk("old"), new.jwk("new")], "max-age=86400");
    for _ in 0..3 {
        assert_eq!(outcome(&filter, &named(&new, "new")).await, (401, false));
    }
    assert_eq!(server.asked(), 1, "it was asked less than a minute ago");
    sleep(Duration::from_secs(61)).await;
    assert_eq!(server.asked(), 1, "nobody wanted a key since");
    assert_eq!(outcome(&filter, &named(&new, "new")).await, (0, true));
    for _ in 0..3 {
        assert_eq!(outcome(&filter, &named(&new, "other")).await, (401, false));
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_when_they_are_no_longer_fresh_and_kept_while_the_url_is_down() {
    let (server, signer) = (Server::new(), Signer::ec("ES256"));
    server.serves(&[signer.jwk("one")], "max-age=300");
    let filter = fetching(&server, "https://ages.example/jwks");
    assert_eq!(outcome(&filter, &named(&signer, "one")).await.0, 0);
    sleep(Duration::from_secs(299)).await;
    assert_eq!(server.asked(), 1);
    sleep(Duration::from_secs(3600)).await;
    assert!(server.asked() > 10, "{}", server.asked());
    let other = signer.token_with(&json!({ "kid": "one" }), &changed(&json!({ "sub": "bob" })));
    assert_eq!(outcome(&filter, &other).await, (0, false));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_taken_back_lets_nobody_in_who_was_remembered() {
    let (server, old, new) = (Server::new(), Signer::ec("ES256"), Signer::ec("ES256"));
    server.serves(&[old.jwk("old")], "max-age=60");
    let filter = fetching(&server, "https://revokes.example/jwks");
    let token = named(&old, "old");
    assert_eq!(outcome(&filter, &token).await.0, 0);
    assert_eq!(outcome(&filter, &token).await, (0, false));
    server.serves(&[new.jwk("new")], "max-age=86400");
    advance(Duration::from_secs(60)).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(server.asked(), 2);
    assert_eq!(outcome(&filter, &token).await, (401, false));
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_the_keys() {
    let (first, second, signer) = (Server::new(), Server::new(), Signer::ec("ES256"));
    first.serves(&[signer.jwk("one")], "max-age=300");
    let old = fetching(&first, "https://reload.example/jwks");
    assert_eq!(outcome(&old, &named(&signer, "one")).await.0, 0);
    let new = fetching(&second, "https://reload.example/jwks");
    drop((old, first));
    assert_eq!(outcome(&new, &named(&signer, "one")).await, (0, false));
    second.serves(&[signer.jwk("one")], "max-age=300");
    sleep(Duration::from_secs(301)).await;
    assert_eq!(
        second.asked(),
        1,
        "the new configuration fetches from now on"
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_everybody_can_fetch_is_none() {
    let (server, signer) = (Server::new(), Signer::hmac());
    server.serves(
        &[signer.jwk("one"), Signer::ec("ES256").jwk("two")],
        "max-age=300",
    );
    let filter = fetching(&server, "https://secret.example/jwks");
    assert_eq!(outcome(&filter, &named(&signer, "one")).await.0, 401);
}
