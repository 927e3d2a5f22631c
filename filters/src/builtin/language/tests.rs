//! Who reads what.

use super::*;
use crate::testing::{answer, build, exchange, refused, status, values};

const LANGUAGES: &str = "languages = ['en', 'de', 'pt-BR', 'zh-Hant', 'de-CH']\n";

fn with(more: &str) -> Language {
    build(&format!("{LANGUAGES}{more}")).unwrap()
}

#[test]
fn the_best_language_is_chosen() {
    let filter = with("default = 'de'\nheader = 'x-language'");
    for (accepted, expected) in [
        ("de", "de"),
        ("DE-at", "de"),
        ("de-CH-1996", "de-CH"),
        ("fr, en;q=0.5", "en"),
        ("en;q=0.5, pt-br;q=0.6", "pt-BR"),
        ("en, de", "en"),
        ("en;q=0.8, de;q=0.8", "en"),
        ("pt", "pt-BR"),
        ("zh-Hant-CN-x-private1-private2", "zh-Hant"),
        ("zh-Hans", "de"),
        ("fr", "de"),
        ("", "de"),
        ("*", "de"),
        ("*, en;q=0.1", "de"),
        ("fr, *;q=0.1, en;q=0.5", "en"),
        ("de;q=0, *, en;q=0.5", "en"),
        ("de;q=0, de-AT, en;q=0.1", "en"),
        ("en;q=nonsense, pt-BR;q=0.1", "pt-BR"),
        ("en;q=2, ;, ,, -, --;q=1, pt-BR;q=0.1", "pt-BR"),
        ("x-de, en;q=0.3", "en"),
    ] {
        let mut exchange = exchange(
            "GET",
            "/de/a",
            &[("accept-language", accepted), ("x-language", "mine")],
        );
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(exchange.header("x-language"), Some(expected), "{accepted}");
        assert_eq!(&*exchange.chosen.key_parts[0].value, expected);
    }
}

#[test]
fn query_and_cookie_come_first() {
    let filter = with("query = 'lang'\ncookie = 'lang'\nheader = 'accept-language'");
    for (target, cookie, expected) in [
        ("/?lang=de", "lang=en", "de"),
        ("/?lang=klingon", "lang=pt-BR", "pt-BR"),
        ("/", "lang=DE-at", "de"),
        ("/", "lang=", "zh-Hant"),
        ("/", "", "zh-Hant"),
    ] {
        let mut exchange = exchange(
            "GET",
            target,
            &[("cookie", cookie), ("accept-language", "zh-hant, en")],
        );
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(
            exchange.header("accept-language"),
            Some(expected),
            "{target} {cookie}"
        );
    }
}

#[test]
fn clients_are_sent_to_their_language_once() {
    let path = with("redirect = {}");
    let host = with("redirect = { to = 'https://{language}.example.com{path}', status = 307 }");
    for (filter, method, host, target, expected) in [
        (
            &path,
            "GET",
            "example.com",
            "/a?b=c",
            Some((302, "/de/a?b=c")),
        ),
        (&path, "HEAD", "example.com", "/", Some((302, "/de/"))),
        (&path, "POST", "example.com", "/a", None),
        (&path, "GET", "example.com", "/de/a", None),
        (&path, "GET", "example.com", "/en", None),
        (&path, "GET", "example.com", "/PT-br/", None),
        (&path, "GET", "example.com", "/dex", Some((302, "/de/dex"))),
        (
            &host,
            "GET",
            "example.com",
            "/a?b",
            Some((307, "https://de.example.com/a?b")),
        ),
        (&host, "GET", "DE.example.com:443", "/a", None),
        (
            &host,
            "GET",
            "en.example.com",
            "/a",
            Some((307, "https://de.example.com/a")),
        ),
    ] {
        let mut exchange = exchange(method, target, &[("host", host), ("accept-language", "de")]);
        let answer = answer(filter, &mut exchange);
        let sent = answer.as_ref().map(|answer| {
            (
                answer.head.status.as_u16(),
                values(&answer.head, "location").remove(0),
            )
        });
        let expected = expected.map(|(status, location)| (status, location.to_owned()));
        assert_eq!(sent, expected, "{method} {host} {target}");
        if let Some(answer) = answer {
            assert_eq!(values(&answer.head, "vary"), ["Accept-Language"]);
        }
    }
}

#[test]
fn the_origin_is_asked_for_the_path_of_the_language() {
    let filter = with("prefix = true");
    for (target, expected) in [
        ("/a?b", "/de/a?b"),
        ("/de/a", "/de/a"),
        ("/en/a", "/en/a"),
        ("/", "/de/"),
        ("*", "*"),
    ] {
        let mut exchange = exchange("GET", target, &[("accept-language", "de")]);
        assert_eq!(status(&filter, &mut exchange), 0);
        assert_eq!(exchange.request.uri, expected, "{target}");
    }
}

#[test]
fn responses_say_what_the_choice_went_by() {
    let respond = |filter: &Language, target: &str| {
        let mut exchange = exchange("GET", target, &[]);
        assert_eq!(status(filter, &mut exchange), 0);
        let mut head = ResponseHeader::build(200, None).unwrap();
        filter.response(&mut exchange, &mut head).unwrap();
        values(&head, "vary")
    };
    assert_eq!(respond(&with(""), "/a"), ["Accept-Language"]);
    assert_eq!(
        respond(&with("cookie = 'lang'"), "/a"),
        ["Accept-Language", "Cookie"]
    );
    assert_eq!(respond(&with("prefix = true"), "/a"), ["Accept-Language"]);
    assert!(
        respond(&with("prefix = true"), "/de/a").is_empty(),
        "the path says it"
    );
    assert_eq!(with("vary = false").phases(), Phases::only(Phase::Request));
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("languages = []", "languages: there has to be a language"),
        (
            "languages = ['german']\ndefault = 'd'",
            "`d` is not the name of a language",
        ),
        (
            "languages = ['de_AT']",
            "`de_AT` is not the name of a language such as",
        ),
        (
            "languages = ['de', 'DE']",
            "languages[1]: `DE` is there twice",
        ),
        (
            "languages = ['de']\ndefault = 'en'",
            "default: `en` is not one of `languages`",
        ),
        (
            "languages = ['de']\nprefix = true\nredirect = {}",
            "prefix: either the client is sent",
        ),
        (
            "languages = ['de']\nredirect = { to = '/x' }",
            "redirect.to: `{language}` has to be in it",
        ),
        (
            "languages = ['de']\nredirect = { to = '{language}' }",
            "redirect.to: a redirect goes to a URL such as",
        ),
        (
            "languages = ['de']\nredirect = { to = '/{language}{pth}' }",
            "redirect.to:",
        ),
        (
            "languages = ['de']\nheader = 'te'",
            "header: `te` is about one connection",
        ),
    ] {
        refused::<Language>(settings, expected);
    }
}
