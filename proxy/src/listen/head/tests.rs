use pingora::protocols::http::ServerSession;
use proptest::prelude::*;

use super::*;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 4096,
    fields: 20,
    target: 1024,
    body: 1_000_000,
};

/// The status a head is refused with, or `Ok`.
fn verdict(head: &[u8]) -> Result<Head, u16> {
    parse(head, &LIMITS).map_err(|refusal| refusal.status)
}

/// A GET with these field lines beside Host.
fn with_fields(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").into_bytes()
}

#[track_caller]
fn refused(status: u16, heads: &[&[u8]]) {
    for head in heads {
        assert_eq!(
            verdict(head).map(|_| ()),
            Err(status),
            "{}",
            head.escape_ascii()
        );
    }
}

#[track_caller]
fn fields_refused(status: u16, fields: &[&str]) {
    for lines in fields {
        let head = with_fields(lines);
        assert_eq!(
            verdict(&head).map(|_| ()),
            Err(status),
            "{}",
            head.escape_ascii()
        );
    }
}

#[test]
fn plain_head_is_read() {
    let bytes = b"GET /a?b HTTP/1.1\r\nHost:  example.com:80 \r\nAccept: */*\r\nX:\r\n\r\n";
    let head = verdict(bytes).unwrap();
    assert_eq!(&bytes[head.method.clone()], b"GET");
    assert_eq!(&bytes[head.path.clone()], b"/a?b");
    assert_eq!(&bytes[head.host.clone().unwrap()], b"example.com:80");
    assert_eq!(
        (head.http11, head.framing, head.keep_alive, head.upgrade),
        (true, Framing::None, true, false)
    );
    let all: Vec<_> = fields(&head, bytes).collect();
    assert_eq!(
        all,
        [
            (&b"Host"[..], &b"example.com:80"[..]),
            (b"Accept", b"*/*"),
            (b"X", b"")
        ]
    );
}

#[test]
fn framing_is_read() {
    let cases = [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::None),
        ("content-length:5\r\n", Framing::Length(5)),
        ("Content-Length: \t5 \t\r\n", Framing::Length(5)),
        ("Content-Length: 0005\r\n", Framing::Length(5)),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("TRANSFER-ENCODING:CHUNKED\r\n", Framing::Chunked),
    ];
    for (lines, framing) in cases {
        assert_eq!(
            verdict(&with_fields(lines)).unwrap().framing,
            framing,
            "{lines:?}"
        );
    }
}

#[test]
fn ambiguous_framing_is_refused() {
    fields_refused(
        400,
        &[
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "transfer-encoding: CHUNKED\r\nCONTENT-LENGTH: 0\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5_0\r\n",
            "Content-Length: 5.0\r\n",
            "Content-Length:\r\n",
            "Content-Length: \x0b5\r\n",
            "Content-Length: 9223372036854775808\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Content-Length: 00000000000000000000000000005\r\n",
            "Content_Length: 5\r\n",
            "Transfer_Encoding: chunked\r\n",
            "Transfer-Encoding:\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunkedx\r\n",
            "Transfer-Encoding: chunked;q=1\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding: chunked,\r\n",
            "Transfer-Encoding: ,chunked\r\n",
            "Transfer-Encoding: \x0bchunked\r\n",
            "Transfer-Encoding: chunked\x00\r\n",
            "Transfer-Encoding: chu\r\n nked\r\n",
            "Transfer-Encoding\r\n : chunked\r\n",
            "Transfer-Encoding : chunked\r\n",
            " Transfer-Encoding: chunked\r\n",
            "X: y\r\n Transfer-Encoding: chunked\r\n",
            "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
            "Connection: close, content-length\r\nContent-Length: 5\r\n",
            "Connection: Host\r\n",
        ],
    );
    fields_refused(
        501,
        &[
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: deflate , chunked\r\n",
        ],
    );
    fields_refused(
        413,
        &[
            "Content-Length: 1000001\r\n",
            "Content-Length: 9223372036854775807\r\n",
        ],
    );
    refused(
        400,
        &[b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"],
    );
}

#[test]
fn odd_field_lines_are_refused() {
    fields_refused(
        400,
        &[
            "X : y\r\n",
            "X\t: y\r\n",
            "X\r\n",
            ": y\r\n",
            "X y: z\r\n",
            "X(: y\r\n",
            "X\u{e9}: y\r\n",
            "X\0: y\r\n",
            "X: y\0\r\n",
            "X: y\rz\r\n",
            "X: y\r\r\n",
            "X: y\nZ: a\r\n",
            "X: y\x7f\r\n",
            "X: \x01\r\n",
            "X: y\r\n folded\r\n",
            "X: y\r\n\tfolded\r\n",
            "\"X\": y\r\n",
            "Connection: a b\r\n",
        ],
    );
    refused(
        400,
        &[
            b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        ],
    );
    let high = with_fields("X: caf\u{e9}\t=\r\n");
    assert!(
        verdict(&high).is_ok(),
        "values may have bytes beyond ASCII and tabs"
    );
}

#[test]
fn odd_request_lines_are_refused() {
    let lines: &[(u16, &[u8])] = &[
        (400, b"GET  / HTTP/1.1"),
        (400, b"GET /  HTTP/1.1"),
        (400, b" GET / HTTP/1.1"),
        (400, b"GET / HTTP/1.1 "),
        (400, b"GET\t/ HTTP/1.1"),
        (400, b"GET / x HTTP/1.1"),
        (400, b"GE T /x HTTP/1.1"),
        (400, b"GET /"),
        (400, b"GET"),
        (400, b"GET / "),
        (400, b"G@T / HTTP/1.1"),
        (400, b"GET /\x00 HTTP/1.1"),
        (400, b"GET /\r HTTP/1.1"),
        (400, b"GET /\x7f HTTP/1.1"),
        (400, b"GET /\x01 HTTP/1.1"),
        (400, b"GET /\xc3\xa9 HTTP/1.1"),
        (400, b"GET /a#b HTTP/1.1"),
        (400, b"GET /<a> HTTP/1.1"),
        (400, b"GET /a\"b HTTP/1.1"),
        (400, b"GET /a`b HTTP/1.1"),
        (400, b"GET c HTTP/1.1"),
        (400, b"GET ?c HTTP/1.1"),
        (400, b"GET  HTTP/1.1"),
        (400, b"GET * HTTP/1.1"),
        (400, b"OPTIONS *x HTTP/1.1"),
        (400, b"GET ftp://a/ HTTP/1.1"),
        (400, b"GET http:/a/ HTTP/1.1"),
        (400, b"GET http:///x HTTP/1.1"),
        (400, b"GET http://user@a/ HTTP/1.1"),
        (400, b"GET http://a:b@a/ HTTP/1.1"),
        (400, b"GET http://b/ HTTP/1.1"),
        (400, b"GET http://a:81/ HTTP/1.1"),
        (400, b"GET http://a\\b/ HTTP/1.1"),
        (400, b"GET / http/1.1"),
        (400, b"GET / HTTP/1.1x"),
        (400, b"GET / HTTP/11"),
        (400, b"GET / HTTP/1,1"),
        (400, b"GET / HTTP/+1.1"),
        (400, b"GET / XTTP/1.1"),
        (405, b"CONNECT a:443 HTTP/1.1"),
        (405, b"CONNECT / HTTP/1.1"),
        (501, b"AAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1"),
        (505, b"GET / HTTP/1.2"),
        (505, b"GET / HTTP/2.0"),
        (505, b"GET / HTTP/0.9"),
        (505, b"PRI * HTTP/2.0"),
    ];
    for (status, line) in lines {
        let head = [line, &b"\r\nHost: a\r\n\r\n"[..]].concat();
        assert_eq!(
            verdict(&head).map(|_| ()),
            Err(*status),
            "{}",
            line.escape_ascii()
        );
    }
}

#[test]
fn targets_of_all_forms_are_read() {
    let cases: &[(&str, &str, Option<&str>)] = &[
        ("GET / HTTP/1.1", "/", None),
        ("GET //b/c HTTP/1.1", "//b/c", None),
        ("GET /%zz?a=b|c{d} HTTP/1.1", "/%zz?a=b|c{d}", None),
        ("OPTIONS * HTTP/1.1", "*", None),
        ("GET http://a/b?c HTTP/1.1", "/b?c", Some("a")),
        ("GET HTTPS://A HTTP/1.1", "", Some("A")),
        ("GET http://a?b HTTP/1.1", "?b", Some("a")),
        ("brew / HTTP/1.1", "/", None),
    ];
    for (line, path, authority) in cases {
        let bytes = format!("{line}\r\nHost: a\r\n\r\n");
        let head = verdict(bytes.as_bytes()).unwrap_or_else(|status| panic!("{line}: {status}"));
        assert_eq!(&bytes[head.path], *path, "{line}");
        assert_eq!(
            head.authority.map(|range| &bytes[range]),
            *authority,
            "{line}"
        );
    }
}

#[test]
fn host_is_there_once_and_plain() {
    refused(
        400,
        &[
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a:abc\r\n\r\n",
            b"GET / HTTP/1.0\r\nHost: a/b\r\n\r\n",
            b"GET http://a/ HTTP/1.1\r\n\r\n",
        ],
    );
    assert_eq!(verdict(b"GET / HTTP/1.0\r\n\r\n").unwrap().host, None);
}

#[test]
fn persistence_is_read() {
    let cases = [
        ("HTTP/1.1", "", true),
        ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive, close\r\n", false),
        ("HTTP/1.1", "Connection: x\r\nConnection: CLOSE\r\n", false),
        ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
    ];
    for (version, lines, keep_alive) in cases {
        let head = format!("GET / {version}\r\nHost: a\r\n{lines}\r\n");
        assert_eq!(
            verdict(head.as_bytes()).unwrap().keep_alive,
            keep_alive,
            "{head:?}"
        );
    }
}

#[test]
fn upgrade_needs_both_fields_and_no_body() {
    let cases = [
        ("Upgrade: websocket\r\nConnection: Upgrade\r\n", true),
        (
            "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n",
            true,
        ),
        ("Upgrade: websocket\r\n", false),
        ("Connection: upgrade\r\n", false),
        (
            "Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 3\r\n",
            false,
        ),
    ];
    for (lines, upgrade) in cases {
        assert_eq!(
            verdict(&with_fields(lines)).unwrap().upgrade,
            upgrade,
            "{lines:?}"
        );
    }
}

#[test]
fn expectations_other_than_100_continue_fail() {
    assert!(
        verdict(&with_fields(
            "Expect: 100-Continue\r\nContent-Length: 3\r\n"
        ))
        .unwrap()
        .expect_continue
    );
    assert!(
        !verdict(&with_fields("Expect: 100-continue\r\n"))
            .unwrap()
            .expect_continue
    );
    fields_refused(
        417,
        &[
            "Expect: 200-ok\r\n",
            "Expect:\r\n",
            "Expect: 100-continue, x\r\n",
        ],
    );
    fields_refused(
        400,
        &[
            "Expect: 100-continue\r\nExpect: 100-continue\r\n",
            "Expect:\r\n 100-continue\r\n",
        ],
    );
}

#[test]
fn bounds_hold() {
    refused(
        414,
        &[
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1024)).as_bytes(),
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(3000)).as_bytes(),
        ],
    );
    fields_refused(
        431,
        &[
            &format!("X: {}\r\n", "y".repeat(4096)),
            &"X: y\r\n".repeat(20),
        ],
    );
    assert!(verdict(&with_fields(&"X: y\r\n".repeat(19))).is_ok());
}

#[test]
fn scan_refuses_as_early_as_it_can() {
    let end = |bytes: &[u8]| {
        Scan::default()
            .end(bytes, &LIMITS.bounds())
            .map_err(|flaw| Refusal::from(flaw).status)
    };
    assert_eq!(end(&[0x16, 3, 1]), Err(400));
    assert_eq!(end(b"GET / HTTP/1.1\n"), Err(400));
    assert_eq!(
        end(format!("GET /{}", "a".repeat(2000)).as_bytes()),
        Err(414)
    );
    assert_eq!(
        end(format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(5000)).as_bytes()),
        Err(431)
    );
    assert_eq!(
        end(format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(30)).as_bytes()),
        Err(431)
    );
    assert_eq!(end(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), Ok(None));
}

/// Method, target and fields.
type Message = (String, String, Vec<(String, Vec<u8>)>);

/// What the engine makes of the same bytes.
fn engine(bytes: &[u8]) -> Result<Message, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut session = ServerSession::new_http1(Box::new(std::io::Cursor::new(bytes.to_vec())));
    session.set_keepalive(Some(0));
    match runtime.block_on(session.read_request()) {
        Ok(true) => {}
        other => return Err(format!("{other:?}")),
    }
    let request = session.req_header();
    let fields = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    Ok((
        request.method.to_string(),
        String::from_utf8_lossy(request.raw_path()).into_owned(),
        fields,
    ))
}

#[track_caller]
fn engine_agrees(bytes: &[u8]) {
    let Ok(head) = verdict(bytes) else { return };
    if head.authority.is_some() {
        return;
    }
    let (method, path, mut theirs) =
        engine(bytes).unwrap_or_else(|error| panic!("{}: {error}", bytes.escape_ascii()));
    assert_eq!(method.as_bytes(), &bytes[head.method.clone()]);
    assert_eq!(path.as_bytes(), &bytes[head.path.clone()]);
    let mut ours: Vec<_> = fields(&head, bytes)
        .map(|(name, value)| (String::from_utf8_lossy(name).to_lowercase(), value.to_vec()))
        .collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn engine_sees_the_same_message() {
    let heads: &[&[u8]] = &[
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:a\r\nX:\r\nY: \t\r\nZ: a \t b \t\r\n\r\n",
        b"GET //a/../b%2f{|}^\\[]~?{|}^\\[]~`?/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"brew!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a_b\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~: \xe9\xff\r\nContent-Length: 0005\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a.\r\ntransfer-encoding: Chunked\r\nConnection: keep-alive\r\n\r\n",
        b"GET /http://x/y?z=http://q HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\nX: 3\r\n\r\n",
    ];
    for head in heads {
        assert!(verdict(head).is_ok(), "{}", head.escape_ascii());
        engine_agrees(head);
    }
}

proptest! {
    #[test]
    fn engine_sees_the_same_message_whatever_passes(
        method in "[A-Za-z!#$%&'*+.^_`|~-]{1,8}",
        target in "/[!-~]{0,30}",
        name in "[!-~]{1,12}",
        value in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let head = [format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{name}: ").as_bytes(), &value, b"\r\n\r\n"].concat();
        engine_agrees(&head);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&bytes, &LIMITS));
    }

    #[test]
    fn scan_finds_the_same_end_however_bytes_come(cut in 0usize..50) {
        let head = b"GET /abc HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nGET /";
        let mut scan = Scan::default();
        let first = scan.end(&head[..cut.min(head.len())], &LIMITS.bounds()).unwrap();
        let end = first.or_else(|| scan.end(head, &LIMITS.bounds()).unwrap());
        prop_assert_eq!(end, Some(head.len() - 5));
    }
}
