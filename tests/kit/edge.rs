//! An edge in the test's own process, with its own cache and a clock that the test sets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rimward::admin::Order;
use rimward_cache::Clock;
use rimward_config::{Config, Problems};
use rimward_filters::FilterKind;

use crate::client::{Broken, Client, H2Client, Response};
use crate::expect::Expected;
use crate::files::{Files, fill};
use crate::origin::Origin;
use crate::patience::within;
use crate::scripted::Scripted;
use crate::uploads::{Inner, Uploads};

/// One site for every host, with `{origin}` behind it and `{words}` of its own.
const SITE: &str = r#"
    [origin.app]
    servers = ["{origin}"]

    [[site]]
    hosts = ["*"]
    origin = "app"
    {words}
"#;

/// An edge that serves on a port of its own until it is dropped.
pub struct Edge {
    edge: Arc<rimward::Edge>,
    clock: Clock,
    files: Arc<Files>,
}

impl Edge {
    /// An edge with this configuration. A listener on a free port is added when it names none.
    pub async fn start(text: &str) -> Self {
        Self::start_in(Arc::new(Files::new()), text).await
    }

    /// The same, with a folder that relative paths in the configuration start from.
    pub async fn start_in(files: Arc<Files>, text: &str) -> Self {
        Self::try_start_in(files, text)
            .await
            .unwrap_or_else(|problems| panic!("the edge did not start:\n{problems}"))
    }

    /// The same where it may not start.
    pub async fn try_start_in(files: Arc<Files>, text: &str) -> Result<Self, Problems> {
        let config = parse(&files, text)?;
        let clock = Clock::new();
        let options = rimward::Options {
            clock: clock.clone(),
            filters: Arc::new([
                FilterKind::of::<Inner>(),
                FilterKind::of::<Scripted>(),
                FilterKind::of::<Uploads>(),
            ]),
        };
        let edge = rimward::Edge::start(config, options).await?;
        Ok(Self { edge, clock, files })
    }

    /// An edge with one site for every host in front of `origin`.
    pub async fn site(origin: &Origin) -> Self {
        Self::site_with(origin, "").await
    }

    /// The same with more keys for that site, and tables after it.
    pub async fn site_with(origin: &Origin, words: &str) -> Self {
        Self::start(&site(origin, words)).await
    }

    /// The address of its only listener, or of the first.
    pub fn address(&self) -> SocketAddr {
        self.addresses()[0]
    }

    /// The addresses of its listeners, in the configuration's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.edge.addresses()
    }

    /// The address of its admin interface.
    pub async fn admin(&self) -> SocketAddr {
        self.edge
            .admin_address()
            .await
            .expect("the configuration has no admin address")
    }

    /// The folder of its configuration.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// A new HTTP/1.1 connection to it.
    pub async fn client(&self) -> Client {
        Client::connect(self.address()).await
    }

    /// A new HTTP/2 connection to it, in the clear.
    pub async fn h2(&self) -> H2Client {
        H2Client::connect(self.address()).await
    }

    /// Asks `example.com` for `target` on a connection of its own.
    pub async fn get(&self, target: &str) -> Response {
        self.request(&format!("GET {target}")).await
    }

    /// Sends a request, written as for [`Client::request`], on a connection of its own.
    pub async fn request(&self, request: &str) -> Response {
        self.client().await.request(request).await
    }

    /// The same where no whole response may come.
    pub async fn try_request(&self, request: &str) -> Result<Response, Broken> {
        self.client().await.try_request(request).await
    }

    /// Sends bytes on a connection of their own and returns the status of the answer and whether the connection ended
    /// after it.
    pub async fn refuses(&self, bytes: impl AsRef<[u8]>) -> Result<u16, Broken> {
        let mut client = self.client().await;
        client.send(bytes).await;
        let response = client.read("GET").await?;
        assert!(
            client.rest().await.is_empty(),
            "more came after a response with status {}",
            response.status
        );
        Ok(response.status)
    }

    /// Sends a request to the admin interface.
    pub async fn ask_admin(&self, request: &str) -> Response {
        let address = self.admin().await;
        let (head, body) = request
            .split_once("\n\n")
            .map_or((request, String::new()), |(head, body)| {
                (head, format!("\n\n{body}"))
            });
        Client::connect(address)
            .await
            .request(&format!("{head}\nhost: {address}{body}"))
            .await
    }

    /// Lets time pass for the cache, without waiting.
    pub fn pass_time(&self, time: Duration) {
        self.clock.pass(time);
    }

    /// Lets another configuration take over.
    pub async fn reload(&self, text: &str) -> Result<(), Problems> {
        let config = parse(&self.files, text)?;
        within("a reload", self.edge.reload(config)).await
    }

    /// The sum of a metric over the labels that are not named: `rimward_requests_total{cache="hit"}` adds up the hits of
    /// every route. Zero when there is none.
    pub fn metric(&self, selector: &str) -> f64 {
        let (name, labels) = selector.split_once('{').unwrap_or((selector, "}"));
        let wanted: Vec<&str> = labels
            .trim_end_matches('}')
            .split(',')
            .filter(|label| !label.is_empty())
            .collect();
        let text = self.edge.metrics();
        let series = text
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        let values = series.filter(|(labels, _)| {
            (labels.is_empty() || labels.starts_with('{'))
                && wanted.iter().all(|label| labels.contains(label))
        });
        values.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
    }

    /// Waits until a metric has reached a value.
    pub async fn metric_reaches(&self, selector: &str, value: f64) {
        let reached = async {
            while self.metric(selector) < value {
                tokio::task::yield_now().await;
            }
        };
        within(&format!("{selector} to reach {value}"), reached).await;
    }

    /// Asks for `target` until the answer is what is expected of it in the end: for what happens behind an answer.
    pub async fn eventually(&self, target: &str, expected: Expected) {
        let mut last = self.get(target).await;
        let fulfilled = async {
            while last != expected {
                last = self.get(target).await;
            }
        };
        if tokio::time::timeout(crate::PATIENCE, fulfilled)
            .await
            .is_err()
        {
            assert_eq!(last, expected, "{target} did not become what was expected");
        }
    }

    /// Removes the object of a URL, or makes it stale.
    pub fn purge(&self, url: &str, soft: bool) {
        self.purge_order(&format!("{{\"url\": \"{url}\", \"soft\": {soft}}}"));
    }

    /// Purges what an order says, written as for the admin interface: `{"host": "example.com"}`.
    pub fn purge_order(&self, order: &str) {
        let purged = Order::parse(order.as_bytes()).and_then(|order| self.edge.purge(&order));
        match purged {
            Ok(None) => {}
            Ok(Some(error)) => panic!("{order} was not recorded: {error}"),
            Err(error) => panic!("{order} was not carried out: {error}"),
        }
    }

    /// All metrics.
    pub fn metrics(&self) -> String {
        self.edge.metrics()
    }

    /// Ends as after SIGTERM: what is in flight may take `grace` to finish. Returns how many requests
    /// were cut off.
    pub async fn shutdown(&self, grace: Duration) -> usize {
        within("the edge to end", self.edge.shutdown(grace)).await
    }
}

/// The configuration of [`Edge::site_with`].
pub fn site(origin: &Origin, words: &str) -> String {
    fill(SITE, &[("words", &words), ("origin", origin)])
}

fn parse(files: &Files, text: &str) -> Result<Config, Problems> {
    let mut text = text.to_owned();
    if !text.contains("[[listen]]") {
        text.push_str("\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
    }
    if !text.contains("[log]") {
        text.push_str("\n[log]\naccess = false\n");
    }
    let mut config = rimward_config::parse(&text, files.path("pop.toml"))?;
    // The whole suite has to pass either way; a test that is about the lane says itself whether there is one.
    if !text.contains("fast_lane") {
        config.pop.fast_lane &= !is_without_lane();
    }
    Ok(config)
}

/// Whether edges are to do without the fast lane: `RIMWARD_TEST_LANE=off`.
fn is_without_lane() -> bool {
    std::env::var_os("RIMWARD_TEST_LANE").is_some_and(|lane| lane == "off")
}
