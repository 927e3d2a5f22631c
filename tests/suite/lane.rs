//! The fast lane is a strict subset of the engine's road: whatever is sent, nobody can tell by the answer which one it took.

mod odd;
mod transcript;

use std::net::SocketAddr;

use rimward_tests::{Client, Edge, Origin, Response, hit, miss, secs, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use transcript::transcript;

/// Routes with and without filters, compression and rules for the key.
const SITES: &str = r#"
    [pop]
    fast_lane = {lane}
    trusted_proxies = ["192.0.2.0/24"]

    [origin.app]
    servers = ["{origin}"]

    [[site]]
    hosts = ["*"]
    origin = "app"
    route = [
        { path = "/*" },
        { path = "/filters/*", filters = [
            { use = "ip_access", deny = ["192.0.2.1"] },
            { use = "rewrite", path = "/a" },
            { use = "headers", request = { set = { "x-in" = "1" }, remove = ["x-drop"] }, response = { set = { "x-out" = "{header.x-in}", "x-path" = "{path}" }, append = { vary = "x-in" }, remove = ["server"] } },
            { use = "cors", origins = ["https://app.example.com"] },
            { use = "request_limits", max_query_params = 3 },
        ] },
        { path = "/compressed/*", compress = { min_size = "10B" } },
        { path = "/keyed/*", cache = { key = { query = "sorted", header = ["x-key"], cookie = ["currency"] } } },
        { path = "/demanding/*", cache = { request_directives = true } },
        { path = "/u/{id}/x", filters = [{ use = "headers", response = { set = { "x-id" = "{param.id}" } } }] },
        { path = "/limited", filters = [{ use = "rate_limit", rate = "1000000/s" }] },
        { path = "/when", header = { "x-flag" = "1" }, filters = [{ use = "respond", body = "flagged" }] },
    ]
"#;

/// An edge with the lane and one without, each with its own cache in front of one origin.
struct Both {
    lane: Edge,
    engine: Edge,
}

impl Both {
    async fn start(origin: &Origin) -> Self {
        let text = |lane: &str| {
            let text = SITES.replace("{lane}", lane);
            text.replace("{origin}", &origin.address().to_string())
        };
        Self {
            lane: Edge::start(&text("true")).await,
            engine: Edge::start(&text("false")).await,
        }
    }

    /// Sends the same bytes to both and compares all that comes back.
    async fn agree_on(&self, bytes: &[u8]) {
        let lane = said(self.lane.address(), bytes).await;
        let engine = said(self.engine.address(), bytes).await;
        let (lane, engine) = (transcript(&lane), transcript(&engine));
        assert_eq!(lane, engine, "{}", String::from_utf8_lossy(bytes));
    }
}

/// Everything that a server says to these bytes on a connection of their own, whose sending side is closed behind them.
async fn said(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut said = Vec::new();
    // What a server does not want to read may fail to be sent.
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    let read = within("the end of the conversation", stream.read_to_end(&mut said));
    read.await.ok();
    said
}

/// What stands behind the sites' routes.
async fn origin() -> Origin {
    let origin = Origin::start().await;
    let kinds: [(&str, &str); 8] = [
        (
            "/a",
            "etag: \"1\"\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\nserver: origin\ncache-control: max-age=600\ncontent-type: text/plain\ncdn-cache-control: max-age=900",
        ),
        (
            "/b",
            "cache-control: max-age=600\nvary: x-key\netag: W/\"2\"",
        ),
        (
            "/weak",
            "cache-control: max-age=600\netag: \"a, b\"\ncache-status: shield; hit",
        ),
        ("/none", "cache-control: no-store"),
        ("/keyed/a", "cache-control: max-age=600\netag: \"k\""),
        ("/demanding/a", "cache-control: max-age=600"),
        (
            "/compressed/a",
            "cache-control: max-age=600\ncontent-type: text/html\netag: \"c\"",
        ),
        ("/u/7/x", "cache-control: max-age=600"),
    ];
    for (target, head) in kinds {
        origin.always(target, head, format!("the body of {target}"));
    }
    origin.always("*", "404\ncache-control: max-age=600", "nothing here");
    let large = "large ".repeat(4000);
    origin.always(
        "/large",
        "cache-control: max-age=600\netag: \"large\"",
        large,
    );
    origin
}

#[tokio::test]
async fn nobody_can_tell_which_road_an_answer_took() {
    let origin = origin().await;
    let both = Both::start(&origin).await;
    for request in odd::known() {
        both.agree_on(&request).await;
    }
    for request in odd::generated(5000) {
        both.agree_on(&request).await;
    }
    let overtaken = both.lane.metric("rimward_fast_lane_total");
    assert!(overtaken > 500.0, "only {overtaken} requests took the lane");
    assert_eq!(both.engine.metric("rimward_fast_lane_total"), 0.0);
}

#[tokio::test]
async fn nobody_can_tell_over_http2_either() {
    let origin = origin().await;
    let both = Both::start(&origin).await;
    let (mut lane, mut engine) = (both.lane.h2().await, both.engine.h2().await);
    let targets = [
        "/a",
        "/b",
        "/large",
        "/weak",
        "/none",
        "/filters/x",
        "/filters/z?a&b&c&d",
        "/compressed/a",
        "/keyed/a?b=2&a=1",
        "/demanding/a",
        "/u/7/x",
        "/limited",
        "/when",
        "/a?",
        "//a",
        "/x/../a",
        "/%61",
        "/a%2fb",
    ];
    let fields = [
        "",
        "if-none-match: \"1\"",
        "if-none-match: \"2\", \"1\"",
        "if-none-match: *",
        "range: bytes=0-3",
        "x-key: 1",
        "accept-encoding: gzip",
        "accept-encoding: br, identity;q=0",
        "cookie: a=b\ncookie: currency=EUR",
        "x-flag: 1",
        "cache-control: no-cache",
        "te: trailers",
        "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT",
        "content-length: 0",
        "origin: https://app.example.com",
    ];
    for method in ["GET", "GET", "HEAD", "POST"] {
        for target in targets {
            for fields in fields {
                let request = format!("{method} {target}\n{fields}");
                let told = |response: Response| {
                    let mut fields: Vec<String> = response
                        .headers
                        .0
                        .iter()
                        .map(|(name, value)| transcript::field(&format!("{name}: {value}")))
                        .collect();
                    fields.sort_unstable();
                    (
                        response.status,
                        fields,
                        transcript::page(&String::from_utf8_lossy(&response.body)),
                    )
                };
                let lane = told(lane.request(request.trim_end()).await);
                assert_eq!(
                    lane,
                    told(engine.request(request.trim_end()).await),
                    "{request}"
                );
            }
        }
    }
    let overtaken = both.lane.metric("rimward_fast_lane_total");
    assert!(overtaken > 200.0, "only {overtaken} requests took the lane");
}

#[tokio::test]
async fn both_roads_count_and_log_alike() {
    let origin = origin().await;
    let both = Both::start(&origin).await;
    for edge in [&both.lane, &both.engine] {
        for target in [
            "/a",
            "/a",
            "/a",
            "/large",
            "/large",
            "/filters/x",
            "/filters/x",
        ] {
            edge.get(target).await;
        }
        edge.request("HEAD /a").await;
        edge.request("GET /a\nif-none-match: \"1\"").await;
    }
    for metric in [
        "rimward_requests_total{cache=\"hit\"}",
        "rimward_requests_total{cache=\"miss\"}",
        "rimward_responses_total{status=\"2xx\"}",
        "rimward_responses_total{status=\"3xx\"}",
        "rimward_request_duration_seconds_count",
        "rimward_sent_bytes_total",
        "rimward_filter_runs_total",
        "rimward_cache_hits_total",
        "rimward_cache_misses_total",
        "rimward_requests_in_flight",
    ] {
        let (lane, engine) = (both.lane.metric(metric), both.engine.metric(metric));
        assert_eq!(lane, engine, "{metric}");
    }
    assert!(both.lane.metric("rimward_fast_lane_total") >= 6.0);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_whatever_road_they_take() {
    let origin = origin().await;
    let both = Both::start(&origin).await;
    for target in ["/a", "/b", "/large"] {
        both.lane.get(target).await;
    }
    let mut client = both.lane.client().await;
    let targets = ["/a", "/none", "/large", "/b", "/limited", "/large", "/a"];
    let ask = |target: &&str| format!("GET {target} HTTP/1.1\r\nhost: example.com\r\n\r\n");
    client
        .send(targets.iter().map(ask).collect::<String>())
        .await;
    for target in targets {
        let response = client.read("GET").await.unwrap();
        let expected = match target {
            "/large" => "large ".repeat(4000),
            "/limited" => continue,
            other => format!("the body of {other}"),
        };
        assert_eq!(response.text(), expected);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_else() {
    let origin = Origin::start().await;
    let body = vec![b'x'; 16 << 20];
    origin.always("/huge", "cache-control: max-age=600", &body);
    let edge = Edge::start(&format!(
        "[pop]\nfast_lane = true\n[origin.app]\nservers = [\"{}\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"",
        origin.address()
    ))
    .await;
    edge.get("/huge").await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut client = edge.client().await;
        client
            .send("GET /huge HTTP/1.1\r\nhost: example.com\r\n\r\n")
            .await;
        idle.push(client);
    }
    edge.metric_reaches("rimward_requests_in_flight", 8.0).await;
    assert_eq!(edge.get("/huge").await.body.len(), body.len());
    let mut slow = idle.pop().unwrap();
    assert_eq!(slow.read("GET").await.unwrap().body, body);
    drop(idle);
    let gone = async {
        while edge.metric("rimward_requests_in_flight") > 0.0 {
            tokio::task::yield_now().await;
        }
    };
    within("those that left to be noticed", gone).await;
}

#[tokio::test]
async fn the_lane_ends_connections_when_the_engine_would() {
    let origin = origin().await;
    let text = |lane: bool| {
        format!(
            "[pop]\nfast_lane = {lane}\n[[listen]]\naddress = \"127.0.0.1:0\"\nlimits = {{ max_requests_per_connection = 3 }}\n\
             [origin.app]\nservers = [\"{}\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"",
            origin.address()
        )
    };
    for lane in [true, false] {
        let edge = Edge::start(&text(lane)).await;
        edge.get("/a").await;
        let mut client: Client = edge.client().await;
        let mut told = Vec::new();
        for _ in 0..3 {
            let response = client.request("GET /a").await;
            told.push(response.header("connection").unwrap_or("").to_owned());
        }
        assert_eq!(told, ["keep-alive", "keep-alive", "close"], "lane: {lane}");
        assert!(client.rest().await.is_empty());
    }
}

#[tokio::test]
async fn what_is_purged_stale_or_changed_by_a_reload_is_not_answered_in_the_lane() {
    let origin = Origin::start().await;
    origin.always("/a", "cache-control: max-age=60", "v1");
    let text = |word: &str| {
        format!(
            "[pop]\nfast_lane = true\n[origin.app]\nservers = [\"{}\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n{word}",
            origin.address()
        )
    };
    let edge = Edge::start(&text("")).await;
    assert_eq!(edge.get("/a").await, miss("v1"));
    assert_eq!(edge.get("/a").await, hit("v1"));
    origin.always("/a", "cache-control: max-age=60", "v2");
    edge.purge("http://example.com/a", false);
    assert_eq!(edge.get("/a").await, miss("v2"));
    assert_eq!(edge.get("/a").await, hit("v2"));
    edge.pass_time(secs(61));
    origin.always("/a", "cache-control: max-age=60", "v3");
    assert_eq!(edge.get("/a").await, miss("v3"));
    assert_eq!(edge.metric("rimward_fast_lane_total"), 2.0);
    let refuse = "filters = [{ use = \"respond\", status = 403 }]";
    edge.reload(&text(refuse)).await.unwrap();
    assert_eq!(edge.get("/a").await.status, 403);
}

#[tokio::test]
async fn a_request_counts_once_against_its_rate_whatever_road_it_takes() {
    let origin = origin().await;
    let text = format!(
        "[pop]\nfast_lane = true\n[origin.app]\nservers = [\"{}\"]\n[[site]]\nhosts = [\"*\"]\norigin = \"app\"\n\
         filters = [{{ use = \"rate_limit\", rate = \"4/h\", max_keys = {{keys}} }}]",
        origin.address()
    );
    // Limits that differ do not share what they count.
    for (http2, keys) in [(false, "1001"), (true, "1002")] {
        let edge = Edge::start(&text.replace("{keys}", keys)).await;
        let mut h1 = edge.client().await;
        let mut h2 = edge.h2().await;
        let mut statuses = Vec::new();
        for target in ["/a", "/a", "/none", "/a", "/a"] {
            let response = match http2 {
                true => h2.get(target).await,
                false => h1.request(&format!("GET {target}")).await,
            };
            statuses.push(response.status);
        }
        assert_eq!(statuses, [200, 200, 200, 200, 429], "http2: {http2}");
        // Two hits, and the refusal.
        assert_eq!(edge.metric("rimward_fast_lane_total"), 3.0);
        assert_eq!(
            edge.metric("rimward_filter_runs_total{phase=\"request\"}"),
            5.0
        );
    }
}
