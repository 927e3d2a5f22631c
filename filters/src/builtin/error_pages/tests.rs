use super::*;
use crate::testing::{build_in, exchange, refused, values};

/// What becomes of a response with this status for a client that accepts this.
fn told(pages: &str, status: u16, accept: &str) -> Option<(ResponseHeader, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.html"), "<b>{status} {header.x}</b>").unwrap();
    std::fs::write(
        folder.path().join("a.json"),
        "{\"id\": \"{request_id} {header.x}\"}",
    )
    .unwrap();
    let settings = format!("pages = [{pages}]");
    let filter: ErrorPages = build_in(folder.path(), &settings).unwrap();
    let mut exchange = exchange("GET", "/", &[("accept", accept), ("x", "<\"")]);
    let mut head = ResponseHeader::build(status, None).unwrap();
    for (name, value) in [
        ("content-type", "text/plain"),
        ("etag", "\"1\""),
        ("retry-after", "5"),
    ] {
        head.insert_header(name, value).unwrap();
    }
    match filter.response(&mut exchange, &mut head).unwrap() {
        Body::Replaced(body) => Some((head, String::from_utf8(body.to_vec()).unwrap())),
        _ => None,
    }
}

const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

#[test]
fn the_first_page_for_a_status_and_a_client_takes_its_place() {
    let both = "{ status = ['4xx', 503], accept = 'text/html', file = 'a.html' }, { status = ['400-599'], file = 'a.json' }";
    for (status, accept, expected) in [
        (200, BROWSER, None),
        (304, BROWSER, None),
        (404, BROWSER, Some("text/html; charset=utf-8")),
        (503, BROWSER, Some("text/html; charset=utf-8")),
        (502, BROWSER, Some("application/json")),
        (404, "*/*", Some("application/json")),
    ] {
        let kind =
            told(both, status, accept).map(|(head, _)| values(&head, "content-type").remove(0));
        assert_eq!(kind.as_deref(), expected, "{status} {accept}");
    }
}

#[test]
fn what_the_response_says_of_its_body_goes_and_the_rest_stays() {
    let (head, body) = told("{ status = [503], file = 'a.html' }", 503, BROWSER).unwrap();
    assert_eq!(
        (head.status.as_u16(), &*body),
        (503, "<b>{status} {header.x}</b>")
    );
    assert_eq!(values(&head, "retry-after"), ["5"]);
    assert!(values(&head, "etag").is_empty() && values(&head, "vary").is_empty());
    let page = "{ status = [404], file = 'a.html', as_status = 200, content_type = 'text/x', accept = 'text/html' }";
    let (head, _) = told(page, 404, BROWSER).unwrap();
    assert_eq!(head.status.as_u16(), 200);
    assert_eq!(values(&head, "content-type"), ["text/x"]);
    assert_eq!(values(&head, "vary"), ["Accept"]);
}

#[test]
fn variables_are_escaped_as_the_type_asks_for() {
    for (file, expected) in [
        ("a.html", "<b>404 &lt;&quot;</b>"),
        ("a.json", "{\"id\": \"0123456789abcdef \\u003c\\\"\"}"),
    ] {
        let page = format!("{{ status = [404], file = '{file}', variables = true }}");
        assert_eq!(told(&page, 404, "").unwrap().1, expected);
    }
}

#[test]
fn a_page_that_never_was_there_leaves_the_response_as_it_is() {
    assert!(told("{ status = [404], origin = 'pages', path = '/a' }", 404, "").is_none());
}

#[test]
fn mistakes_are_told() {
    for (settings, expected) in [
        ("pages = []", "pages: there is none"),
        (
            "pages = [{ status = [], file = 'a' }]",
            "pages[0].status: the page is for no status",
        ),
        (
            "pages = [{ status = [200], file = 'a' }]",
            "`200` is not a status from 400 to 599",
        ),
        (
            "pages = [{ status = ['3xx'], file = 'a' }]",
            "`3xx` is not a status",
        ),
        (
            "pages = [{ status = ['504-500'], file = 'a' }]",
            "`504-500` is not a status",
        ),
        (
            "pages = [{ status = ['6553500xx'], file = 'a' }]",
            "is not a status",
        ),
        (
            "pages = [{ status = [404] }]",
            "pages[0]: a page comes from one place",
        ),
        (
            "pages = [{ status = [404], origin = 'a' }]",
            "pages[0]: a page comes from one place",
        ),
        (
            "pages = [{ status = [404], file = 'a', origin = 'a', path = '/' }]",
            "pages[0]: a page comes from one place",
        ),
        (
            "pages = [{ status = [404], file = 'no-such-file' }]",
            "pages[0].file: `./no-such-file` can't be read",
        ),
        (
            "pages = [{ status = [404], origin = 'a', path = 'b' }]",
            "pages[0].path: `b` is not a path",
        ),
        (
            "pages = [{ status = [404], origin = 'a', path = '/', variables = true }]",
            "pages[0]: `variables` and",
        ),
        (
            "pages = [{ status = [404], file = 'a', accept = '*/*' }]",
            "pages[0].accept: `*/*` is not a media type",
        ),
        (
            "pages = [{ status = [404], file = 'a', as_status = 100 }]",
            "`100` is not a status",
        ),
    ] {
        refused::<ErrorPages>(settings, expected);
    }
}
