//! Sockets that come and go, limits, TLS and shutdown, over loopback.

use rimward_config::{Certificate, ListenerTls};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::listen::tls::tests::write_certificate;

impl Rig {
    fn reload(&self, listeners: &[Listener]) {
        let prepared = self
            .listeners
            .prepare(listeners, &[])
            .unwrap_or_else(|problems| panic!("{problems:?}"));
        self.listeners.commit(prepared);
    }

    async fn tcp(&self, index: usize) -> Client<TcpStream> {
        Client(
            TcpStream::connect(self.listeners.addresses()[index])
                .await
                .unwrap(),
        )
    }
}

#[tokio::test]
async fn listeners_come_stay_and_go() {
    let rig = Rig::new();
    rig.reload(&[listener()]);
    let first = rig.listeners.addresses()[0];
    let mut client = rig.tcp(0).await;
    assert_eq!(client.send(GET).await.body().await, "GET / a");

    let mut smaller = listener();
    smaller.limits.max_target_bytes = 10;
    rig.reload(&[smaller.clone(), listener()]);
    assert_eq!(rig.listeners.addresses()[0], first);
    assert_eq!(
        client
            .send("GET /longer-than-that HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .response()
            .await
            .0,
        200
    );
    let mut new = rig.tcp(0).await;
    assert_eq!(
        new.send("GET /longer-than-that HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .response()
            .await
            .0,
        414
    );

    let second = rig.listeners.addresses()[1];
    let mut other = rig.tcp(1).await;
    assert_eq!(other.send(GET).await.body().await, "GET / a");
    rig.reload(&[smaller]);
    assert_eq!(other.rest().await, "");
    while TcpStream::connect(second).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.send(GET).await.body().await, "GET / a");
}

#[tokio::test]
async fn a_configuration_that_fails_changes_nothing() {
    let rig = Rig::new();
    rig.reload(&[listener()]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut clash = listener();
    clash.address = taken.local_addr().unwrap();
    let none = Certificate {
        chain: "/nowhere.pem".into(),
        key: "/nowhere.pem".into(),
    };
    let mut secure = listener();
    secure.tls = Some(ListenerTls {
        certificates: vec![none.clone(), none],
        clients: None,
    });
    let problems = rig
        .listeners
        .prepare(&[listener(), clash, secure], &[])
        .err()
        .unwrap();
    let keys: Vec<_> = problems.iter().map(ListenError::key).collect();
    assert_eq!(
        keys,
        [
            "listen[1].address",
            "listen[2].tls.certificates[0]",
            "listen[2].tls.certificates[1]"
        ]
    );
    assert_eq!(rig.tcp(0).await.send(GET).await.body().await, "GET / a");
    assert_eq!(rig.listeners.addresses().len(), 1);
}

#[tokio::test]
async fn connections_are_bounded() {
    let rig = Rig::new();
    let mut bounded = listener();
    bounded.limits.max_connections = 2;
    let mut by_address = listener();
    by_address.limits.max_connections_per_ip = 2;
    rig.reload(&[bounded, by_address]);
    for index in [0, 1] {
        let (mut one, mut two) = (rig.tcp(index).await, rig.tcp(index).await);
        assert_eq!(one.send(GET).await.body().await, "GET / a");
        assert_eq!(two.send(GET).await.body().await, "GET / a");
        let mut byte = [0];
        // The end may come as a reset, since nobody reads what the client sends.
        assert!(matches!(
            rig.tcp(index).await.0.read(&mut byte).await,
            Ok(0) | Err(_)
        ));
        drop(one);
        while rig.listeners.connections() > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.tcp(index).await.send(GET).await.body().await, "GET / a");
        drop(two);
        while rig.listeners.connections() > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(rig.told.count("turned away"), 2);
}

#[tokio::test]
async fn shutdown_lets_requests_finish() {
    let rig = Rig::new();
    rig.reload(&[listener()]);
    let (mut busy, mut idle) = (rig.tcp(0).await, rig.tcp(0).await);
    assert_eq!(idle.send(GET).await.body().await, "GET / a");
    busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n").await;
    rig.arrived(2).await;
    let listeners = rig.listeners.clone();
    let shutdown = tokio::spawn(async move { listeners.shutdown(secs(60)).await });
    assert_eq!(idle.rest().await, "");
    rig.app.gate.add_permits(1);
    assert_eq!(busy.body().await, "gate");
    assert_eq!(busy.rest().await, "");
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn shutdown_cuts_what_does_not_finish() {
    let rig = Rig::new();
    rig.reload(&[listener()]);
    let mut busy = rig.tcp(0).await;
    busy.send("GET /gate HTTP/1.1\r\nHost: a\r\n\r\n").await;
    rig.arrived(1).await;
    assert_eq!(rig.listeners.shutdown(Duration::from_millis(1)).await, 1);
    let mut byte = [0];
    assert!(matches!(busy.0.read(&mut byte).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_request_on_its_way_at_shutdown_is_answered() {
    let rig = Rig::new();
    rig.reload(&[listener()]);
    let mut client = rig.tcp(0).await;
    client.send(GET).await;
    let listeners = rig.listeners.clone();
    let shutdown = tokio::spawn(async move { listeners.shutdown(secs(60)).await });
    let (status, head, _) = client.response().await;
    assert_eq!(status, 200);
    assert!(head.contains("connection: "));
    assert_eq!(shutdown.await.unwrap(), 0);
}

/// A client that trusts these certificates.
async fn secure(
    rig: &Rig,
    trusted: &[&Certificate],
    name: &str,
    alpn: &[&str],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots
            .add(CertificateDer::from_pem_file(&certificate.chain).unwrap())
            .unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, rig.tcp(0).await.0)
        .await
        .unwrap()
}

#[tokio::test]
async fn tls_chooses_certificate_and_protocol() {
    let folder = TempDir::new().unwrap();
    let one = write_certificate(&folder, "one", &["one.example"]);
    let two = write_certificate(&folder, "two", &["*.two.example"]);
    let rig = Rig::new();
    let mut tls = listener();
    tls.tls = Some(ListenerTls {
        certificates: vec![one.clone(), two.clone()],
        clients: None,
    });
    rig.reload(std::slice::from_ref(&tls));

    let stream = secure(&rig, &[&one], "one.example", &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let group = stream
        .get_ref()
        .1
        .negotiated_key_exchange_group()
        .unwrap()
        .name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    let (mut sender, frames) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(frames);
    let request = http::Request::get("https://one.example/").body(()).unwrap();
    let (response, _) = sender.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);

    for alpn in [&["http/1.1"][..], &[]] {
        let mut client = Client(secure(&rig, &[&two], "www.two.example", alpn).await);
        let request = "GET /large HTTP/1.1\r\nHost: www.two.example\r\nConnection: close\r\n\r\n";
        assert_eq!(
            client.send(request).await.body().await.len(),
            4 * 1024 * 1024
        );
        assert_eq!(client.rest().await, "");
    }

    // Certificates are read again at each reload.
    let renewed = write_certificate(&folder, "one", &["one.example"]);
    rig.reload(&[tls]);
    secure(&rig, &[&renewed], "one.example", &[]).await;
}

#[tokio::test]
async fn what_is_not_tls_fails_the_handshake() {
    let folder = TempDir::new().unwrap();
    let rig = Rig::new();
    let mut tls = listener();
    tls.tls = Some(ListenerTls {
        certificates: vec![write_certificate(&folder, "one", &["one.example"])],
        clients: None,
    });
    rig.reload(&[tls]);
    let mut client = rig.tcp(0).await;
    client.send(GET).await;
    let mut rest = Vec::new();
    drop(client.0.read_to_end(&mut rest).await);
    assert_eq!(rig.told.count("handshake failed"), 1);
    assert_eq!(rig.told.count("opened"), 0);
}
