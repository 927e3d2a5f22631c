use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use http::Method;
use pingora::connectors::http::v1::Connector;
use pingora::protocols::http::v1::client::HttpSession;
use pingora::upstreams::peer::HttpPeer;
use pingora_http::RequestHeader;
use rimward_config::{OriginTimeouts, OriginTls, Retries, RetryOn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::resolve::tests::Script;
use super::*;

pub(super) fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn settings(addresses: Vec<ServerAddress>) -> rimward_config::Servers {
    let server = |address| rimward_config::Server {
        address,
        tls: false,
        weight: 1,
    };
    rimward_config::Servers {
        servers: addresses.into_iter().map(server).collect(),
        balance: Balance::RoundRobin,
        health: None,
        outlier: Some(Outlier {
            consecutive_errors: 2,
            eject_for: secs(30),
            max_ejected_percent: 100,
        }),
        slow_start: Duration::ZERO,
        timeouts: OriginTimeouts {
            connect: secs(1),
            first_byte: secs(2),
            between_bytes: secs(5),
        },
        retries: Retries {
            max: 2,
            on: vec![RetryOn::Connect, RetryOn::Reset],
            budget_percent: 20,
        },
        tls: OriginTls {
            verify: true,
            server_name: None,
            ca: None,
        },
        http2: false,
        host: None,
        idle_timeout: secs(60),
        max_requests: None,
        s3: None,
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn servers_at(ports: &[u16]) -> rimward_config::Servers {
    settings(
        ports
            .iter()
            .map(|port| ServerAddress::Ip(at(*port)))
            .collect(),
    )
}

fn name(host: &str) -> ServerAddress {
    ServerAddress::Name(host.into(), 80)
}

fn compile(
    settings: &rimward_config::Servers,
    before: Option<&Arc<Origin>>,
) -> Result<Arc<Origin>, Vec<OriginProblem>> {
    let kind = OriginKind::Servers(Box::new(settings.clone()));
    let origin = config::Origin {
        name: "app".into(),
        kind,
    };
    compile_origin(&origin, None, before)
}

fn compile_origin(
    origin: &config::Origin,
    shields: Option<Fallback>,
    before: Option<&Arc<Origin>>,
) -> Result<Arc<Origin>, Vec<OriginProblem>> {
    let host = Host {
        around: &rimward_filters::Surroundings::default(),
        metrics: &crate::metrics::Metrics::default(),
    };
    Origin::compile(origin, shields, host, before).map(Arc::new)
}

pub(super) fn origin_with(settings: rimward_config::Servers) -> Arc<Origin> {
    compile(&settings, None).unwrap()
}

pub(super) fn server(port: u16, weight: f64) -> Arc<Server> {
    let origin = origin_with(servers_at(&[port]));
    let mut server = Arc::into_inner(origin)
        .unwrap()
        .servers
        .into_inner()
        .all
        .clone()
        .remove(0);
    Arc::get_mut(&mut server).unwrap().weight = weight;
    server
}

fn origins(settings: rimward_config::Servers) -> Origins {
    Origins {
        origins: vec![origin_with(settings)],
        shields: Vec::new(),
        tasks: Mutex::default(),
    }
}

pub(super) fn pick(origin: &Arc<Origin>, tried: &[ServerId]) -> Result<Picked, NoServer> {
    origin.pick(&Pick {
        tried,
        ..Pick::default()
    })
}

fn port(picked: &Picked) -> u16 {
    match picked.address() {
        Address::Inet(address) => address.port(),
        other => panic!("{other} has no port"),
    }
}

/// The ports of the next `n` picks, each done at once.
fn ports(origin: &Arc<Origin>, n: usize) -> Vec<u16> {
    let mut ports: Vec<_> = (0..n).map(|_| port(&pick(origin, &[]).unwrap())).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn addresses(origin: &Arc<Origin>) -> Vec<String> {
    origin
        .servers()
        .all
        .iter()
        .map(|server| server.address.to_string())
        .collect()
}

#[tokio::test]
async fn a_server_counts_as_in_flight_until_it_is_dropped() {
    let origin = origin_with(servers_at(&[1]));
    let first = pick(&origin, &[]).unwrap();
    let second = pick(&origin, &[]).unwrap();
    assert_eq!(first.server.in_flight(), 2);
    drop(second);
    assert_eq!(first.server.in_flight(), 1);
}

#[tokio::test]
async fn full_servers_are_passed_over_and_then_refused() {
    let origin = origin_with(rimward_config::Servers {
        max_requests: Some(2),
        ..servers_at(&[1, 2])
    });
    let picked: Vec<_> = (0..4).map(|_| pick(&origin, &[]).unwrap()).collect();
    assert_eq!(pick(&origin, &[]).unwrap_err(), NoServer::Busy);
    drop(picked);
    assert!(pick(&origin, &[]).is_ok());
}

#[tokio::test]
async fn another_server_is_tried_before_the_same_one_after_a_pause() {
    let origin = origin_with(servers_at(&[1, 2]));
    let first = pick(&origin, &[]).unwrap();
    let second = pick(&origin, &[first.server_id()]).unwrap();
    assert_ne!(port(&first), port(&second));
    assert_eq!(second.pause(), Duration::ZERO);
    let third = pick(&origin, &[first.server_id(), second.server_id()]).unwrap();
    assert!(third.pause() > Duration::ZERO);
}

#[tokio::test]
async fn who_can_go_elsewhere_asks_only_servers_that_are_well_and_each_once() {
    let edges = config::Origin {
        name: "mid".into(),
        kind: OriginKind::Servers(Box::new(servers_at(&[1, 2]))),
    };
    let with = |fallback| compile_origin(&edges, Some(fallback), None).unwrap();
    let origin = with(Fallback::Origin);
    let first = pick(&origin, &[]).unwrap();
    let second = pick(&origin, &[first.server_id()]).unwrap();
    assert_ne!(port(&first), port(&second));
    let both = [first.server_id(), second.server_id()];
    assert_eq!(pick(&origin, &both).unwrap_err(), NoServer::NoneLeft);
    for picked in [&first, &first, &second, &second] {
        picked.failed(Failure::Connect);
    }
    assert_eq!(pick(&origin, &[]).unwrap_err(), NoServer::NoneLeft);
    assert!(pick(&with(Fallback::Fail), &both).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_ejected_and_comes_back_slowly() {
    let origin = origin_with(rimward_config::Servers {
        slow_start: secs(10),
        ..servers_at(&[1, 2])
    });
    for _ in 0..4 {
        let picked = pick(&origin, &[]).unwrap();
        if port(&picked) == 1 {
            picked.failed(Failure::Connect)
        } else {
            picked.answered(200)
        }
    }
    assert_eq!(ports(&origin, 10), [2]);
    tokio::time::advance(secs(30)).await;
    assert_eq!(ports(&origin, 50), [1, 2]);
    let weight = |seconds| {
        let server = origin.servers().all[0].clone();
        server.share(secs(10), Instant::now() + secs(seconds))
    };
    assert_eq!(
        [weight(0), weight(1), weight(5), weight(10), weight(99)],
        [0.1, 0.1, 0.5, 1.0, 1.0]
    );
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_server_count_and_others_do_not() {
    let origin = origin_with(servers_at(&[1, 2]));
    for (status, expected) in [(404, false), (499, false), (500, true)] {
        let picked = pick(&origin, &[]).unwrap();
        (0..2).for_each(|_| picked.answered(status));
        assert_eq!(
            picked.server.state.record.ejected(Instant::now()),
            expected,
            "{status}"
        );
    }
}

#[tokio::test]
async fn when_no_server_is_healthy_all_are_used() {
    let check = rimward_config::HealthCheck {
        path: "/".into(),
        interval: secs(5),
        timeout: secs(1),
        healthy_after: 2,
        unhealthy_after: 3,
    };
    let mut checked = servers_at(&[1, 2]);
    checked.health = Some(check);
    let origin = origin_with(checked);
    let servers = origin.servers();
    servers.all[0].state.healthy.store(false, Ordering::Relaxed);
    assert_eq!(ports(&origin, 10), [2]);
    servers.all[1].state.healthy.store(false, Ordering::Relaxed);
    assert_eq!(ports(&origin, 10), [1, 2]);
    servers.all[1].state.healthy.store(true, Ordering::Relaxed);
    let unchecked = compile(&servers_at(&[1, 2]), Some(&origin)).unwrap();
    assert_eq!(
        ports(&unchecked, 10),
        [1, 2],
        "a reload took the checks away, and with them what they said"
    );
}

#[tokio::test(start_paused = true)]
async fn names_follow_dns_and_known_servers_keep_their_state() {
    let script = Arc::new(Script::default());
    script.host("app", &["127.0.0.1", "127.0.0.2"], 10);
    let origins = origins(settings(vec![name("app")]));
    let origin = &origins.origins[0];
    assert_eq!(pick(origin, &[]).unwrap_err(), NoServer::Unresolved);
    origins.start_with(&(script.clone() as Arc<dyn Resolve>));
    origins.ready(secs(1)).await;
    assert_eq!(addresses(origin), ["127.0.0.1:80", "127.0.0.2:80"]);
    let kept = origin.servers().all[1].id();

    script.host("app", &["127.0.0.2", "127.0.0.3"], 10);
    tokio::time::sleep(secs(11)).await;
    assert_eq!(addresses(origin), ["127.0.0.2:80", "127.0.0.3:80"]);
    assert_eq!(origin.servers().all[0].id(), kept);
    assert!(
        origin.servers().all[1].share(secs(10), Instant::now()) < 0.5,
        "a new server starts slowly"
    );

    script.forget("app");
    tokio::time::sleep(secs(600)).await;
    assert_eq!(
        addresses(origin),
        ["127.0.0.2:80", "127.0.0.3:80"],
        "the last answer stays while DNS fails"
    );

    drop(origins);
    tokio::task::yield_now().await;
    let asked = script.asked.load(Ordering::Relaxed);
    tokio::time::sleep(secs(600)).await;
    assert_eq!(
        script.asked.load(Ordering::Relaxed),
        asked,
        "look-ups end with the set"
    );
}

#[tokio::test(start_paused = true)]
async fn ready_does_not_wait_for_ever() {
    #[derive(Debug)]
    struct Silent;
    #[async_trait::async_trait]
    impl Resolve for Silent {
        async fn addresses(&self, _: &str) -> Result<Found<std::net::IpAddr>, ResolveError> {
            std::future::pending().await
        }
        async fn service(&self, _: &str) -> Result<Found<Target>, ResolveError> {
            std::future::pending().await
        }
    }
    let origins = origins(settings(vec![name("app")]));
    origins.start_with(&(Arc::new(Silent) as Arc<dyn Resolve>));
    let start = Instant::now();
    origins.ready(secs(3)).await;
    assert_eq!(start.elapsed(), secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_reload_forgets_nothing() {
    let script = Arc::new(Script::default());
    script.host("app", &["127.0.0.1"], 10);
    let written = settings(vec![name("app"), ServerAddress::Ip(at(1))]);
    let origins = origins(written.clone());
    origins.start_with(&(script as Arc<dyn Resolve>));
    origins.ready(secs(1)).await;
    let before = &origins.origins[0];
    let picked = pick(before, &[]).unwrap();
    (0..2).for_each(|_| picked.failed(Failure::Reset));

    let mut changed = written.clone();
    changed.servers[0].weight = 3;
    changed.servers.push(rimward_config::Server {
        address: ServerAddress::Ip(at(2)),
        tls: false,
        weight: 1,
    });
    let after = compile(&changed, Some(before)).unwrap();
    assert_eq!(
        addresses(&after),
        ["127.0.0.1:80", "127.0.0.1:1", "127.0.0.1:2"]
    );
    let server = after.servers().all[0].clone();
    assert_eq!(
        (server.id(), server.weight, server.in_flight()),
        (picked.server_id(), 3.0, 1)
    );
    assert!(server.state.record.ejected(Instant::now()));
}

#[tokio::test]
async fn mistakes_are_told_with_their_keys() {
    let (ca, _folder) = write_ca();
    let tls = |change: fn(&mut rimward_config::Servers)| {
        let mut settings = servers_at(&[1]);
        settings.servers[0].tls = true;
        settings.tls.ca = Some(ca.clone());
        change(&mut settings);
        let problems = compile(&settings, None).map(|_| ()).unwrap_err();
        problems
            .iter()
            .map(|problem| problem.key.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        tls(|settings| settings.tls.ca = Some("/nowhere/ca.pem".into())),
        ["tls.ca"]
    );
    assert_eq!(
        tls(|settings| settings.tls.ca = Some("/dev/null".into())),
        ["tls.ca"]
    );
    let unverifiable = tls(|settings| {
        settings.servers[0].address = ServerAddress::Unix("/run/app.sock".into());
    });
    assert_eq!(unverifiable, ["tls.server_name"]);
}

fn write_ca() -> (PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let certified = rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap();
    std::fs::write(&path, certified.cert.pem()).unwrap();
    (path, folder)
}

async fn request(
    connector: &Connector,
    peer: &HttpPeer,
) -> pingora::Result<(HttpSession, Vec<u8>)> {
    let (mut session, reused) = connector.get_http_session(peer).await?;
    assert!(!reused, "connections are kept by us, not by the engine");
    let mut head = RequestHeader::build("GET", b"/", None).unwrap();
    head.insert_header("Host", "x").unwrap();
    session.write_request_header(Box::new(head)).await?;
    session.read_response().await?;
    let mut body = Vec::new();
    while let Some(bytes) = session.read_body_bytes().await? {
        assert!(bytes.len() <= 4096, "{} bytes at once", bytes.len());
        body.extend_from_slice(&bytes);
    }
    Ok((session, body))
}

/// Answers each request with the number of its connection and the rest of a body.
fn numbered(listener: TcpListener, length: usize) {
    tokio::spawn(async move {
        for number in 0_u8.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let mut reply =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
                    reply.resize(reply.len() + length, number);
                    stream.write_all(&reply).await.unwrap();
                }
            });
        }
    });
}

#[tokio::test]
async fn connections_are_kept_for_the_next_request() {
    let listener = TcpListener::bind(at(0)).await.unwrap();
    let origin = origin_with(servers_at(&[listener.local_addr().unwrap().port()]));
    numbered(listener, 100_000);
    let connector = Connector::new(None);
    for (tried, expected) in [(false, 0), (false, 0), (false, 0), (true, 1)] {
        let id = [origin.servers().all[0].id()];
        let picked = pick(&origin, if tried { &id } else { &[] }).unwrap();
        let peer = picked.peer();
        let (session, body) = request(&connector, &peer).await.unwrap();
        assert_eq!((body.len(), body[0]), (100_000, expected));
        connector.release_http_session(session, &*peer, None).await;
    }
    let picked = pick(&origin, &[]).unwrap();
    let peer = picked.peer();
    let (session, _) = request(&connector, &peer).await.unwrap();
    assert!(picked.reused());
    let idle = |origin: &Arc<Origin>| origin.servers().all[0].state.pool.len();
    assert_eq!(idle(&origin), 1, "one in use, one idle");
    drop(session);
    assert_eq!(
        idle(&origin),
        1,
        "a connection that was not released is closed"
    );
}

#[tokio::test]
async fn connections_that_the_server_closed_are_not_used() {
    let listener = TcpListener::bind(at(0)).await.unwrap();
    let origin = origin_with(servers_at(&[listener.local_addr().unwrap().port()]));
    let state = origin.servers().all[0].state.clone();
    let connect = || async {
        let ours = tokio::net::TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        (ours, listener.accept().await.unwrap().0)
    };
    let (ours, theirs) = connect().await;
    drop(theirs);
    ours.readable().await.unwrap();
    state.pool.put(Box::new(ours));
    let (ours, _theirs) = connect().await;
    state.pool.put(Box::new(ours));
    state.pool.sweep(secs(60));
    assert_eq!(state.pool.len(), 1);
    state.pool.sweep(Duration::ZERO);
    assert_eq!(state.pool.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_waits_for_a_response_and_within_it_differ() {
    for (sent, expected) in [
        ("", secs(2)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", secs(5)),
    ] {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let told = Arc::new(dial::Told::new(false));
        let patience = line::Patience {
            first_byte: secs(2),
            between_bytes: secs(5),
        };
        let mut line = line::Line::new(Box::new(ours), None, told.clone(), patience);
        line.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        theirs.write_all(sent.as_bytes()).await.unwrap();
        let start = Instant::now();
        let mut reply = Vec::new();
        let error = line.read_to_end(&mut reply).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(told.timed_out());
        assert_eq!(reply, sent.as_bytes());
        assert!(
            start.elapsed().abs_diff(expected) < Duration::from_millis(5),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn reads_grow_once_the_client_has_shown_that_it_is_not_slow() {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 5 << 20);
    let whole = head.len() + (5 << 20);
    tokio::spawn(async move {
        theirs.write_all(head.as_bytes()).await?;
        theirs.write_all(&vec![0; 5 << 20]).await
    });
    let patience = line::Patience {
        first_byte: secs(2),
        between_bytes: secs(5),
    };
    let mut line = line::Line::new(
        Box::new(ours),
        None,
        Arc::new(dial::Told::new(false)),
        patience,
    );
    let mut buffer = vec![0; 64 * 1024];
    let (mut before, mut after, mut total) = (0, 0, 0);
    loop {
        let read = line.read(&mut buffer).await.unwrap();
        let most = if total < 4 << 20 {
            &mut before
        } else {
            &mut after
        };
        *most = read.max(*most);
        total += read;
        if read == 0 {
            break;
        }
    }
    assert_eq!((total, before, after), (whole, 4 * 1024, 16 * 1024));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_response_begins_when_the_body_was_sent() {
    let (ours, _theirs) = tokio::io::duplex(1024);
    let told = Arc::new(dial::Told::new(false));
    let patience = line::Patience {
        first_byte: secs(2),
        between_bytes: secs(5),
    };
    let mut line = line::Line::new(Box::new(ours), None, told.clone(), patience);
    told.sending(true);
    line.write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx")
        .await
        .unwrap();
    let read = tokio::time::timeout(secs(60), line.read_u8()).await;
    assert!(read.is_err(), "the client takes its time");
    told.sending(false);
    line.write_all(b"y").await.unwrap();
    let start = Instant::now();
    assert!(line.read_u8().await.is_err());
    assert!(
        start.elapsed().abs_diff(secs(2)) < Duration::from_millis(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_is_given_up() {
    let (ours, _theirs) = tokio::io::duplex(16);
    let told = Arc::new(dial::Told::new(false));
    let patience = line::Patience {
        first_byte: secs(2),
        between_bytes: secs(5),
    };
    let mut line = line::Line::new(Box::new(ours), None, told, patience);
    let start = Instant::now();
    let error = line.write_all(&[0; 1000]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(start.elapsed().abs_diff(secs(5)) < Duration::from_millis(5));
}

#[tokio::test]
async fn errors_are_told_apart() {
    let closed = TcpListener::bind(at(0))
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let origin = origin_with(servers_at(&[closed]));
    let picked = pick(&origin, &[]).unwrap();
    let connector = Connector::new(None);
    let error = connector
        .get_http_session(&*picked.peer())
        .await
        .err()
        .unwrap();
    assert_eq!(picked.failure(&error), Failure::Connect);

    let listener = TcpListener::bind(at(0)).await.unwrap();
    let origin = origin_with(servers_at(&[listener.local_addr().unwrap().port()]));
    tokio::spawn(async move { drop(listener.accept().await.unwrap()) });
    let picked = pick(&origin, &[]).unwrap();
    let error = request(&connector, &picked.peer()).await.err().unwrap();
    assert_eq!(picked.failure(&error), Failure::Reset);

    let listener = TcpListener::bind(at(0)).await.unwrap();
    let mut hasty = servers_at(&[listener.local_addr().unwrap().port()]);
    hasty.timeouts.first_byte = Duration::from_millis(10);
    let origin = origin_with(hasty);
    let picked = pick(&origin, &[]).unwrap();
    let error = request(&connector, &picked.peer()).await.err().unwrap();
    assert_eq!(picked.failure(&error), Failure::Timeout);
}

/// A TLS server with a certificate for `names`; returns its port and where the certificate lies.
async fn tls_server(names: &[&str]) -> (u16, PathBuf, tempfile::TempDir) {
    let certified = rcgen::generate_simple_self_signed(
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, certified.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![certified.cert.der().clone()], key.into())
    .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(at(0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut request = [0; 1024];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                        .await
                        .unwrap();
                }
            });
        }
    });
    (port, path, folder)
}

#[tokio::test]
async fn certificates_are_checked_against_the_servers_name_or_address() {
    for (names, server_name, trusted, verify, expected) in [
        (&["127.0.0.1"][..], None, true, true, true),
        (&["app.example"], None, true, true, false),
        (&["app.example"], Some("app.example"), true, true, true),
        (&["app.example"], Some("other.example"), true, true, false),
        (&["127.0.0.1"], None, false, true, false),
        (&["app.example"], None, false, false, true),
    ] {
        let (port, ca, _folder) = tls_server(names).await;
        let (_, other_ca, _other) = tls_server(&["127.0.0.1"]).await;
        let mut settings = servers_at(&[port]);
        settings.servers[0].tls = true;
        settings.tls = OriginTls {
            verify,
            server_name: server_name.map(str::to_owned),
            ca: Some(if trusted { ca } else { other_ca }),
        };
        let origin = origin_with(settings);
        let connector = Connector::new(None);
        for _ in 0..2 {
            let picked = pick(&origin, &[]).unwrap();
            let peer = picked.peer();
            let result = request(&connector, &peer).await;
            assert_eq!(
                result.is_ok(),
                expected,
                "{names:?} {server_name:?} {trusted} {verify}"
            );
            match result {
                Ok((session, _)) => connector.release_http_session(session, &*peer, None).await,
                Err(error) => assert_eq!(picked.failure(&error), Failure::Connect),
            }
        }
        assert_eq!(
            origin.servers().all[0].state.pool.len(),
            usize::from(expected),
            "kept over TLS as well"
        );
    }
}

#[tokio::test]
async fn a_directory_answers_like_any_server() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "x".repeat(100_000)).unwrap();
    let directory = rimward_config::Directory {
        root: folder.path().to_owned(),
        index: "index.html".into(),
        cache_control: None,
    };
    let kind = OriginKind::Directory(directory);
    let files = config::Origin {
        name: "files".into(),
        kind,
    };
    let origin = compile_origin(&files, None, None).unwrap();
    let connector = Connector::new(None);
    for _ in 0..3 {
        let picked = pick(&origin, &[]).unwrap();
        let peer = picked.peer();
        let (session, body) = request(&connector, &peer).await.unwrap();
        assert_eq!(body.len(), 100_000);
        connector.release_http_session(session, &*peer, None).await;
    }
}

#[tokio::test]
async fn http2_is_left_to_the_engine_with_a_name_to_check() {
    let mut settings = settings(vec![name("app.example")]);
    settings.http2 = true;
    settings.servers[0].tls = true;
    let (ca, _folder) = write_ca();
    settings.tls.ca = Some(ca);
    let origin = origin_with(settings);
    origin.resolved(
        0,
        vec![resolve::Place {
            address: at(1),
            share: 1.0,
        }],
    );
    let peer = pick(&origin, &[]).unwrap().peer();
    assert_eq!(peer.sni, "app.example");
    assert!(peer.options.verify_cert && peer.options.verify_hostname && peer.options.ca.is_some());
    assert_ne!(peer.group_key, 0);
}

#[tokio::test]
async fn retries_are_asked_for_and_counted() {
    let origin = origin_with(servers_at(&[1]));
    let request = FailedTry {
        failure: Failure::Connect,
        method: &Method::GET,
        tries: 1,
        reused: false,
        body_replayable: true,
        response_begun: false,
    };
    assert_eq!(
        (0..1000).filter(|_| origin.should_retry(&request)).count(),
        100
    );
}
