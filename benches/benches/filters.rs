//! What each filter costs a request that it has something to do with and one that it has not, and what a pipeline costs.

use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use rimward_benches::objects::head;
use rimward_benches::steps::{exchange, filter, pipeline};
use rimward_filters::{Body, Exchange, Filter, Flow};
use rimward_geoip::{Databases, Kind, build};
use tokio::runtime::Builder;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a body that nobody looks at.
const BODY: usize = 1024;

/// `ann` with the password `secret`, at the lowest cost.
const USERS: &str = "ann:$2b$04$eWVCVF3Fqt6Ti6QfkcnnQOEvdq7WuyyD1fu5j5dQRVxOkPp7KiL2i\n";

const ANN: (&str, &str) = ("authorization", "Basic YW5uOnNlY3JldA==");

const API_KEYS: &str = r#"
    keys = { shop = "0123456789abcdef", app = "fedcba9876543210" }
    name_header = "x-client"
"#;
const KEY: (&str, &str) = ("x-api-key", "fedcba9876543210");

const JWT: &str = r#"
    keys = [{ secret = "0123456789abcdef0123456789abcdef" }]
    issuer = "https://id.example.com/"
    audience = "shop"
    require = [{ claim = "scope", contains = "read" }]
    headers = { x-user = "sub", x-roles = "realm_access.roles" }
    optional = true
"#;
const NO_TOKEN: (&str, &str) = ("authorization", "Bearer a.b.c");
/// Of `id.example.com`, until the year 2100.
const TOKEN: (&str, &str) = (
    "authorization",
    "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsInN1YiI6IjVmMGMxYTllLTZmMGItNGY4ZS05ZDZjLTJmMWYwZjZhN2IxMSIsImF1ZCI6WyJzaG9wIl0sImV4cCI6NDEwMjQ0NDgwMCwiaWF0IjoxODAwMDAwMDAwLCJqdGkiOiIwZThiNWE1Mi05YzUzLTRmMGMtOGEwZS03YzJmNGIwYzdhMTAiLCJzY29wZSI6Im9wZW5pZCBwcm9maWxlIGVtYWlsIHJlYWQgd3JpdGUiLCJyZWFsbV9hY2Nlc3MiOnsicm9sZXMiOlsiY3VzdG9tZXIiLCJlZGl0b3IiXX19.sCNMBwClyYYsQ7zHvy7hJdtwU1ap2ncEZiBh-dyAn8E",
);

const STAYS: &str = "from = \"a\"\nto = \"b\"\npercent = 0";
const MOVES: &str = "from = \"a\"\nto = \"b\"\npercent = 100\nsticky = \"path\"";
const MIRROR: &str = "origin = \"b\"\npercent = 0\nphase = \"request\"";

const LINKS: &str = r#"
    keys = { k1 = "0123456789abcdef0123456789abcdef" }
    any_host = true
"#;
/// Until the year 2100.
const LINK: &str = "GET /v/a.mp4?size=1&rw-expires=4102444800&rw-key=k1&rw-signature=GwLm94vgmbaSykkdCeDEG_O-JMmRFjfaryU66mbrK64";

const CORS: &str = r#"
    origins = ["https://app.example.com", "https://*.example.org"]
    credentials = true
"#;
const PAGE: (&str, &str) = ("origin", "https://shop.example.org");
const PREFLIGHT: (&str, &str) = ("access-control-request-method", "GET");

const GATE: &str = r#"
    origin = "auth"
    path = "/verify"
    to_origin = ["x-user"]
    cache = { key = [{ cookie = "session" }] }
"#;
const SESSION: (&str, &str) = ("cookie", "session=0123456789abcdef0123456789abcdef");
const BY_ITSELF: (&str, &str) = ("x-forward-auth", "forward_auth");

const HEADERS: &str = r#"
    request = { remove = ["x-internal-*"] }
    response = { set = { "x-route" = "{route}" } }
"#;
const INTERNAL: (&str, &str) = ("x-internal-a", "1");

const LIMITS: &str = r#"
    max_uri = "2KiB"
    max_query_params = 3
    methods = ["GET", "POST"]
"#;

const BY_NAME: &str = r#"
    allow = [{ subject = { CN = "bob" } }, { san = "dns:*.example.com" }]
    presets = ["rfc9440"]
    headers = { x-client = "subject" }
"#;
const OF_OTHERS: &str = "allow = [{ san = \"dns:*.example.org\" }]";
const GEO: &str = r#"
    override_cookie = "locale"
    rules = [
        { country = ["KP"], respond = { status = 451 } },
        { region = ["US-CA"], tor = false, request_headers = { "x-privacy" = "ccpa" } },
    ]
"#;
const GEO_COUNTRY: &str = "rules = [{ country = [\"KP\", \"RU\"], respond = { status = 451 } }]";
const GEO_ORIGIN: &str = "rules = [{ continent = [\"EU\"], origin = \"eu\" }]";
const GEO_NEAREST: &str =
    "nearest = [{ origin = \"fra\", at = [50.1, 8.7] }, { origin = \"nyc\", at = [40.7, -74.0] }]";
const GEO_REFUSE: &str = "rules = [{ country = [\"DE\"], respond = { status = 451 } }]";
const GEO_REDIRECT: &str = "rules = [{ country = [\"DE\"], redirect = { to = \"/de{path}\" } }]";

const BY_STORE: &str = "store = \"links\"";

const REWRITE: &str = r#"
    strip_prefix = "/shop"
    regex = { match = "^/item-([0-9]+)$", replace = "/items/$1" }
    query = { remove = ["utm_*"] }
"#;

const LITERALS: &str = r#"
    phase = "response"
    rules = [{ literal = "href", replace = "data-href" }, { literal = "shoes", replace = "boots" }]
"#;
const BOUNDED: &str = r#"
    phase = "response"
    rules = [{ regex = "item-([0-9]{1,6})", replace = "article-$1" }]
"#;
const UNBOUNDED: &str = r#"
    phase = "response"
    rules = [{ regex = "<a.*?>", replace = "" }]
"#;
const NOT_FOUND: &str = r#"
    phase = "response"
    rules = [{ literal = "http://old.example.com", replace = "" }]
"#;

const PAGES: &str = r#"pages = [{ status = ["4xx", "5xx"], file = "users" }]"#;
const NONCE: &str = r#"csp = "script-src 'nonce-{nonce}'""#;
const OF_JSON: &str = r#"
    phase = "response"
    content_types = ["application/json"]
    rules = [{ literal = "href", replace = "" }]
"#;
const OF_VARIANT: &str = r#"
    phase = "response"
    rules = [{ select = "p", when = { variant = "checkout=fast-lane" }, remove = true }]
"#;
const ANCHORS: &str = r#"
    phase = "response"
    rules = [{ select = "li > a[href^='/']", swap = { href = { from = "/items", to = "https://{host}/items" } } }]
"#;
const NO_ELEMENT: &str = r#"
    phase = "response"
    rules = [{ select = "head", append = "x" }]
"#;

/// What a page of 64 KiB repeats.
const ITEM: &str =
    "<li class=\"item\"><a href=\"/items/item-1234\">Fine shoes</a><script>let a = 1;</script>\n";
const AB: &str = r#"
    sticky = { header = "x-user" }
    variants = [
      { name = "control", weight = 90 },
      { name = "fast-lane", weight = 10, vary = true, set = { request_header = { x-variant = "fast-lane" } } },
    ]
    exclude_bots = false
"#;
const CHROME: (&str, &str) = (
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
);
const USER: (&str, &str) = ("x-user", "e8c5b1f6a0d94f2cb7d3");
const BY_COOKIE: &str = r#"
    sticky = { cookie = "exp" }
    header = "x-experiment"
    variants = [{ name = "control", weight = 90 }, { name = "fast-lane", weight = 10, path_prefix = "/b" }]
"#;
const COOKIE: (&str, &str) = ("cookie", "exp=d3b07384d113edec49eaa6238ad5ff00");

const DEVICE: &str = r#"
    header = "x-device"
    preset = "cloudfront"
"#;
const LANGUAGE: &str = r#"
    languages = ["en", "de", "fr", "pt-BR", "zh-Hant"]
    header = "accept-language"
"#;
const GERMAN: (&str, &str) = ("accept-language", "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7");
const QUERY: &str = r#"
    presets = ["tracking"]
    sort = true
    duplicates = "last"
"#;
const COOKIES: &str = "drop = [\"_ga*\", \"_fbp\"]";
const TRACKED: (&str, &str) = (
    "cookie",
    "_ga=GA1.1.1; session=0123456789abcdef; _fbp=fb.1.2",
);
const UNTRACKED: (&str, &str) = ("cookie", "session=0123456789abcdef; cart=7");
const OPEN: &str = "until = 2001-01-01T00:00:00Z\nallow = [\"192.0.2.0/24\"]";
const CLOSED: &str = "on = true\nbody = \"back soon\"";
const SIGNED_IN: &str = r#"
    issuer = "https://id.example.com"
    client_id = "shop"
    cookie_secret_file = "cookies"
    public = ["/assets/*"]
    headers = { x-user = "sub" }
"#;
const ROOM: &str = "sessions = 1000000\nexcept_paths = [\"/assets/*\"]";

/// A request to a filter.
struct Case {
    filter: &'static str,
    what: &'static str,
    settings: &'static str,
    request: &'static str,
    fields: Fields,
}

type Fields = &'static [(&'static str, &'static str)];

const FAST: &str = "rate = \"1000000/s\"";
const SLOW: &str = "rate = \"1/d\"";
const DENY: &str = "deny = [\"203.0.113.0/24\", \"2001:db8::/32\"]";
const OTHERS: &str = "deny = [\"198.51.100.0/24\", \"2001:db8::/32\"]";
const BACK_SOON: &str = "status = 503\ntemplate = \"{host} is being mended\"";
const NOT_US: &str = "status = 503\nbody = \"back soon\"\nexcept = [\"203.0.113.0/24\"]";
const IMAGE: &str = "query = true\nwidths = [320, 640]\ndefaults = { quality = 80 }";
const TO: &str = "to = \"https://shop.example.com{path}\"";

/// Requests that a filter lets pass.
const PASSING: &[Case] = &[
    case("api_key", "known", API_KEYS, "GET /", &[KEY]),
    case("ab", "without a key", AB, "GET /", &[]),
    case("ab", "with a variant", AB, "GET /", &[USER]),
    case(
        "ab",
        "by cookie, no bot",
        BY_COOKIE,
        "GET /",
        &[CHROME, COOKIE],
    ),
    case("basic_auth", "known", "users = \"users\"", "GET /", &[ANN]),
    case("cors", "no preflight", CORS, "GET /", &[PAGE]),
    case("cookies", "one to drop", COOKIES, "GET /", &[TRACKED]),
    case("cookies", "none to drop", COOKIES, "GET /", &[UNTRACKED]),
    case("device", "a desktop", DEVICE, "GET /", &[CHROME]),
    case("language", "by header", LANGUAGE, "GET /", &[GERMAN]),
    case("language", "none wanted", LANGUAGE, "GET /", &[]),
    case("maintenance", "open", OPEN, "GET /", &[]),
    case(
        "query",
        "tracked",
        QUERY,
        "GET /?utm_source=x&page=2&b=3",
        &[],
    ),
    case("query", "as it was", QUERY, "GET /?b=3&page=2&size=xl", &[]),
    case("forward_auth", "decided before", GATE, "GET /", &[SESSION]),
    case(
        "headers",
        "a field to remove",
        HEADERS,
        "GET /",
        &[INTERNAL],
    ),
    case("headers", "none", HEADERS, "GET /", &[]),
    case("geo", "a country of no rule", GEO_COUNTRY, "GET /", &[]),
    case("geo", "a place of no rule", GEO, "GET /", &[]),
    case("geo", "another origin", GEO_ORIGIN, "GET /", &[]),
    case("geo", "the nearest origin", GEO_NEAREST, "GET /", &[]),
    case(
        "geo_headers",
        "twelve set",
        "presets = [\"cloudfront\"]",
        "GET /",
        &[],
    ),
    case(
        "geo_headers",
        "one set",
        "headers = { x-city = \"city\" }",
        "GET /",
        &[],
    ),
    case("image", "no picture", IMAGE, "GET /a.html", &[]),
    case(
        "image",
        "in the path",
        IMAGE,
        "GET /cdn-cgi/image/width=400,format=auto/a.jpg",
        &[("accept", "image/avif,image/webp,*/*;q=0.8")],
    ),
    case("ip_access", "let in", OTHERS, "GET /", &[]),
    case("mtls", "allowed and told", BY_NAME, "GET /", &[]),
    case("mtls", "allowed", "", "GET /", &[]),
    case("esi", "noted", "", "GET /", &[]),
    case("jwt", "known", JWT, "GET /", &[TOKEN]),
    case("jwt", "no token", JWT, "GET /", &[]),
    case("migrate", "stays", STAYS, "GET /", &[]),
    case("migrate", "moves by its path", MOVES, "GET /a", &[]),
    case("mirror", "not copied", MIRROR, "GET /", &[]),
    case("oidc", "public path", SIGNED_IN, "GET /assets/a.css", &[]),
    case("rate_limit", "let through", FAST, "GET /", &[]),
    case("redirects", "no entry", BY_STORE, "GET /shoes/red", &[]),
    case(
        "request_limits",
        "let through",
        LIMITS,
        "GET /?a=1&b=2",
        &[],
    ),
    case("respond", "let through", NOT_US, "GET /", &[]),
    case(
        "rewrite",
        "rewritten",
        REWRITE,
        "GET /shop/item-7?utm_a=x&page=2",
        &[],
    ),
    case("rewrite", "as it was", REWRITE, "GET /about?page=2", &[]),
    case("signed_url", "signed", LINKS, LINK, &[]),
    case("waiting_room", "excepted", ROOM, "GET /assets/a.css", &[]),
    case("waiting_room", "let in", ROOM, "GET /", &[]),
];

/// Requests that a filter answers.
const ANSWERED: &[Case] = &[
    case("api_key", "asked", API_KEYS, "GET /", &[]),
    case("basic_auth", "asked", "users = \"users\"", "GET /", &[]),
    case("cors", "preflight", CORS, "OPTIONS /", &[PAGE, PREFLIGHT]),
    case("geo", "refused", GEO_REFUSE, "GET /", &[]),
    case("geo", "redirected", GEO_REDIRECT, "GET /shoes", &[]),
    case("ip_access", "denied", DENY, "GET /", &[]),
    case("mtls", "not allowed", OF_OTHERS, "GET /", &[]),
    case("jwt", "no token of ours", JWT, "GET /", &[NO_TOKEN]),
    case("maintenance", "closed", CLOSED, "GET /", &[]),
    case(
        "forward_auth",
        "asked by itself",
        GATE,
        "GET /",
        &[BY_ITSELF],
    ),
    case("ip_access", "denied", DENY, "GET /", &[]),
    case("oidc", "not signed in", SIGNED_IN, "POST /", &[]),
    case("rate_limit", "refused", SLOW, "GET /", &[]),
    case("redirect", "redirected", TO, "GET /shoes?page=2", &[]),
    case(
        "redirects",
        "redirected",
        BY_STORE,
        "GET /shoes?page=2",
        &[],
    ),
    case(
        "request_limits",
        "refused",
        LIMITS,
        "GET /?a=1&b=2&c=3&d=4",
        &[],
    ),
    case("respond", "answered", BACK_SOON, "GET /", &[]),
    case(
        "signed_url",
        "not signed",
        LINKS,
        "GET /v/a.mp4?size=1",
        &[],
    ),
];

/// The response phase, of filters that have one.
const RESPONSES: &[Case] = &[
    case("body_replace", "of another type", OF_JSON, "GET /", &[]),
    case("ab", "told", BY_COOKIE, "GET /", &[CHROME, COOKIE]),
    case("cors", "of an allowed page", CORS, "GET /", &[PAGE]),
    case("cors", "of no page", CORS, "GET /", &[]),
    case("error_pages", "of no error", PAGES, "GET /", &[]),
    case("headers", "one set", HEADERS, "GET /", &[]),
    case("html", "of another variant", OF_VARIANT, "GET /", &[]),
    case(
        "security_headers",
        "of the preset",
        "preset = \"strict\"",
        "GET /",
        &[],
    ),
    case("language", "told", LANGUAGE, "GET /", &[GERMAN]),
    case("rate_limit", "told", FAST, "GET /", &[]),
];

/// Bodies of 64 KiB, in pieces of 16.
const BODIES: &[Case] = &[
    case("body_replace", "literals", LITERALS, "GET /", &[]),
    case("body_replace", "a bounded regex", BOUNDED, "GET /", &[]),
    case(
        "body_replace",
        "an unbounded regex",
        UNBOUNDED,
        "GET /",
        &[],
    ),
    case("body_replace", "nothing found", NOT_FOUND, "GET /", &[]),
    case("html", "each link", ANCHORS, "GET /", &[]),
    case("html", "no element", NO_ELEMENT, "GET /", &[]),
    case("security_headers", "nonces", NONCE, "GET /", &[]),
];

const fn case(
    filter: &'static str,
    what: &'static str,
    settings: &'static str,
    request: &'static str,
    fields: Fields,
) -> Case {
    Case {
        filter,
        what,
        settings,
        request,
        fields,
    }
}

impl Case {
    fn exchange(&self) -> Exchange {
        let (method, target) = self.request.split_once(' ').expect("two words");
        let mut exchange = exchange(method, target, self.fields);
        if self.filter.starts_with("geo") {
            exchange.client.geoip = Some(located().clone());
        }
        exchange
    }
}

/// A database that has the client in Berlin.
fn located() -> &'static Arc<Databases> {
    static LOCATED: OnceLock<Arc<Databases>> = OnceLock::new();
    LOCATED.get_or_init(|| {
        let city = build::city("DE", ("BE", "Land Berlin"), "Berlin", (52.5, 13.4));
        let bytes = build::file("Bench-City", [("203.0.113.0/24", city)]);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("room for a database");
        let opened = Databases::open([(Kind::Places, file.path())], None);
        let opened = opened.unwrap_or_else(|errors| panic!("{errors:?}"));
        Arc::new(opened.databases)
    })
}

/// Runs a request to its end once, as the first of a client is.
async fn first(filter: &dyn Filter, exchange: &mut Exchange) {
    if let Ok(Flow::Later) = filter.request(exchange) {
        drop(filter.request_later(exchange).await);
    }
}

fn requests(criterion: &mut Criterion, folder: &Path) {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let passing = PASSING.iter().map(|case| (case, true));
    let answered = ANSWERED.iter().map(|case| (case, false));
    for (case, passes) in passing.chain(answered) {
        let filter = filter(case.filter, case.settings, folder);
        runtime.block_on(first(&*filter, &mut case.exchange()));
        let flow = filter.request(&mut case.exchange()).expect("a flow");
        assert_eq!(matches!(flow, Flow::Continue), passes, "{}", case.filter);
        criterion.bench_function(&format!("{}, {}", case.filter, case.what), |bench| {
            bench.iter_batched_ref(
                || case.exchange(),
                |exchange| filter.request(exchange),
                BatchSize::SmallInput,
            );
        });
    }
}

fn responses(criterion: &mut Criterion, folder: &Path) {
    for case in RESPONSES {
        let filter = filter(case.filter, case.settings, folder);
        let title = format!("{}, response {}", case.filter, case.what);
        criterion.bench_function(&title, |bench| {
            let prepare = || {
                let mut exchange = case.exchange();
                drop(filter.request(&mut exchange));
                (exchange, head(BODY))
            };
            bench.iter_batched_ref(
                prepare,
                |(exchange, head)| filter.response(exchange, head).is_ok(),
                BatchSize::SmallInput,
            );
        });
    }
}

/// What it costs to rewrite a page.
fn bodies(criterion: &mut Criterion, folder: &Path) {
    let page = Bytes::from(ITEM.repeat((64 << 10) / ITEM.len()));
    let mut group = criterion.benchmark_group("bodies");
    group.throughput(Throughput::Bytes(page.len() as u64));
    for case in BODIES {
        let filter = filter(case.filter, case.settings, folder);
        group.bench_function(format!("{}, {}", case.filter, case.what), |bench| {
            let prepare = || {
                let mut head = head(page.len());
                drop(head.insert_header("content-type", "text/html; charset=utf-8"));
                (case.exchange(), head)
            };
            bench.iter_batched_ref(
                prepare,
                |(exchange, head)| match filter.response(exchange, head) {
                    Ok(Body::Rewritten(mut rewriter)) => {
                        let mut length = 0;
                        for piece in page.chunks(16 << 10) {
                            let passed = rewriter.chunk(page.slice_ref(piece));
                            length += passed.expect("a piece").len();
                        }
                        length + rewriter.end().expect("an end").len()
                    }
                    _ => panic!("{} does not rewrite", case.filter),
                },
                BatchSize::SmallInput,
            );
        });
    }
}

/// Filters that change headers. The engine awaits the request phase, the lane tries it.
fn pipelines(criterion: &mut Criterion) {
    for length in [0, 1, 5, 20] {
        let pipeline = pipeline(length);
        let fresh = || (exchange("GET", "/", &[]), head(BODY));
        let mut group = criterion.benchmark_group(format!("pipeline of {length}"));
        group.bench_function("request", |bench| {
            bench.iter_batched_ref(
                fresh,
                |(exchange, _)| at_once(pipeline.request(exchange)).1,
                BatchSize::SmallInput,
            );
        });
        group.bench_function("begin_request", |bench| {
            bench.iter_batched_ref(
                fresh,
                |(exchange, _)| pipeline.begin_request(exchange),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("response", |bench| {
            bench.iter_batched_ref(
                fresh,
                |(exchange, head)| pipeline.response_at_once(length, exchange, head).is_ok(),
                BatchSize::SmallInput,
            );
        });
    }
}

/// What comes of something that never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Runs the benches.
fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("users"), USERS).expect("room for a user");
    std::fs::write(
        folder.path().join("cookies"),
        "0123456789abcdef0123456789abcdef",
    )
    .expect("room for a secret");
    requests(&mut criterion, folder.path());
    responses(&mut criterion, folder.path());
    bodies(&mut criterion, folder.path());
    pipelines(&mut criterion);
    criterion.final_summary();
}
