//! Requests as nobody should send them, and as everybody does.

/// A request behind every odd one: what the odd one leaves over, or takes along, shows here.
const NEXT: &str = "GET /a?next HTTP/1.1\r\nHost: next.example\r\n\r\n";

const METHODS: &[&str] = &[
    "GET", "GET", "GET", "GET", "GET", "HEAD", "HEAD", "POST", "OPTIONS", "get", "PURGE", "G ET",
    "",
];
const TARGETS: &[&str] = &[
    "/a",
    "/a",
    "/a",
    "/b",
    "/b",
    "/large",
    "/weak",
    "/none",
    "/filters/x",
    "/filters/y?q=1",
    "/filters/z?a&b&c&d",
    "/compressed/a",
    "/keyed/a?b=2&a=1",
    "/keyed/a?a=1&b=2",
    "/demanding/a",
    "/u/7/x",
    "/limited",
    "/when",
    "/a?",
    "/a?x=y",
    "//a",
    "/./a",
    "/x/../a",
    "/%61",
    "/a%2fb",
    "/a%00",
    "/a;b",
    "/A",
    "/a#f",
    "/a b",
    "/a\\b",
    "/{a}",
    "/a|b",
    "/a^b",
    "/a`b",
    "/a?`",
    "/a?{}",
    "/a?%zz",
    "/a%",
    "/\u{e4}",
    "a",
    "*",
    "",
    "http://example.com/a",
    "HTTP://EXAMPLE.com/a",
    "http://example.com",
    "http://other.example/a",
    "ftp://example.com/a",
    "/a\t",
];
const VERSIONS: &[&str] = &[
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/1.2",
    "HTTP/2.0",
    "http/1.1",
    "HTTP/1.1 ",
    "HTTP/11",
    "",
];
const HOSTS: &[&str] = &[
    "Host: example.com\r\n",
    "Host: example.com\r\n",
    "Host: example.com\r\n",
    "host:example.com\r\n",
    "HOST:  example.com \r\n",
    "Host: example.com:80\r\n",
    "Host: EXAMPLE.com\r\n",
    "Host: example.com.\r\n",
    "Host: example.com:8080\r\n",
    "",
    "Host: example.com\r\nHost: example.com\r\n",
    "Host: a b\r\n",
    "Host:\r\n",
    "Host: [::1]\r\n",
    "Host: example.com/a\r\n",
    "Host: x@example.com\r\n",
    "Host: 127.0.0.1\r\n",
];
const FIELDS: &[&str] = &[
    "Accept: */*\r\n",
    "Accept-Encoding: gzip, br\r\n",
    "Accept-Encoding: identity;q=0\r\n",
    "Accept-Encoding:\r\n",
    "User-Agent: odd/1\r\n",
    "Cookie: a=b; currency=EUR\r\n",
    "Cookie: a=b\r\nCookie: currency=USD\r\n",
    "X-Key: 1\r\n",
    "x-key: 2\r\n",
    "X-Key: 1\r\nX-Key: 2\r\n",
    "X-Flag: 1\r\n",
    "X-Flag: 2\r\n",
    "X-Drop: 1\r\n",
    "X-In: 2\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: Keep-Alive, x-key\r\n",
    "Connection: upgrade\r\n",
    "Connection: close, keep-alive\r\n",
    "Connection: host\r\n",
    "Keep-Alive: timeout=5\r\n",
    "Proxy-Connection: close\r\n",
    "Range: bytes=0-3\r\n",
    "Range: bytes=-3\r\n",
    "Range: bytes=2-1\r\n",
    "Range: nonsense\r\n",
    "If-Range: \"1\"\r\n",
    "If-None-Match: \"1\"\r\n",
    "If-None-Match: W/\"1\"\r\n",
    "If-None-Match: \"2\", \"1\"\r\n",
    "If-None-Match: *\r\n",
    "If-None-Match: \"a, b\"\r\n",
    "If-None-Match: W/\"2\"\r\n",
    "If-None-Match: \"1\r\n",
    "If-None-Match:\r\n",
    "If-None-Match: \"1\"\r\nIf-None-Match: \"9\"\r\n",
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    "If-Modified-Since: nonsense\r\n",
    "If-Match: \"1\"\r\n",
    "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    "Cache-Control: no-cache\r\n",
    "Cache-Control: max-age=0\r\n",
    "Cache-Control: only-if-cached\r\n",
    "Pragma: no-cache\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 00\r\n",
    "Content-Length: +0\r\n",
    "Content-Length: 0\r\nContent-Length: 0\r\n",
    "Content-Length: 0, 0\r\n",
    "Content_Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: \r\n",
    "Transfer_Encoding: chunked\r\n",
    "TE: trailers\r\n",
    "Trailer: x\r\n",
    "Expect: 100-continue\r\n",
    "Expect: the worst\r\n",
    "Upgrade: websocket\r\n",
    "Upgrade: h2c\r\nConnection: upgrade, http2-settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "Authorization: Basic YTpi\r\n",
    "X-Forwarded-For: 192.0.2.9\r\n",
    "Forwarded: for=192.0.2.9\r\n",
    "X-Request-Id: forged\r\n",
    "Origin: https://app.example.com\r\n",
    "Origin: https://evil.example\r\n",
    "Access-Control-Request-Method: PUT\r\n",
    "Rimward-Kept-Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
    "X : y\r\n",
    " folded: x\r\n",
    "X: y\r\n z\r\n",
    "X\r\n",
    ": x\r\n",
    "X: \u{7f}\r\n",
    "X: a\0b\r\n",
    "X: a\rb\r\n",
    "X: y\n",
    "X: \u{e4}\r\n",
    "X@: y\r\n",
    "\"X\": y\r\n",
    "X:\r\n",
    "X:y\r\n",
    "X:\ty \t\r\n",
];

/// Forms that have been used to make two servers read two things, and the like.
pub(super) fn known() -> impl Iterator<Item = Vec<u8>> {
    const KNOWN: &[&str] = &[
        "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 44\r\n\r\nGET /none HTTP/1.1\r\nHost: smuggled.example\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX: y\r\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /a HTTP/1.1\nHost: x\n\n",
        "GET /a HTTP/1.1\r\nHost: x\r\n\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a\r\n",
        "GET /a HTTP/0.9\r\n\r\n",
        "GET http://a.example/a HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Content-Length\r\nContent-Length: 0\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /large HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x",
        "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    ];
    // Twice, so that what was a miss is a hit.
    let twice = KNOWN.iter().chain(KNOWN);
    twice.map(|request| format!("{request}{NEXT}").into_bytes())
}

/// So many requests, put together by chance, the same in every run.
pub(super) fn generated(count: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    (0..count).map(move |_| {
        let mut request = format!(
            "{} {} {}\r\n",
            dice.pick(METHODS),
            dice.pick(TARGETS),
            dice.pick(VERSIONS)
        );
        request.push_str(dice.pick(HOSTS));
        for _ in 0..dice.below(4) {
            request.push_str(dice.pick(FIELDS));
        }
        request.push_str("\r\n");
        request.push_str(NEXT);
        request.into_bytes()
    })
}

/// Numbers by chance (xorshift), without a crate for them.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % bound
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}
