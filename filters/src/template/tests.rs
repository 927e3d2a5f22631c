//! Templates rendered for one exchange, and any text at all.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::testing::exchange;

fn sample() -> Exchange {
    let headers = [("cookie", "a=1; theme=dark"), ("x-evil", "<\"&'>")];
    let mut exchange = exchange("GET", "/shop/a%20b?q=1&r=2", &headers);
    exchange.params = vec![("id".into(), "a/b c\r\nx: y".to_owned())];
    exchange
}

#[track_caller]
fn check(template: &str, place: Place, expected: &str) {
    let template: Template = template.parse().unwrap();
    assert_eq!(template.render(&sample(), place), expected);
}

#[test]
fn variables_stand_for_the_exchange() {
    for (template, expected) in [
        ("", ""),
        ("plain", "plain"),
        (
            "{client_ip} {country} {request_id}",
            "203.0.113.7 DE 0123456789abcdef",
        ),
        (
            "{scheme}://{host}{path}?{query}",
            "https://example.com/shop/a%20b?q=1&r=2",
        ),
        (
            "{method} {uri} {route} {site}",
            "GET /shop/a%20b?q=1&r=2 / example.com",
        ),
        (
            "{cookie.theme}{cookie.none}{header.X-None}{param.none}",
            "dark",
        ),
        (
            "{continent} {country_name} {is_eu} {city}{asn}",
            "EU Germany true ",
        ),
        ("{{{method}}} {{}}", "{GET} {}"),
    ] {
        check(template, Place::Text, expected);
    }
}

#[test]
fn a_value_gets_no_meaning_where_it_is_put() {
    check("{param.id}", Place::Header, "a/b cx: y");
    check("/u/{param.id}", Place::Uri, "/u/a%2Fb%20c%0D%0Ax%3A%20y");
    check("{path}", Place::Uri, "/shop/a%20b");
    check("v={path}", Place::Component, "v=%2Fshop%2Fa%2520b");
    check(
        "<p>{header.x-evil}</p>",
        Place::Markup,
        "<p>&lt;&quot;&amp;&#39;&gt;</p>",
    );
    check(
        r#"{{"v":"{header.x-evil}{param.id}"}}"#,
        Place::Json,
        r#"{"v":"\u003c\"&'>a/b c\u000d\u000ax: y"}"#,
    );
}

#[test]
fn a_mistake_is_told_with_what_would_have_been_right() {
    for (template, expected) in [
        (
            "{clientip}",
            "`{clientip}` is not a variable: did you mean `{client_ip}`?",
        ),
        (
            "{Host}",
            "`{Host}` is not a variable: did you mean `{host}`?",
        ),
        (
            "{header}",
            "`{header}` is not a variable: write `{header.NAME}`",
        ),
        (
            "{header.a b}",
            "`{header.a b}` is not a variable: write `{header.NAME}`",
        ),
        (
            "{param.}",
            "`{param.}` is not a variable: write `{param.NAME}`",
        ),
        ("a{path", "`{` is never closed: write `{{` for a brace"),
        ("a}b", "`}` closes nothing: write `}}` for a brace"),
    ] {
        assert_eq!(
            template.parse::<Template>().unwrap_err().to_string(),
            expected
        );
    }
    let error = "{zzzzzzzzzzzz}"
        .parse::<Template>()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("residential_proxy, param.NAME, header.NAME and cookie.NAME"),
        "{error}"
    );
}

#[test]
fn a_text_without_variables_is_lent() {
    let template: Template = "no {{braces}}".parse().unwrap();
    assert!(matches!(
        template.render(&sample(), Place::Text),
        Cow::Borrowed("no {braces}")
    ));
}

#[test]
fn a_header_value_can_not_be_broken_out_of() {
    let value = ValueTemplate::try_from("id={param.id}".parse::<Template>().unwrap()).unwrap();
    assert_eq!(value.render(&sample()), "id=a/b cx: y");
    assert!(ValueTemplate::try_from("a\r\nb".parse::<Template>().unwrap()).is_err());
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in ".*") {
        if let Ok(template) = text.parse::<Template>() {
            prop_assert_eq!(template.to_string().parse::<Template>(), Ok(template));
        }
    }

    #[test]
    fn escaped_text_is_rendered_as_it_was(text in ".*") {
        let template: Template = text.replace('{', "{{").replace('}', "}}").parse().unwrap();
        prop_assert_eq!(template.literal(), Some(text.as_str()));
    }

    #[test]
    fn what_a_client_sends_stays_in_its_place(value in ".*") {
        let mut exchange = sample();
        exchange.params = vec![("id".into(), value)];
        let template: Template = "{param.id}".parse().unwrap();
        let header = template.render(&exchange, Place::Header);
        prop_assert!(HeaderValue::from_str(&header).is_ok());
        let path = template.render(&exchange, Place::Uri);
        prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        let json = format!("\"{}\"", template.render(&exchange, Place::Json));
        let read: String = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(Some(read.as_str()), exchange.param("id"));
        let markup = template.render(&exchange, Place::Markup);
        prop_assert!(!markup.contains(['<', '>', '"', '\'']));
    }
}
