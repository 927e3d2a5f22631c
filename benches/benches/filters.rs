//! What each filter costs a request that it has something to do with and one that it has not, and what a pipeline costs.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::{BatchSize, Criterion};
use rimward_benches::objects::head;
use rimward_benches::steps::{exchange, filter, pipeline};
use rimward_filters::{Exchange, Filter, Flow};
use tokio::runtime::Builder;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of a body that nobody looks at.
const BODY: usize = 1024;

/// `ann` with the password `secret`, at the lowest cost.
const USERS: &str = "ann:$2b$04$eWVCVF3Fqt6Ti6QfkcnnQOEvdq7WuyyD1fu5j5dQRVxOkPp7KiL2i\n";

const ANN: (&str, &str) = ("authorization", "Basic YW5uOnNlY3JldA==");

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

const REWRITE: &str = r#"
    strip_prefix = "/shop"
    regex = { match = "^/item-([0-9]+)$", replace = "/items/$1" }
    query = { remove = ["utm_*"] }
"#;

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
const TO: &str = "to = \"https://shop.example.com{path}\"";

/// Requests that a filter lets pass.
const PASSING: &[Case] = &[
    case("basic_auth", "known", "users = \"users\"", "GET /", &[ANN]),
    case("cors", "no preflight", CORS, "GET /", &[PAGE]),
    case("forward_auth", "decided before", GATE, "GET /", &[SESSION]),
    case(
        "headers",
        "a field to remove",
        HEADERS,
        "GET /",
        &[INTERNAL],
    ),
    case("headers", "none", HEADERS, "GET /", &[]),
    case("ip_access", "let in", OTHERS, "GET /", &[]),
    case("oidc", "public path", SIGNED_IN, "GET /assets/a.css", &[]),
    case("rate_limit", "let through", FAST, "GET /", &[]),
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
    case("waiting_room", "excepted", ROOM, "GET /assets/a.css", &[]),
    case("waiting_room", "let in", ROOM, "GET /", &[]),
];

/// Requests that a filter answers.
const ANSWERED: &[Case] = &[
    case("basic_auth", "asked", "users = \"users\"", "GET /", &[]),
    case("cors", "preflight", CORS, "OPTIONS /", &[PAGE, PREFLIGHT]),
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
        "request_limits",
        "refused",
        LIMITS,
        "GET /?a=1&b=2&c=3&d=4",
        &[],
    ),
    case("respond", "answered", BACK_SOON, "GET /", &[]),
];

/// The response phase, of filters that have one.
const RESPONSES: &[Case] = &[
    case("cors", "of an allowed page", CORS, "GET /", &[PAGE]),
    case("cors", "of no page", CORS, "GET /", &[]),
    case("headers", "one set", HEADERS, "GET /", &[]),
    case("rate_limit", "told", FAST, "GET /", &[]),
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
        exchange(method, target, self.fields)
    }
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
        group.bench_function("try_request", |bench| {
            bench.iter_batched_ref(
                fresh,
                |(exchange, _)| pipeline.try_request(exchange),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("response", |bench| {
            bench.iter_batched_ref(
                fresh,
                |(exchange, head)| pipeline.response(length, exchange, head).is_ok(),
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
    pipelines(&mut criterion);
    criterion.final_summary();
}
