//! Who is let in, at times that the tests set.

use std::cell::Cell;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::testing::{answer, build, exchange, refused, values};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_800_000_000_000_000) };
}

fn pass(seconds: u64) {
    NOW.set(NOW.get() + seconds * 1_000_000);
}

/// A room of its own: tests run at the same time.
fn named(name: &str, settings: &str) -> WaitingRoom {
    let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
    let filter = WaitingRoom::new(settings, &Builder::new(Path::new("."), name)).unwrap();
    WaitingRoom {
        clock: || {
            // Nobody comes at the same microsecond.
            NOW.set(NOW.get() + 1);
            NOW.get()
        },
        ..filter
    }
}

/// Keeps the one cookie.
#[derive(Clone, Default)]
struct Browser(Option<String>);

impl Browser {
    /// Asks for a page; the position of who has to wait, 0 for who is let in.
    fn ask(&mut self, filter: &WaitingRoom) -> usize {
        let cookie = self.0.clone().unwrap_or_default();
        let mut exchange = exchange("GET", "/", &[("cookie", &cookie)]);
        let (position, head) = match answer(filter, &mut exchange) {
            Some(answer) => {
                let (_, position) = exchange.log.pop().unwrap();
                (position.parse().unwrap(), answer.head)
            }
            None => {
                let mut head = ResponseHeader::build(200, None).unwrap();
                filter.response(&mut exchange, &mut head).unwrap();
                (0, head)
            }
        };
        if let Some(cookie) = values(&head, "set-cookie").first() {
            assert!(
                cookie.ends_with("; Path=/; Max-Age=120; HttpOnly; SameSite=Lax; Secure")
                    || cookie.ends_with("; Path=/; Max-Age=300; HttpOnly; SameSite=Lax; Secure"),
                "{cookie}"
            );
            self.0 = Some(cookie.split(';').next().unwrap().to_owned());
        }
        position
    }
}

fn browsers(count: usize) -> Vec<Browser> {
    vec![Browser::default(); count]
}

fn ask_all(filter: &WaitingRoom, browsers: &mut [Browser]) -> Vec<usize> {
    browsers
        .iter_mut()
        .map(|browser| browser.ask(filter))
        .collect()
}

#[test]
fn so_many_are_in_and_the_others_come_in_in_order() {
    let filter = named("order", "sessions = 2");
    let mut all = browsers(5);
    assert_eq!(ask_all(&filter, &mut all), [0, 0, 1, 2, 3]);
    // Both are seen again, so that they stay for as long as a session lasts.
    assert_eq!(ask_all(&filter, &mut all[..2]), [0, 0]);
    for _ in 0..10 {
        pass(10);
        assert_eq!(ask_all(&filter, &mut all[2..]), [1, 2, 3]);
        assert_eq!(all[0].ask(&filter), 0);
    }
    // The second is gone; whoever asks first, the one who came first comes in.
    for _ in 0..20 {
        pass(10);
        assert_eq!(all[0].ask(&filter), 0);
        all[2..].reverse();
        let positions = ask_all(&filter, &mut all[2..]);
        all[2..].reverse();
        if positions.contains(&0) {
            assert_eq!(all[2].ask(&filter), 0);
            assert_eq!(ask_all(&filter, &mut all[3..]), [1, 2]);
            return;
        }
    }
    panic!("nobody came in");
}

#[test]
fn who_is_in_stays_while_asking() {
    let filter = named("sliding", "sessions = 1");
    let (mut one, mut other) = (Browser::default(), Browser::default());
    assert_eq!(
        (one.ask(&filter), one.ask(&filter), other.ask(&filter)),
        (0, 0, 1)
    );
    for _ in 0..30 {
        pass(60);
        assert_eq!((one.ask(&filter), other.ask(&filter)), (0, 1));
    }
    pass(299);
    let mut third = Browser::default();
    // The one who waited is passed over, being silent, and has lost its place.
    assert_eq!(third.ask(&filter), 1);
    pass(2);
    assert_eq!(third.ask(&filter), 0);
    assert_eq!(one.ask(&filter), 1);
}

#[test]
fn nobody_gets_past_those_who_wait() {
    let filter = named("fair", "sessions = 1");
    let mut all = browsers(3);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2]);
    pass(10);
    assert_eq!(ask_all(&filter, &mut all[1..]), [1, 2]);
    // The first one never came back: it counts for half a minute.
    pass(21);
    let mut late = Browser::default();
    assert_eq!(late.ask(&filter), 3);
    assert_eq!(all[2].ask(&filter), 2);
    assert_eq!(all[1].ask(&filter), 0);
}

#[test]
fn who_is_silent_is_passed_over_and_then_forgotten() {
    let filter = named("silent", "sessions = 1");
    let mut all = browsers(4);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2, 3]);
    all[0].ask(&filter);
    pass(1);
    assert_eq!(ask_all(&filter, &mut all[1..]), [1, 2, 3]);
    for _ in 0..3 {
        pass(10);
        assert_ne!(all[3].ask(&filter), 0);
    }
    assert_eq!(all[3].ask(&filter), 1);
    // Back in time, it has its place before the others still.
    assert_eq!(all[1].ask(&filter), 1);
    assert_eq!(all[3].ask(&filter), 2);
    pass(121);
    assert_eq!(all[3].ask(&filter), 1, "its ticket is too old");
    assert_eq!(all[2].ask(&filter), 2);
}

#[test]
fn a_rate_holds_back_newcomers_alone() {
    let filter = named("rate", "sessions = 100\nrate = \"6/min\"");
    let mut all = browsers(3);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2]);
    assert_eq!(all[0].ask(&filter), 0);
    pass(9);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2]);
    pass(1);
    assert_eq!(ask_all(&filter, &mut all), [0, 0, 1]);
    pass(10);
    assert_eq!(ask_all(&filter, &mut all), [0, 0, 0]);
    let quick = named("quick", "sessions = 100\nrate = \"5/s\"");
    assert_eq!(ask_all(&quick, &mut browsers(7)), [0, 0, 0, 0, 0, 1, 2]);
}

#[test]
fn an_operator_opens_closes_and_resizes_it() {
    let filter = named("operated", "sessions = 1");
    let mut all = browsers(3);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2]);
    assert_eq!(all[0].ask(&filter), 0);
    let change = |wanted: Value| filter.change(&wanted).unwrap();
    change(json!({ "sessions": 2 }));
    assert_eq!(ask_all(&filter, &mut all), [0, 0, 1]);
    let status = filter.status().unwrap();
    let told = [
        "mode",
        "sessions",
        "configured_sessions",
        "admitted",
        "waiting",
    ]
    .map(|key| status[key].clone());
    assert_eq!(
        told,
        [json!("limited"), json!(2), json!(1), json!(2), json!(1)]
    );
    change(json!({ "mode": "open" }));
    assert_eq!(browsers(1)[0].ask(&filter), 0);
    change(json!({ "mode": "closed", "sessions": 1000 }));
    assert_eq!(ask_all(&filter, &mut all), [0, 0, 1]);
    // A reload that leaves the number as it is leaves the operator's; a new number in the file is newer.
    let reloaded = named("operated", "sessions = 1\npoll = \"20s\"");
    assert_eq!(reloaded.status().unwrap()["sessions"], 1000);
    assert_eq!(ask_all(&reloaded, &mut all), [0, 0, 1]);
    let other = named("operated", "sessions = 3");
    assert_eq!(other.status().unwrap()["sessions"], 3);
    change(json!({ "mode": "limited", "sessions": null }));
    assert_eq!(ask_all(&filter, &mut all), [0, 0, 1]);
    assert_eq!(ask_all(&other, &mut all), [0, 0, 0]);
    for (wanted, expected) in [
        (json!({}), "a waiting room takes"),
        (json!(5), "a waiting room takes"),
        (json!({ "session": 5 }), "not `session`"),
        (json!({ "sessions": -1 }), "a number from 0 to 1000000"),
        (
            json!({ "sessions": 1_000_001 }),
            "a number from 0 to 1000000",
        ),
        (
            json!({ "mode": "shut", "sessions": 1 }),
            "`limited`, `open` or `closed`",
        ),
    ] {
        let error = filter.change(&wanted).unwrap_err();
        assert!(error.contains(expected), "{wanted}: {error}");
    }
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_out() {
    let filter = named("clock", "sessions = 100\nrate = \"1/min\"");
    let mut all = browsers(3);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2]);
    NOW.set(NOW.get() - 3_600_000_000);
    assert_eq!(ask_all(&filter, &mut all[1..]), [1, 2]);
    for _ in 0..6 {
        pass(10);
        ask_all(&filter, &mut all[1..]);
    }
    assert_eq!(ask_all(&filter, &mut all[1..]), [0, 1]);
}

#[test]
fn the_queue_is_bounded() {
    let filter = named("bounded", "sessions = 1\nmax_waiting = 2");
    let mut all = browsers(5);
    assert_eq!(ask_all(&filter, &mut all), [0, 1, 2, 3, 3]);
    assert_eq!(all.iter().filter(|browser| browser.0.is_some()).count(), 3);
}

#[test]
fn what_is_run_again_takes_one_place() {
    let filter = named("again", "sessions = 1");
    let mut first = exchange("GET", "/", &[]);
    for _ in 0..3 {
        assert!(answer(&filter, &mut first).is_none());
    }
    let mut second = exchange("GET", "/", &[]);
    for _ in 0..3 {
        assert!(answer(&filter, &mut second).is_some());
    }
    let status = filter.status().unwrap();
    assert_eq!(
        (&status["admitted"], &status["waiting"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn an_answer_that_was_lost_costs_no_turn() {
    let filter = named("lost", "sessions = 1");
    let (mut one, mut other) = (Browser::default(), Browser::default());
    assert_eq!((one.ask(&filter), other.ask(&filter)), (0, 1));
    filter.change(&json!({ "sessions": 2 })).unwrap();
    let waiting = other.clone();
    assert_eq!(other.ask(&filter), 0);
    assert_eq!(waiting.clone().ask(&filter), 0);
    assert_eq!(filter.status().unwrap()["admitted"], 2);
}

#[test]
fn a_place_that_was_made_up_is_none() {
    let filter = named("forged", "sessions = 1");
    let mut one = Browser::default();
    assert_eq!(one.ask(&filter), 0);
    let own = one.0.clone().unwrap();
    for forged in [
        "rimward_room=a.1.1.x",
        &own.replace("=n.", "=a."),
        &own[..own.len() - 1],
    ] {
        assert_ne!(Browser(Some(forged.to_owned())).ask(&filter), 0, "{forged}");
    }
    let other = named("elsewhere", "sessions = 1");
    assert_eq!(other.signer.read(own.split_once('=').unwrap().1), None);
}

#[test]
fn some_never_wait() {
    let filter = named(
        "except",
        "sessions = 1\nexcept = [\"192.0.2.0/24\"]\nexcept_paths = [\"/assets/*\"]",
    );
    assert_eq!(Browser::default().ask(&filter), 0);
    let mut asset = exchange("GET", "/assets/a.css", &[("cookie", "rimward_room=x; a=1")]);
    assert!(answer(&filter, &mut asset).is_none());
    assert_eq!(asset.header("cookie"), Some("a=1"));
    let mut robot = exchange("GET", "/", &[]);
    robot.client.ip = "192.0.2.7".parse().unwrap();
    assert!(answer(&filter, &mut robot).is_none());
    assert!(answer(&filter, &mut exchange("GET", "/", &[])).is_some());
}

#[test]
fn the_page_asks_again_by_itself() {
    let filter = named("page", "sessions = 1\npoll = \"20s\"\nstatus = 200");
    Browser::default().ask(&filter);
    let page = answer(&filter, &mut exchange("GET", "/", &[])).unwrap();
    assert_eq!(page.head.status.as_u16(), 200);
    for (name, value) in [
        ("refresh", "20"),
        ("retry-after", "20"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(values(&page.head, name), [value]);
    }
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(
        page.contains("number <strong>1</strong>") && page.contains("about 5 minutes"),
        "{page}"
    );
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("", "`sessions` is missing"),
        (
            "sessions = 0",
            "sessions: `0` is out of bounds: 1 to 1000000",
        ),
        (
            "sessions = 1\nsession_ttl = \"1s\"",
            "session_ttl: `1s` is out of bounds: `10s` to `1d`",
        ),
        ("sessions = 1\nrate = \"5\"", "`5` is not a rate"),
        (
            "sessions = 1\npoll = \"0s\"",
            "poll: `0s` is out of bounds: `1s` to `1d`",
        ),
        (
            "sessions = 1\npatience = \"15s\"",
            "patience: `15s` is too short: at least twice `poll`",
        ),
        (
            "sessions = 1\nmax_waiting = 0",
            "max_waiting: `0` is out of bounds: 1 to 200000",
        ),
        (
            "sessions = 1\nstatus = 302",
            "status: `302` is no status for a page that waits",
        ),
        ("sessions = 1\ncookie = \"a b\"", "not a cookie's name"),
        (
            "sessions = 1\npage = \"absent.html\"",
            "page: `./absent.html` can't be read",
        ),
        (
            "sessions = 1\ncookie_secret_file = \"absent\"",
            "cookie_secret_file: `./absent` can't be read",
        ),
        (
            "sessions = 1\nexcept_paths = [\"a\"]",
            "it must start with a slash",
        ),
    ] {
        refused::<WaitingRoom>(settings, expected);
    }
    assert!(build::<WaitingRoom>("sessions = 1").is_ok());
}
