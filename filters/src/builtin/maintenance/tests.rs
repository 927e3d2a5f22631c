//! When a site is closed, and to whom.

use std::path::Path;
use std::time::UNIX_EPOCH;

use super::*;
use crate::testing::{answer, build, build_in, exchange, exchange_from, refused, status, values};

/// Each test has a switch of its own: filters of one name share it.
fn named(name: &str, settings: &str) -> Maintenance {
    let settings = rimward_config::decode(&settings.parse().unwrap()).unwrap();
    Maintenance::new(settings, &Builder::new(Path::new("."), name)).unwrap()
}

fn is_closed(filter: &Maintenance) -> bool {
    status(filter, &mut exchange("GET", "/", &[])) != 0
}

#[test]
fn a_closed_site_says_when_to_come_back() {
    let filter: Maintenance = named(
        "closed",
        "on = true\nbody = '<h1>soon</h1>'\nretry_after = '90s'",
    );
    let closed = answer(&filter, &mut exchange("GET", "/", &[])).unwrap();
    assert_eq!(
        (closed.head.status.as_u16(), &*closed.body, closed.refusal),
        (503, &b"<h1>soon</h1>"[..], false)
    );
    for (name, value) in [
        ("retry-after", "90"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(values(&closed.head, name), [value]);
    }
    let plain = answer(
        &named("closed-plain", "on = true\nstatus = 500"),
        &mut exchange("GET", "/", &[]),
    )
    .unwrap();
    assert!(plain.refusal && plain.head.status == 500);
    assert_eq!(values(&plain.head, "retry-after"), ["300"]);
    assert!(!is_closed(&named("open", "")));
}

#[test]
fn an_operator_has_the_last_word_and_reloads_do_not_change_it() {
    let filter = named("operated", "on = true");
    for (wanted, closed) in [
        (json!(false), false),
        (json!(null), true),
        (json!(false), false),
        (json!(true), true),
    ] {
        filter.change(&json!({ "on": wanted })).unwrap();
        assert_eq!(is_closed(&filter), closed, "{wanted}");
        let reloaded = named("operated", "");
        assert_eq!(is_closed(&reloaded), wanted == json!(true));
        let told = filter.status().unwrap();
        assert_eq!((&told["on"], &told["switch"]), (&json!(closed), &wanted));
    }
    for wrong in [
        json!({}),
        json!(true),
        json!({ "on": "yes" }),
        json!({ "on": true, "off": false }),
        json!({ "of": true }),
    ] {
        assert!(
            filter
                .change(&wrong)
                .unwrap_err()
                .contains("`{\"on\": true}`"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_flag_file_closes_the_site_while_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let filter: Maintenance = build_in(folder.path(), "flag_file = 'flag'").unwrap();
    let flag = filter.flag.as_ref().unwrap();
    let file = folder.path().join("flag");
    let closed = async || {
        let mut exchange = exchange("GET", "/", &[]);
        match filter.request(&mut exchange).unwrap() {
            Flow::Later => (
                matches!(
                    filter.request_later(&mut exchange).await.unwrap(),
                    Flow::Answer(_)
                ),
                true,
            ),
            flow => (matches!(flow, Flow::Answer(_)), false),
        }
    };
    assert_eq!(
        closed().await,
        (false, false),
        "it was looked for with the configuration"
    );
    for is_there in [true, false] {
        if is_there {
            std::fs::write(&file, "").unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        assert_eq!(
            closed().await,
            (!is_there, false),
            "not yet looked for again"
        );
        flag.make_due();
        assert_eq!(closed().await, (is_there, true));
        assert_eq!(closed().await, (is_there, false));
    }
}

#[test]
fn a_schedule_closes_and_opens() {
    let at = |second: u64| -> fn() -> SystemTime {
        match second {
            0 => || UNIX_EPOCH + Duration::from_secs(999),
            1 => || UNIX_EPOCH + Duration::from_millis(1_001_500),
            _ => || UNIX_EPOCH + Duration::from_secs(1_060),
        }
    };
    let mut filter = named(
        "scheduled",
        "from = 1970-01-01T00:16:40Z\nuntil = 1970-01-01T00:17:40Z",
    );
    for (second, closed) in [(0, false), (1, true), (2, false)] {
        filter.clock = at(second);
        assert_eq!(is_closed(&filter), closed, "{second}");
        if closed {
            let answer = answer(&filter, &mut exchange("GET", "/", &[])).unwrap();
            assert_eq!(values(&answer.head, "retry-after"), ["59"]);
        }
    }
}

#[test]
fn some_are_let_in() {
    let filter = named(
        "let-in",
        "on = true\nallow = ['192.0.2.0/24']\nbypass = { cookie = 'preview', header = 'x-preview', secret = 'open-sesame' }",
    );
    assert_eq!(status(&filter, &mut exchange_from("192.0.2.1")), 0);
    for (field, expected) in [
        (("cookie", "preview=open-sesame"), 0),
        (("cookie", "preview=open"), 503),
        (("cookie", "other=open-sesame"), 503),
        (("x-preview", "open-sesame"), 0),
        (("x-preview", "open-sesame2"), 503),
        (("x-other", ""), 503),
    ] {
        let mut exchange = exchange("GET", "/", &[field]);
        assert_eq!(status(&filter, &mut exchange), expected, "{field:?}");
        assert_eq!(
            exchange.header("x-preview"),
            None,
            "the origin is not told the secret"
        );
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        (
            "from = 2026-12-01T00:00:00Z\nuntil = 2026-12-01T00:00:00Z",
            "until: this is not after `from`",
        ),
        (
            "from = 2026-12-01T00:00:00",
            "from: `2026-12-01T00:00:00` is not a whole time",
        ),
        (
            "status = 200",
            "`200` is not a status that can be answered here: 400 to 599",
        ),
        (
            "file = 'no-such-file'",
            "file: `./no-such-file` can't be read",
        ),
        ("file = 'a'\nbody = 'b'", "there is one body"),
        (
            "content_type = 'text/html'",
            "content_type: there is no page",
        ),
        (
            "bypass = { secret = 'open-sesame' }",
            "bypass: where is the secret?",
        ),
        ("bypass = { cookie = 'a' }", "`secret` is missing"),
        (
            "bypass = { cookie = 'a', secret = 'short' }",
            "bypass.secret: a secret has at least 8 characters",
        ),
    ] {
        refused::<Maintenance>(settings, expected);
    }
    assert!(build::<Maintenance>("").is_ok());
}
