//! Certificates of clients: who is let in by the listener and by the filter, and what the origin is told.

use std::sync::Arc;

use rcgen::{CertificateParams, SanType, SerialNumber, date_time_ymd};
use rimward_tests::tls::Pem;
use rimward_tests::{
    Authority, Binary, Client, Edge, Files, H2Client, Origin, edge::site, hit, miss, tools,
};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsConnector;

const HOST: &str = "shop.example";
const HTTP1: &[&[u8]] = &[b"http/1.1"];
const HTTP2: &[&[u8]] = &[b"h2"];
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// An authority for the edge's own certificate, and two for clients'.
struct World {
    servers: Authority,
    staff: Authority,
    partners: Authority,
    files: Arc<Files>,
    origin: Origin,
}

impl World {
    async fn new() -> Self {
        let world = Self {
            servers: Authority::named("servers"),
            staff: Authority::named("staff"),
            partners: Authority::named("partners"),
            files: Arc::new(Files::new()),
            origin: Origin::start().await,
        };
        let pem = world.servers.issue(&[HOST]);
        let files = &world.files;
        files.write("edge.pem", format!("{}{}", pem.chain, pem.key));
        files.write("staff.pem", world.staff.pem());
        files.write("partners.pem", world.partners.pem());
        world.origin.always("/a", "cache-control: no-store", "in");
        world
    }

    /// Listeners that hold clients' certificates to each of these, before a site with this filter.
    fn text(&self, clients: &[&str], filter: &str) -> String {
        let listeners = clients.iter().map(|clients| {
            format!("[[listen]]\naddress = \"127.0.0.1:0\"\ntls = {{ certificates = [\"edge.pem\"], client_certificates = {{ {clients} }} }}\n")
        });
        let site = site(&self.origin, &format!("filters = [{filter}]"));
        format!("{}\n{site}", listeners.collect::<String>())
    }

    async fn edge(&self, clients: &[&str], filter: &str) -> Edge {
        Edge::start_in(self.files.clone(), &self.text(clients, filter)).await
    }

    fn connector(&self, protocols: &[&[u8]], certificate: Option<&Pem>) -> TlsConnector {
        self.servers.connector_as(protocols, &VERSIONS, certificate)
    }
}

/// What a client of the edge's first listener gets, 0 when the handshake is refused.
async fn status(edge: &Edge, connector: &TlsConnector) -> u16 {
    status_at(edge, 0, connector).await
}

/// With TLS 1.3 a client learns only after its own end of the handshake that it was refused.
async fn status_at(edge: &Edge, listener: usize, connector: &TlsConnector) -> u16 {
    let address = edge.addresses()[listener];
    let Ok(mut client) = Client::tls_by(address, connector, HOST).await else {
        return 0;
    };
    let response = client.try_request(&format!("GET /a\nhost: {HOST}")).await;
    response.map_or(0, |response| response.status)
}

fn with_san(name: SanType) -> impl FnOnce(&mut CertificateParams) {
    |params| params.subject_alt_names = vec![name]
}

const REQUIRE: &str = "ca = \"staff.pem\"";
const REQUEST: &str = "ca = \"staff.pem\", mode = \"request\"";
const TELL: &str = "{ use = \"mtls\", headers = { x-cert-subject = \"subject\" }, presets = [\"rfc9440\", \"envoy\", \"nginx\"] }";

#[tokio::test]
async fn the_listener_refuses_certificates_that_are_not_valid() {
    let world = World::new().await;
    let list = |serials: &[u64]| world.staff.revoke(serials, 2090);
    world.files.write("staff.crl", list(&[66]));
    let serial = |number: u64| {
        move |params: &mut CertificateParams| {
            params.serial_number = Some(SerialNumber::from(number))
        }
    };
    let staff = world.staff.issue_client("ann", serial(7));
    let revoked = world.staff.issue_client("ann", serial(66));
    let expired = world.staff.issue_client("ann", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let stranger = world.partners.issue_client("ann", |_| {});
    let server = world.staff.issue_client("ann", |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let edge = world
        .edge(
            &[
                &format!("{REQUIRE}, crl = [\"staff.crl\"]"),
                &format!("{REQUEST}, crl = [\"staff.crl\"]"),
            ],
            "",
        )
        .await;
    for version in VERSIONS {
        for (what, certificate, required, requested) in [
            ("valid", Some(&staff), 200, 200),
            ("none", None, 0, 200),
            ("revoked", Some(&revoked), 0, 0),
            ("expired", Some(&expired), 0, 0),
            ("of another CA", Some(&stranger), 0, 0),
            ("of a server", Some(&server), 0, 0),
        ] {
            let connect = || world.servers.connector_as(HTTP1, &[version], certificate);
            assert_eq!(
                status_at(&edge, 0, &connect()).await,
                required,
                "{what}, {version:?}"
            );
            assert_eq!(
                status_at(&edge, 1, &connect()).await,
                requested,
                "{what}, {version:?}"
            );
        }
    }
}

#[tokio::test]
async fn lists_that_are_missing_or_out_of_date_let_nobody_in() {
    let world = World::new().await;
    world.files.write("old.crl", world.staff.revoke(&[], 2021));
    world
        .files
        .write("others.crl", world.partners.revoke(&[], 2090));
    let staff = world.staff.issue_client("ann", |_| {});
    for list in ["old.crl", "others.crl"] {
        let clients = format!("{REQUIRE}, crl = [\"{list}\"]");
        let edge = world.edge(&[&clients], "").await;
        assert_eq!(
            status(&edge, &world.connector(HTTP1, Some(&staff))).await,
            0,
            "{list}"
        );
    }
}

#[tokio::test]
async fn files_that_can_not_be_used_are_told_where_they_are_written() {
    let world = World::new().await;
    world.files.write("empty.pem", "");
    for (clients, expected) in [
        (
            "ca = \"none.pem\"",
            "listen[0].tls.client_certificates.ca: can't read",
        ),
        (
            "ca = \"empty.pem\"",
            "listen[0].tls.client_certificates.ca: ",
        ),
        (
            "ca = \"staff.pem\", crl = [\"staff.pem\"]",
            "listen[0].tls.client_certificates.crl[0]: ",
        ),
    ] {
        let text = world.text(&[clients], "");
        let problems = Edge::try_start_in(world.files.clone(), &text).await.err();
        let told = problems.expect("problems").to_string();
        assert!(
            told.contains(expected) && told.contains("pop.toml:3:"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn the_filter_allows_by_name_and_tells_the_origin() {
    let world = World::new().await;
    let filter = format!(
        "{}, allow = [{{ san = \"uri:spiffe://example.org/shop/*\" }}] }}",
        TELL.trim_end_matches(" }")
    );
    let edge = world.edge(&[REQUEST], &filter).await;
    let uri = |path: &str| {
        let uri = format!("spiffe://example.org/{path}");
        with_san(SanType::URI(uri.as_str().try_into().unwrap()))
    };
    let shop = world
        .staff
        .issue_client("ann, of the shop", uri("shop/ann"));
    let bank = world.staff.issue_client("bob", uri("bank/bob"));
    let sly = "x-cert-subject: CN=root\nx_cert_subject: CN=root\nclient-cert: :AAAA:\nclient-cert-chain: :AAAA:\nx-forwarded-client-cert: Hash=00\nssl-client-verify: SUCCESS";
    let request = format!("GET /a\nhost: {HOST}\n{sly}");

    for version in VERSIONS {
        let connect = |protocols| {
            world
                .servers
                .connector_as(protocols, &[version], Some(&shop))
        };
        let mut http1 = Client::tls_by(edge.address(), &connect(HTTP1), HOST)
            .await
            .unwrap();
        assert_eq!(http1.request(&request).await.status, 200);
        let first = world.origin.last();
        let mut http2 = H2Client::tls_by(edge.address(), &connect(HTTP2), HOST)
            .await
            .unwrap();
        assert_eq!(http2.request(&request).await.status, 200);
        for told in [first, world.origin.last()] {
            assert_eq!(told.header("x-cert-subject"), Some(r"CN=ann\, of the shop"));
            assert_eq!(told.header("x_cert_subject"), None);
            assert_eq!(told.header("ssl-client-verify"), Some("SUCCESS"));
            let leaf = told.header("client-cert").unwrap();
            assert!(
                leaf.len() > 100 && leaf.starts_with(':') && leaf.ends_with(':'),
                "{leaf}"
            );
            let chain = told.header("client-cert-chain").unwrap();
            assert!(chain.len() > 100 && chain.starts_with(':'), "{chain}");
            let xfcc = told.header("x-forwarded-client-cert").unwrap();
            let names = r#";Subject="CN=ann\, of the shop";URI=spiffe://example.org/shop/ann"#;
            assert!(xfcc.starts_with("Hash=") && xfcc.ends_with(names), "{xfcc}");
        }
    }
    let asked = world.origin.requests().len();
    assert_eq!(
        status(&edge, &world.connector(HTTP1, Some(&bank))).await,
        403
    );
    assert_eq!(status(&edge, &world.connector(HTTP1, None)).await, 403);
    assert_eq!(world.origin.requests().len(), asked);
    for (outcome, count) in [
        ("allowed", 4.0),
        ("not_allowed", 1.0),
        ("no_certificate", 1.0),
    ] {
        let metric = format!("rimward_filter_outcomes_total{{outcome=\"{outcome}\"}}");
        edge.metric_reaches(&metric, count).await;
    }
}

#[tokio::test]
async fn who_need_not_have_a_certificate_can_not_pretend_to() {
    let world = World::new().await;
    let filter = TELL.replace("\"mtls\"", "\"mtls\", require = false");
    let edge = world.edge(&[REQUEST], &filter).await;
    let connector = world.connector(HTTP1, None);
    let mut client = Client::tls_by(edge.address(), &connector, HOST)
        .await
        .unwrap();
    let request = format!(
        "GET /a\nhost: {HOST}\nx-cert-subject: CN=root\nssl-client-verify: SUCCESS\nclient-cert: :AAAA:"
    );
    assert_eq!(client.request(&request).await.status, 200);
    let told = world.origin.last();
    assert_eq!(told.header("x-cert-subject"), None);
    assert_eq!(told.header("client-cert"), None);
    assert_eq!(told.header("ssl-client-verify"), Some("NONE"));
}

#[tokio::test]
async fn a_resumed_session_keeps_its_certificate_and_is_checked_again() {
    for version in VERSIONS {
        let world = World::new().await;
        world
            .files
            .write("staff.crl", world.staff.revoke(&[], 2090));
        let clients = format!("{REQUIRE}, crl = [\"staff.crl\"]");
        let text = world.text(&[&clients], TELL);
        let edge = world.edge(&[&clients], TELL).await;
        let ann = world.staff.issue_client("ann", |params| {
            params.serial_number = Some(SerialNumber::from(7_u64));
        });
        let connector = world.servers.connector_as(HTTP1, &[version], Some(&ann));
        for is_resumed in [false, true, true] {
            let mut client = Client::tls_by(edge.address(), &connector, HOST)
                .await
                .unwrap();
            assert_eq!(client.is_resumed(), is_resumed, "{version:?}");
            assert_eq!(
                client
                    .request(&format!("GET /a\nhost: {HOST}"))
                    .await
                    .status,
                200
            );
            assert_eq!(world.origin.last().header("x-cert-subject"), Some("CN=ann"));
        }
        // Sessions outlive this reload, what was revoked does not.
        edge.reload(&text).await.unwrap();
        let client = Client::tls_by(edge.address(), &connector, HOST)
            .await
            .unwrap();
        assert!(client.is_resumed(), "{version:?}");
        drop(client);
        world
            .files
            .replace("staff.crl", world.staff.revoke(&[7], 2090));
        edge.reload(&text).await.unwrap();
        assert_eq!(status(&edge, &connector).await, 0, "{version:?}");
    }
}

#[tokio::test]
async fn sessions_do_not_cross_listeners() {
    for version in VERSIONS {
        let world = World::new().await;
        let clients = [REQUIRE, "ca = \"partners.pem\"", REQUEST];
        let edge = world.edge(&clients, TELL).await;
        let ann = world.staff.issue_client("ann", |_| {});
        let connector = world.servers.connector_as(HTTP1, &[version], Some(&ann));
        for _ in 0..2 {
            assert_eq!(status_at(&edge, 0, &connector).await, 200, "{version:?}");
        }
        assert_eq!(status_at(&edge, 1, &connector).await, 0, "{version:?}");
        let address = edge.addresses()[2];
        for _ in 0..2 {
            assert_eq!(status_at(&edge, 0, &connector).await, 200, "{version:?}");
        }
        let client = Client::tls_by(address, &connector, HOST).await.unwrap();
        assert!(!client.is_resumed(), "{version:?}");
    }
}

#[tokio::test]
async fn a_reload_with_another_ca_or_mode_ends_sessions() {
    for version in VERSIONS {
        let world = World::new().await;
        let edge = world.edge(&[REQUEST], TELL).await;
        let ann = world.staff.issue_client("ann", |_| {});
        let with = world.servers.connector_as(HTTP1, &[version], Some(&ann));
        let without = world.servers.connector_as(HTTP1, &[version], None);
        let mut open = Client::tls_by(edge.address(), &with, HOST).await.unwrap();
        for _ in 0..2 {
            assert_eq!(status(&edge, &with).await, 200, "{version:?}");
            assert_eq!(status(&edge, &without).await, 403, "{version:?}");
        }
        edge.reload(&world.text(&[REQUIRE], TELL)).await.unwrap();
        assert_eq!(status(&edge, &without).await, 0, "{version:?}");
        let client = Client::tls_by(edge.address(), &with, HOST).await.unwrap();
        assert!(!client.is_resumed(), "{version:?}");
        edge.reload(&world.text(&["ca = \"partners.pem\""], TELL))
            .await
            .unwrap();
        assert_eq!(status(&edge, &with).await, 0, "{version:?}");
        let partner = world.partners.issue_client("eve", |_| {});
        let partner = world
            .servers
            .connector_as(HTTP1, &[version], Some(&partner));
        assert_eq!(status(&edge, &partner).await, 200, "{version:?}");
        // Whoever is connected stays so.
        assert_eq!(
            open.request(&format!("GET /a\nhost: {HOST}")).await.status,
            200
        );
    }
}

#[tokio::test]
async fn what_is_stored_is_not_for_who_has_no_certificate() {
    let world = World::new().await;
    let edge = world.edge(&[REQUEST], "{ use = \"mtls\" }").await;
    world
        .origin
        .always("/b", "cache-control: max-age=60", "secret");
    let ann = world.staff.issue_client("ann", |_| {});
    let with = world.connector(HTTP1, Some(&ann));
    let request = format!("GET /b\nhost: {HOST}");
    let mut with = Client::tls_by(edge.address(), &with, HOST).await.unwrap();
    assert_eq!(with.request(&request).await, miss("secret"));
    assert_eq!(with.request(&request).await, hit("secret"));
    for protocols in [HTTP1, HTTP2] {
        let connector = world.connector(protocols, None);
        let refused = if protocols == HTTP1 {
            let mut client = Client::tls_by(edge.address(), &connector, HOST)
                .await
                .unwrap();
            client.request(&request).await
        } else {
            let mut client = H2Client::tls_by(edge.address(), &connector, HOST)
                .await
                .unwrap();
            client.request(&request).await
        };
        assert_eq!(refused.status, 403);
        assert!(!refused.text().contains("secret"));
    }
    assert_eq!(with.request(&request).await, hit("secret"));
}

#[tokio::test]
async fn the_key_tells_clients_apart_in_the_cache() {
    let world = World::new().await;
    let filter = "{ use = \"mtls\", key = \"subject\" }";
    let edge = world.edge(&[REQUIRE], filter).await;
    let request = format!("GET /b\nhost: {HOST}");
    let mut clients = Vec::new();
    for name in ["ann", "bob"] {
        let pem = world.staff.issue_client(name, |_| {});
        let connector = world.connector(HTTP1, Some(&pem));
        let mut client = Client::tls_by(edge.address(), &connector, HOST)
            .await
            .unwrap();
        world.origin.reply("/b", "cache-control: max-age=60", name);
        assert_eq!(client.request(&request).await, miss(name));
        clients.push((name, client));
    }
    for (name, mut client) in clients {
        assert_eq!(client.request(&request).await, hit(name));
    }
}

#[tokio::test]
async fn the_access_log_tells_whose_certificate_it_was() {
    let world = World::new().await;
    let log = "[log]\naccess = { to = \"access.log\", format = \"json\" }\n";
    let text = format!("{log}{}", world.text(&[REQUEST], TELL));
    let edge = Edge::start_in(world.files.clone(), &text).await;
    let ann = world.staff.issue_client("ann", |_| {});
    assert_eq!(
        status(&edge, &world.connector(HTTP1, Some(&ann))).await,
        200
    );
    assert_eq!(status(&edge, &world.connector(HTTP1, None)).await, 403);
    edge.shutdown(rimward_tests::secs(10)).await;
    let written = std::fs::read_to_string(world.files.path("access.log")).unwrap();
    let lines: Vec<serde_json::Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["filters"]["client_cert"], "CN=ann", "{written}");
    assert_eq!(lines[1]["filters"]["mtls"], "no_certificate", "{written}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_shows_its_certificate() {
    let Some(curl) = tools::need("curl") else {
        return;
    };
    let world = World::new().await;
    let ann = world.staff.issue_client("ann", |_| {});
    let chain = world.files.write("ann.pem", &ann.chain);
    let key = world.files.write("ann.key", &ann.key);
    let ca = world.files.write("servers.pem", world.servers.pem());
    let admin = world.files.path("admin.sock");
    let quiet = format!(
        "[log]\naccess = false\n[admin]\naddress = \"unix:{}\"\n",
        admin.display()
    );
    let filter = TELL.replace("{ use", "{ status = 496, use");
    let text = format!("{quiet}{}", world.text(&[REQUIRE, REQUEST], &filter));
    let binary = Binary::run(&world.files, &text).await;
    let [required, requested] = binary.addresses() else {
        panic!("two listeners")
    };
    let [ca, chain, key] = [&ca, &chain, &key].map(|path| path.to_str().unwrap());
    let ann = ["--cert", chain, "--key", key];
    for (address, certificate, options, expected) in [
        (required, &ann[..], &["--http1.1"][..], "in 200"),
        (required, &ann, &["--http2"], "in 200"),
        (required, &ann, &["--tls-max", "1.2"], "in 200"),
        (required, &[], &["--http1.1"], " 000"),
        (requested, &[], &["--http1.1"], " 496"),
        (requested, &ann, &["--http1.1"], "in 200"),
    ] {
        let url = format!("https://{HOST}:{}/a", address.port());
        let resolve = format!("{HOST}:{}:127.0.0.1", address.port());
        let common = [
            "--silent",
            "--max-time",
            "20",
            "--write-out",
            " %{http_code}",
        ];
        let to = ["--cacert", ca, "--resolve", &resolve, &url];
        let output = tools::run(&curl, &[&common[..], certificate, options, &to].concat());
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            told.ends_with(expected),
            "{address} {certificate:?} {options:?}: {told}"
        );
    }
}
