use proptest::prelude::*;
use regex::bytes::{NoExpand, Regex};

use super::*;
use crate::testing::{build, exchange, refused};

fn response(content_type: &str) -> ResponseHeader {
    let mut head = ResponseHeader::build(200, None).unwrap();
    head.insert_header(CONTENT_TYPE, content_type).unwrap();
    head
}

/// The body after it came in these pieces.
fn pass(filter: &BodyReplace, content_type: &str, pieces: &[&[u8]]) -> Vec<u8> {
    let mut exchange = exchange("GET", "/a", &[("x", "</script>\"")]);
    let body = filter.response(&mut exchange, &mut response(content_type));
    let Body::Rewritten(mut rewriter) = body.unwrap() else {
        return pieces.concat();
    };
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend(rewriter.chunk(piece.to_vec().into()).unwrap());
    }
    passed.extend(rewriter.end().unwrap());
    passed
}

#[test]
fn rules_are_done_one_after_another_and_literals_at_once() {
    for (rules, body, expected) in [
        ("{ literal = 'a', replace = 'b' }", "banana", "bbnbnb"),
        ("{ literal = 'a', replace = '' }", "aaa", ""),
        ("{ literal = 'a', replace = '$1' }", "ab", "$1b"),
        (
            "{ literal = 'a', replace = 'b' }, { literal = 'b', replace = 'a' }",
            "abba",
            "baab",
        ),
        (
            "{ literal = 'ab', replace = '1' }, { literal = 'abcd', replace = '2' }",
            "abcd abc",
            "2 1c",
        ),
        (
            "{ literal = 'a', replace = 'b' }, { regex = 'b+', replace = '<$0>' }, { literal = '<', replace = '[' }",
            "xabx",
            "x[bb>x",
        ),
        (
            "{ regex = '(?i)v(\\d)', replace = '$1.' }",
            "V1 v2 v",
            "1. 2. v",
        ),
        ("{ regex = '^a', replace = 'b' }", "aaa", "baa"),
        ("{ regex = 'a$', replace = 'b' }", "aaa", "aab"),
        ("{ regex = '(?m)^a', replace = 'b' }", "aa\naa", "ba\nba"),
        (
            "{ regex = '\\bis\\b', replace = 'was' }",
            "this is",
            "this was",
        ),
        (
            "{ regex = '<b>.*?</b>', replace = '' }",
            "1<b>2</b>3<b>4",
            "13<b>4",
        ),
        (
            "{ literal = 'a', replace = 'b', limit = 2 }",
            "aaaa",
            "bbaa",
        ),
        (
            "{ regex = 'a+', replace = 'b', limit = 1 }",
            "aa aa",
            "b aa",
        ),
        (
            "{ literal = 'a', replace = 'x', limit = 1 }, { literal = 'b', replace = 'y' }",
            "abab",
            "xyay",
        ),
    ] {
        let filter: BodyReplace = build(&format!("rules = [{rules}]")).unwrap();
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        for pieces in [&[body.as_bytes()][..], &bytes, &[]] {
            let expected = if pieces.is_empty() { "" } else { expected };
            let passed = pass(&filter, "text/plain", pieces);
            assert_eq!(
                String::from_utf8(passed).unwrap(),
                expected,
                "{rules} {body}"
            );
        }
    }
}

#[test]
fn variables_are_escaped_as_the_type_asks_for() {
    let settings = "phase = 'response'\nrules = [{ literal = '@', replace = '{header.x}' }]";
    let filter: BodyReplace = build(settings).unwrap();
    for (content_type, expected) in [
        ("text/html", "&lt;/script&gt;&quot;"),
        ("application/xhtml+xml", "&lt;/script&gt;&quot;"),
        ("application/json", "\\u003c/script>\\\""),
        ("text/javascript; charset=utf-8", "\\u003c/script>\\\""),
        ("text/css", "%3C%2Fscript%3E%22"),
        ("text/plain", "</script>\""),
        ("image/png", "@"),
    ] {
        let passed = pass(&filter, content_type, &[b"@"]);
        assert_eq!(
            String::from_utf8(passed).unwrap(),
            expected,
            "{content_type}"
        );
    }
}

#[test]
fn a_match_that_is_too_long_is_left_as_it_is() {
    let settings = "max_match = '1KiB'\nrules = [{ regex = 'a.*?b', replace = '!' }]";
    let filter: BodyReplace = build(settings).unwrap();
    for (between, is_replaced) in [(0, true), (1022, true), (1023, false), (5000, false)] {
        let long = format!("a{}b", "-".repeat(between));
        let body = format!("xx{long}yyab");
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(7).collect();
        let passed = String::from_utf8(pass(&filter, "text/plain", &pieces)).unwrap();
        let kept = if is_replaced { "!" } else { &long };
        assert_eq!(passed, format!("xx{kept}yy!"), "{between}");
    }
}

#[test]
fn no_more_than_what_may_match_is_held_back() {
    let mut exchange = exchange("GET", "/", &[]);
    for (rule, held) in [
        ("literal = 'needle'", 5),
        ("regex = 'ne{2}dle'", 9),
        ("regex = 'n.*'", 2048),
    ] {
        let settings = format!("max_match = '1KiB'\nrules = [{{ {rule}, replace = '' }}]");
        let filter: BodyReplace = build(&settings).unwrap();
        let body = filter.response(&mut exchange, &mut response("text/html"));
        let Body::Rewritten(mut rewriter) = body.unwrap() else {
            panic!("not rewritten")
        };
        let passed = rewriter.chunk(vec![b'-'; 10_000].into()).unwrap();
        assert!(passed.len() + held >= 10_000, "{rule}: {}", passed.len());
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("rules = []", "rules: nothing is replaced"),
        (
            "rules = [{ replace = '' }]",
            "rules[0]: a rule looks for one thing",
        ),
        (
            "rules = [{ literal = 'a', regex = 'a', replace = '' }]",
            "rules[0]: a rule looks for one thing",
        ),
        (
            "rules = [{ literal = '', replace = '' }]",
            "rules[0].literal: it is empty",
        ),
        (
            "rules = [{ regex = '(', replace = '' }]",
            "rules[0].regex: regex parse error",
        ),
        (
            "rules = [{ regex = '\\w{1000}{1000}', replace = '' }]",
            "rules[0].regex: `\\w{1000}{1000}` takes more than a MiB",
        ),
        (
            "rules = [{ regex = 'x*', replace = '' }]",
            "rules[0].regex: `x*` matches where nothing is",
        ),
        (
            "max_match = '1KiB'\nrules = [{ regex = 'a{1025}', replace = '' }]",
            "rules[0].regex: `a{1025}` can match 1025 bytes: raise `max_match`",
        ),
        (
            "rules = [{ regex = 'x', replace = '$1' }]",
            "rules[0].replace: `x` has no group `1`",
        ),
        (
            "rules = [{ literal = 'a', replace = '{cookie.a}' }]",
            "rules[0].replace: `{cookie.a}` may differ among clients",
        ),
        (
            "rules = [{ literal = 'a', replace = 'b' }]\nmax_match = '1B'",
            "max_match: `1B` is not a size",
        ),
        (
            "rules = [{ literal = 'a', replace = 'b' }]\ncontent_types = ['html']",
            "`html` is not a media type",
        ),
        (
            "rules = [{ literal = 'a', replace = 'b', limit = 0 }]",
            "rules[0].limit",
        ),
        (
            "rules = [{ literal = 'a', replace = 'b' }]\nphase = 'request'",
            "phase",
        ),
    ] {
        refused::<BodyReplace>(settings, expected);
    }
}

/// Pieces of a body that end at these places.
fn cut<'b>(body: &'b [u8], places: &[usize]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = places
        .iter()
        .map(|place| place % (body.len() + 1))
        .collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|ends| &body[ends[0]..ends[1]])
        .collect()
}

const REGEXES: [&str; 12] = [
    "ab",
    "a|ab|abc",
    "(?i)A{1,3}b",
    r"\bab\b",
    "^a",
    "c$",
    "(?m)^b",
    "(?m)c$",
    "[ab]{2,5}c",
    r"\Bb",
    "é|b\n",
    "a?b?c",
];

proptest! {
    #[test]
    fn however_a_body_is_cut_a_regex_does_what_it_does_to_the_whole(
        body in "[abcé \n]{0,60}", places in proptest::collection::vec(any::<usize>(), 0..12), index in 0..REGEXES.len(), limit in 0usize..3,
    ) {
        let limited = if limit == 0 { String::new() } else { format!(", limit = {limit}") };
        let settings = format!("rules = [{{ regex = '''{}''', replace = '<$0>'{limited} }}]", REGEXES[index]);
        let filter: BodyReplace = build(&settings).unwrap();
        let whole = Regex::new(REGEXES[index]).unwrap().replacen(body.as_bytes(), limit, &b"<$0>"[..]).into_owned();
        let passed = pass(&filter, "text/plain", &cut(body.as_bytes(), &places));
        prop_assert_eq!(String::from_utf8(passed).unwrap(), String::from_utf8(whole).unwrap());
    }

    #[test]
    fn however_a_body_is_cut_literals_are_found(
        body in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(0xff)], 0..80),
        places in proptest::collection::vec(any::<usize>(), 0..12),
        literals in proptest::collection::btree_set("[ab]{1,4}", 1..4),
    ) {
        let literals: Vec<String> = literals.into_iter().collect();
        let rules: Vec<String> = literals.iter().enumerate()
            .map(|(index, literal)| format!("{{ literal = '{literal}', replace = '<{index}>' }}")).collect();
        let filter: BodyReplace = build(&format!("rules = [{}]", rules.join(", "))).unwrap();
        let whole = aho_corasick::AhoCorasick::builder().match_kind(aho_corasick::MatchKind::LeftmostLongest)
            .build(&literals).unwrap();
        let replacements: Vec<String> = (0..literals.len()).map(|index| format!("<{index}>")).collect();
        prop_assert_eq!(pass(&filter, "text/css", &cut(&body, &places)), whole.replace_all_bytes(&body, &replacements));
    }

    #[test]
    fn however_a_body_is_cut_what_has_no_bound_is_found(
        lengths in proptest::collection::vec(0usize..1500, 1..8), places in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let settings = "max_match = '1KiB'\nrules = [{ regex = '<a.*?>', replace = '!' }]";
        let filter: BodyReplace = build(settings).unwrap();
        let body: String = lengths.iter().map(|length| format!("{}<a{}>", "x".repeat(*length), "=".repeat(length / 2))).collect();
        let whole = Regex::new("<a.*?>").unwrap().replace_all(body.as_bytes(), NoExpand(b"!")).into_owned();
        prop_assert_eq!(pass(&filter, "text/html", &cut(body.as_bytes(), &places)), whole);
    }
}
