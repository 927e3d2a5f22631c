use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::chosen::Tried;
use crate::outside::Surroundings;
use crate::testing::{build, exchange, exchange_from, refused, values};

const BOTH: &str = "from = \"old\"\nto = \"new\"\n";

/// A migration with these settings between origins that are known.
fn migrate(settings: &str) -> Migrate {
    let table: toml::Table = format!("{BOTH}{settings}").parse().unwrap();
    let around = Surroundings {
        origins: Some(vec!["old".into(), "new".into()]),
        ..Surroundings::default()
    };
    let builder = Builder::new(Path::new("."), "move").within(around);
    Migrate::new(rimward_config::decode(&table).unwrap(), &builder).unwrap()
}

/// Whether a client's request goes to the new origin.
fn moves(filter: &Migrate, ip: &str) -> bool {
    let mut exchange = exchange_from(ip);
    filter.request(&mut exchange).unwrap();
    let choice = exchange.chosen.origin.unwrap();
    choice.key.as_deref() == Some("new")
}

fn moved(filter: &Migrate) -> BTreeSet<u32> {
    let clients = 0..4_000;
    clients
        .filter(|client| moves(filter, &format!("198.18.{}.{}", client / 250, client % 250)))
        .collect()
}

#[test]
fn the_share_moves_and_who_has_moved_stays() {
    let (few, more) = (
        moved(&migrate("percent = 5")),
        moved(&migrate("percent = 25")),
    );
    assert!((150..250).contains(&few.len()), "{}", few.len());
    assert!((900..1100).contains(&more.len()), "{}", more.len());
    assert!(few.is_subset(&more));
    assert!(moved(&migrate("percent = 0")).is_empty());
    assert_eq!(moved(&migrate("percent = 100")).len(), 4_000);
}

#[test]
fn what_is_sticky_decides_alone() {
    let bucket = |settings: &str, exchange: &mut Exchange| {
        migrate(&format!("percent = 50\n{settings}"))
            .sticky
            .bucket(exchange)
    };
    let mut host = exchange("GET", "/a", &[("host", "A.example"), ("x-user", "ann")]);
    let mut other = exchange("GET", "/a", &[("host", "a.example"), ("x-user", "bob")]);
    other.client.ip = "203.0.113.9".parse().unwrap();
    let path = "sticky = \"path\"";
    assert_eq!(bucket(path, &mut host), bucket(path, &mut other));
    let header = "sticky = { header = \"x-user\" }";
    assert_ne!(bucket(header, &mut host), bucket(header, &mut other));
    let address = "sticky = \"client_ip\"";
    let one = bucket(address, &mut exchange_from("2001:db8::1"));
    assert_eq!(one, bucket(address, &mut exchange_from("2001:db8::2")));
    assert_ne!(one, bucket(address, &mut exchange_from("2001:db8:1::1")));
}

#[test]
fn a_client_without_the_cookie_is_given_one_that_it_keeps() {
    let filter = migrate("percent = 50\nsticky = { cookie = \"move\" }\ncookie_ttl = \"1h\"");
    let mut first = exchange("GET", "/", &[]);
    filter.request(&mut first).unwrap();
    let chosen = first.chosen.origin.clone().unwrap();
    // Run again, as the fast lane and the engine may.
    filter.request(&mut first).unwrap();
    assert!(Arc::ptr_eq(&chosen, first.chosen.origin.as_ref().unwrap()));
    let mut head = ResponseHeader::build(200, None).unwrap();
    filter.response(&mut first, &mut head).unwrap();
    let cookie = values(&head, "set-cookie").pop().unwrap();
    assert!(
        cookie.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    let mut second = exchange("GET", "/", &[("cookie", cookie)]);
    filter.request(&mut second).unwrap();
    assert!(Arc::ptr_eq(&chosen, second.chosen.origin.as_ref().unwrap()));
    let mut head = ResponseHeader::build(200, None).unwrap();
    filter.response(&mut second, &mut head).unwrap();
    assert!(values(&head, "set-cookie").is_empty());
    // What is no bucket of ours is not believed.
    let mut odd = exchange("GET", "/", &[("cookie", "move=10000")]);
    filter.request(&mut odd).unwrap();
    assert!(odd.notes.get::<Assigned>().is_some());
}

#[test]
fn an_operator_changes_the_share_while_it_runs() {
    let filter = migrate("percent = 10 # changed by hand");
    let percent = |filter: &Migrate| filter.status().unwrap()["percent"].as_f64().unwrap();
    for (wanted, expected) in [
        (json!({"percent": 50}), 50.0),
        (json!({"percent": "12.5%"}), 12.5),
        (json!({"resumed": true}), 10.0),
        (json!({"percent": 30}), 30.0),
        (json!({"paused": true}), 30.0),
        (json!({"resumed": true}), 10.0),
    ] {
        filter.change(&wanted).unwrap();
        assert_eq!(percent(&filter), expected, "{wanted}");
    }
    filter.change(&json!({"percent": 60})).unwrap();
    assert_eq!(
        percent(&migrate("percent = 10")),
        60.0,
        "it outlives a reload"
    );
    assert_eq!(
        percent(&migrate("percent = 11")),
        11.0,
        "but not another word of the file"
    );
    for (wanted, expected) in [
        (json!({"percent": 101}), "0 to 100"),
        (json!({"percent": 1, "paused": true}), "a migration takes"),
        (json!(50), "a migration takes"),
        (json!({"aborted": true}), "a migration takes"),
        (json!({"percent": null}), "0 to 100"),
    ] {
        let error = filter.change(&wanted).unwrap_err();
        assert!(error.contains(expected), "{wanted}: {error}");
    }
}

#[test]
fn an_origin_that_fails_loses_its_traffic() {
    let filter =
        migrate("percent = 100\nabort_when = { error_rate_above = \"10%\", min_requests = 20 }");
    let tried = |side: &Side, status| {
        let observer = side.choice.observer.as_ref().unwrap();
        let time = Duration::from_millis(1);
        observer.tried(side.choice.origin, Tried { status, time });
    };
    for _ in 0..40 {
        tried(&filter.from, None);
    }
    assert!(
        moves(&filter, "198.51.100.1"),
        "the old one's failures don't count"
    );
    for _ in 0..20 {
        tried(&filter.to, Some(503));
    }
    assert!(!moves(&filter, "198.51.100.1"));
    let status = filter.status().unwrap();
    assert_eq!(
        (
            &status["state"],
            &status["percent"],
            &status["meant_percent"]
        ),
        (&json!("aborted"), &json!(0.0), &json!(100.0))
    );
    assert_eq!(status["tries"]["to"]["errors"], 20);
    filter.change(&json!({"resumed": true})).unwrap();
    assert!(moves(&filter, "198.51.100.1"));
}

#[test]
fn objects_mix_only_if_told() {
    let key = |settings: &str| {
        let filter = migrate(settings);
        let mut exchange = exchange("GET", "/", &[]);
        filter.request(&mut exchange).unwrap();
        exchange.chosen.origin.unwrap().key.clone()
    };
    assert_eq!(key("percent = 100").as_deref(), Some("new"));
    assert_eq!(key("percent = 100\nshare_cache = true"), None);
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        (
            "from = \"a\"\nto = \"a\"\npercent = 1",
            "to: `a` is where the traffic comes from",
        ),
        ("from = \"a\"\nto = \"b\"", "percent: the share is missing"),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nramp = []",
            "not by both",
        ),
        (
            "from = \"a\"\nto = \"b\"\nramp = []",
            "ramp: a ramp needs points",
        ),
        ("from = \"a\"\nto = \"b\"\npercent = 101", "0 to 100"),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nsmooth = true",
            "only a `ramp`",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nfallback = { on = [200] }",
            "from 400 to 599",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nfallback = { to = \"b\" }",
            "fallback.to: `b` is the origin that has failed",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nabort_when = {}",
            "abort_when: a bound is missing",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nabort_when = { latency_above = \"1s\", over = \"0s\" }",
            "at least `1s`",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nshadow = { percent = 1, compare = [\"body\"] }",
            "`body` can't be compared",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nshadow = { percent = 1, at_once = 0 }",
            "shadow.at_once",
        ),
        (
            "from = \"a\"\nto = \"b\"\npercent = 1\nsticky = { cookie = \"a b\" }",
            "not a cookie's name",
        ),
    ] {
        refused::<Migrate>(settings, expected);
    }
    let around = Surroundings {
        origins: Some(vec!["shop".into(), "shop-v2".into()]),
        ..Surroundings::default()
    };
    let builder = Builder::new(Path::new("."), "move").within(around);
    let error = builder.origin("to", "shop-v3").unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `shop-v2`?"));
    assert!(build::<Migrate>("from = \"a\"\nto = \"b\"\npercent = 0.01").is_ok());
}
