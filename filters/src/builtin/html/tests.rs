use proptest::prelude::*;

use super::*;
use crate::testing::{build, exchange, refused};
use crate::variants::Variants;

fn response(content_type: &str) -> ResponseHeader {
    let mut head = ResponseHeader::build(200, None).unwrap();
    head.insert_header("content-type", content_type).unwrap();
    head
}

fn asked() -> Exchange {
    exchange("GET", "/a", &[("x", "</script>\"&")])
}

/// The page after it came in these pieces; `None` when it is left alone.
fn pass(
    filter: &Html,
    exchange: &mut Exchange,
    content_type: &str,
    pieces: &[&[u8]],
) -> Option<Vec<u8>> {
    let body = filter.response(exchange, &mut response(content_type));
    let Body::Rewritten(mut rewriter) = body.unwrap() else {
        return None;
    };
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend(rewriter.chunk(piece.to_vec().into()).unwrap());
    }
    passed.extend(rewriter.end().unwrap());
    Some(passed)
}

fn rewritten(rules: &str, page: &str) -> String {
    let filter: Html = build(&format!("phase = 'response'\nrules = [{rules}]")).unwrap();
    let passed = pass(&filter, &mut asked(), "text/html", &[page.as_bytes()]);
    String::from_utf8(passed.unwrap()).unwrap()
}

#[test]
fn elements_are_changed_as_the_rules_say() {
    for (rules, page, expected) in [
        (
            "{ select = 'img', set = { loading = 'lazy', ALT = '' }, remove_attributes = ['border'] }",
            "<img src=a border=0><p>",
            "<img src=a alt=\"\" loading=\"lazy\"><p>",
        ),
        (
            "{ select = 'a[href^=\"http://old\"]', swap = { href = { from = 'http://old/', to = 'https://{host}/' } } }",
            "<a href='http://old/x?a&amp;b'>1</a><a href=http://new/>2</a>",
            "<a href=\"https://example.com/x?a&amp;b\">1</a><a href=http://new/>2</a>",
        ),
        (
            "{ select = 'p', before = '1', prepend = '2', append = '3', after = '4' }",
            "<p>x</p>",
            "1<p>2x3</p>4",
        ),
        (
            "{ select = 'p', inner = 'a<b', prepend = '1', append = '2' }",
            "<p>x<i>y</i></p>",
            "<p>1a&lt;b2</p>",
        ),
        (
            "{ select = 'head', append = { html = '<script src=/a.js></script>' } }",
            "<head><title>x</title></head><body>",
            "<head><title>x</title><script src=/a.js></script></head><body>",
        ),
        (
            "{ select = 'b', replace = { html = '<i>x</i>' } }",
            "<b>1</b>2",
            "<i>x</i>2",
        ),
        (
            "{ select = '.ad', remove = true }",
            "1<div class='x ad'>2</div>3",
            "13",
        ),
        (
            "{ select = 'div > b', unwrap = true }",
            "<div><b>1</b></div><b>2</b>",
            "<div>1</div><b>2</b>",
        ),
        (
            "{ select = 'p', set = { a = '1' } }, { select = 'p', set = { a = '2' } }",
            "<p>",
            "<p a=\"2\">",
        ),
        (
            "{ select = 'a', remove = true }",
            "<script>'<a>'</script><!-- <a> -->",
            "<script>'<a>'</script><!-- <a> -->",
        ),
    ] {
        assert_eq!(rewritten(rules, page), expected, "{rules}");
    }
}

#[test]
fn what_a_client_sent_has_no_meaning_in_the_page() {
    for (change, expected) in [
        ("inner = '{header.x}'", "<p>&lt;/script&gt;\"&amp;</p>"),
        (
            "inner = { html = '<b>{header.x}</b>' }",
            "<p><b>&lt;/script&gt;&quot;&amp;</b></p>",
        ),
        (
            "set = { a = '{header.x}' }",
            "<p a=\"&lt;/script&gt;&quot;&amp;\"></p>",
        ),
        (
            "set = { a = '1' }, swap = { a = { from = '1', to = '{header.x}' } }",
            "<p a=\"&lt;/script&gt;&quot;&amp;\"></p>",
        ),
    ] {
        assert_eq!(
            rewritten(&format!("{{ select = 'p', {change} }}"), "<p></p>"),
            expected
        );
    }
}

#[test]
fn a_rule_may_be_for_one_variant() {
    let settings = "rules = [{ select = 'p', when = { variant = 'checkout=fast' }, inner = 'x' }]";
    let filter: Html = build(settings).unwrap();
    for (variants, expected) in [
        (&[][..], None),
        (&[("checkout", "slow")], None),
        (&[("colour", "fast")], None),
        (&[("colour", "red"), ("checkout", "fast")], Some("<p>x</p>")),
    ] {
        let mut exchange = asked();
        let mut noted = Variants::default();
        for (experiment, variant) in variants {
            noted.set((*experiment).into(), (*variant).into());
        }
        exchange.notes.insert(noted);
        let passed = pass(&filter, &mut exchange, "text/html", &[b"<p>y</p>"]);
        assert_eq!(
            passed.as_deref(),
            expected.map(str::as_bytes),
            "{variants:?}"
        );
    }
}

#[test]
fn text_is_written_in_the_encoding_of_the_page() {
    let filter: Html = build("rules = [{ select = 'p', inner = 'é→' }]").unwrap();
    for (content_type, page, expected) in [
        ("text/html", "<p></p>", Some("<p>é→</p>".as_bytes())),
        (
            "text/html; charset=iso-8859-1",
            "<p></p>",
            Some(b"<p>\xe9&#8594;</p>"),
        ),
        (
            "text/html",
            "<meta charset=latin1><p></p>",
            Some(b"<meta charset=latin1><p>\xe9&#8594;</p>"),
        ),
        ("text/html; charset=utf-16le", "<p></p>", None),
        ("text/plain", "<p></p>", None),
        ("application/json", "<p></p>", None),
    ] {
        let passed = pass(&filter, &mut asked(), content_type, &[page.as_bytes()]);
        assert_eq!(passed.as_deref(), expected, "{content_type}");
    }
}

#[test]
fn a_page_that_takes_too_much_memory_fails() {
    let settings = "max_memory = '16KiB'\nrules = [{ select = 'a[href]', remove = true }]";
    let filter: Html = build(settings).unwrap();
    let nested = "<i><b>".repeat(100_000);
    let long = format!("<a href={}", "x".repeat(100_000));
    for page in [nested, long] {
        let body = filter.response(&mut asked(), &mut response("text/html"));
        let Body::Rewritten(mut rewriter) = body.unwrap() else {
            panic!("not rewritten")
        };
        let error = rewriter.chunk(page.into()).unwrap_err().to_string();
        assert!(error.contains("within 16384 bytes of memory"), "{error}");
    }
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("rules = []", "rules: nothing is rewritten"),
        ("rules = [{ select = 'p' }]", "rules[0]: nothing is done"),
        (
            "rules = [{ select = 'p[', remove = true }]",
            "`p[` is not a selector",
        ),
        (
            "rules = [{ select = 'p:hover', remove = true }]",
            "unsupported pseudo-class",
        ),
        (
            "rules = [{ select = '', remove = true }]",
            "the selector is empty",
        ),
        (
            "rules = [{ select = 'p', remove = true, unwrap = true }]",
            "rules[0]: an element ends in one way",
        ),
        (
            "rules = [{ select = 'p', set = { 'a b' = '' } }]",
            "`a b` is not the name of an attribute",
        ),
        (
            "rules = [{ select = 'p', swap = { a = { from = '', to = '' } } }]",
            "rules[0].swap: `from` is empty",
        ),
        (
            "rules = [{ select = 'p', remove = true, when = { variant = 'fast' } }]",
            "`fast` is not a variant such as `checkout=fast-lane`",
        ),
        (
            "rules = [{ select = 'p', inner = '{client_ip}' }]",
            "rules[0]: `{client_ip}` may differ",
        ),
        (
            "rules = [{ select = 'p', inner = { text = 'a' } }]",
            "rules[0].inner",
        ),
        (
            "rules = [{ select = 'p', inner = '{hots}' }]",
            "rules[0].inner",
        ),
        (
            "max_memory = '1KiB'\nrules = [{ select = 'p', remove = true }]",
            "max_memory: `1024B` is not a size",
        ),
    ] {
        refused::<Html>(settings, expected);
    }
}

proptest! {
    #[test]
    fn however_a_page_is_cut_it_becomes_the_same(
        parts in proptest::collection::vec(prop_oneof![
            Just("<p class=a>"), Just("</p>"), Just("<a href='x>y'>"), Just("</a>"), Just("é<"), Just("<!-- <p> -->"), Just("<br/>"),
            Just("<b"), Just(" >"), Just("<script>'<p>'</script>"), Just("&amp;"), Just("<p>\n"), Just("</"),
        ], 0..25),
        places in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let rules = "rules = [{ select = 'p', before = 'B', append = 'é' }, { select = 'a[href]', set = { href = '1' } }]";
        let filter: Html = build(rules).unwrap();
        let page = parts.concat();
        let mut places: Vec<usize> = places.iter().map(|place| place % (page.len() + 1)).collect();
        places.extend([0, page.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|ends| &page.as_bytes()[ends[0]..ends[1]]).collect();
        let whole = pass(&filter, &mut asked(), "text/html", &[page.as_bytes()]);
        prop_assert_eq!(pass(&filter, &mut asked(), "text/html", &pieces), whole);
    }
}
