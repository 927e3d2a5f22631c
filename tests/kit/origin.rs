//! A scripted origin: it answers what the test wrote, in the way the test wrote it, and nothing else.

mod connection;
mod file;
mod h2;
mod script;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use file::File;
use script::{Act, Reply, Script};
pub use script::{Gate, Received, Trickle};

use crate::patience::within;
use crate::tls::Authority;
use crate::wire::Stream;

/// An origin on a port of its own. Being asked for something that is not in its script fails the test when it is dropped.
pub struct Origin {
    address: SocketAddr,
    script: Arc<Script>,
    listening: JoinHandle<()>,
}

#[derive(Clone)]
enum Speaks {
    Http1,
    Http2,
    Tls(tokio_rustls::TlsAcceptor),
}

impl Origin {
    /// An origin that speaks HTTP/1.1.
    pub async fn start() -> Self {
        Self::listen(Speaks::Http1).await
    }

    /// An origin that speaks HTTP/2 with prior knowledge.
    pub async fn http2() -> Self {
        Self::listen(Speaks::Http2).await
    }

    /// An origin that speaks HTTP/1.1 over TLS with a certificate for `name`.
    pub async fn tls(authority: &Authority, name: &str) -> Self {
        Self::listen(Speaks::Tls(authority.acceptor(&[name], &[b"http/1.1"]))).await
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next request for `target`, which is a path and its query. `head` holds header fields, one a line, after a
    /// status line such as `404` if it is not 200; `Content-Length` is added when the fields don't frame the body.
    pub fn reply(&self, target: &str, head: &str, body: impl AsRef<[u8]>) {
        self.script
            .once(target, Act::Reply(Reply::new(head, body.as_ref())));
    }

    /// Answers every request for `target` that finds no single answer left; for `*` every one that finds no other at all.
    pub fn always(&self, target: &str, head: &str, body: impl AsRef<[u8]>) {
        self.script
            .always(target, Act::Reply(Reply::new(head, body.as_ref())));
    }

    /// Answers every request for `target` that finds no other answer with this file, its ranges and 304.
    pub fn file(&self, target: &str, file: &File) {
        self.script.file(target, file.clone());
    }

    /// Answers the next request for `target` when the gate is opened.
    pub fn hold(&self, target: &str, head: &str, body: impl AsRef<[u8]>) -> Gate {
        let gate = Gate::new();
        self.script.once(
            target,
            Act::Held(gate.clone(), Reply::new(head, body.as_ref())),
        );
        gate
    }

    /// Sends a head and then the body piece by piece as the test hands it over.
    pub fn trickle(&self, target: &str, head: &str) -> Trickle {
        let (trickle, pieces) = Trickle::new();
        self.script
            .once(target, Act::Trickle(head.to_owned(), pieces));
        trickle
    }

    /// Closes the connection instead of answering the next request for `target`.
    pub fn hang_up(&self, target: &str) {
        self.script.once(target, Act::Raw(Vec::new()));
    }

    /// Promises the whole of `body` and closes the connection after `sent` bytes of it.
    pub fn hang_up_after(&self, target: &str, head: &str, body: &str, sent: usize) {
        let whole = Reply::new(head, body.as_bytes()).to_wire(false);
        let kept = whole.len() - body.len() + sent;
        self.script.once(target, Act::Raw(whole[..kept].to_vec()));
    }

    /// Sends these bytes for the next request for `target`, whatever they are, and closes the connection.
    pub fn raw(&self, target: &str, bytes: impl AsRef<[u8]>) {
        self.script.once(target, Act::Raw(bytes.as_ref().to_vec()));
    }

    /// Switches protocols when asked for `target` and sends back what it gets from there on.
    pub fn echo(&self, target: &str) {
        self.script.once(target, Act::Echo);
    }

    /// The requests that came so far, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.script.requests()
    }

    /// The targets of those requests.
    pub fn targets(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.target)
            .collect()
    }

    /// The last request.
    pub fn last(&self) -> Received {
        self.requests()
            .pop()
            .expect("the origin was not asked at all")
    }

    /// Waits until it has answered `count` requests since the start.
    pub async fn answered(&self, count: usize) {
        within(
            &format!("the origin's answer number {count}"),
            self.script.answered(count),
        )
        .await;
    }

    /// Waits until it has received `count` requests since the start.
    pub async fn asked(&self, count: usize) {
        within(
            &format!("the origin's request number {count}"),
            self.script.received(count),
        )
        .await;
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.script.connections()
    }

    /// Goes down: its port refuses connections and those that are open end.
    pub async fn stop(&mut self) {
        self.script.close_connections();
        self.listening.abort();
        assert!(
            (&mut self.listening)
                .await
                .is_err_and(|error| error.is_cancelled())
        );
    }

    async fn listen(speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Script::default());
        let listening = tokio::spawn(accept(listener, speaks, Arc::clone(&script)));
        Self {
            address,
            script,
            listening,
        }
    }
}

async fn accept(listener: TcpListener, speaks: Speaks, script: Arc<Script>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        script.connected();
        let (speaks, script) = (speaks.clone(), Arc::clone(&script));
        tokio::spawn(async move {
            let mut closing = script.closing();
            tokio::select! {
                () = serve(stream, speaks, script) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        });
    }
}

async fn serve(stream: impl Stream, speaks: Speaks, script: Arc<Script>) {
    match speaks {
        Speaks::Http1 => connection::serve(stream, script).await,
        Speaks::Http2 => h2::serve(stream, script).await,
        Speaks::Tls(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                connection::serve(stream, script).await;
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.listening.abort();
        let surprises = self.script.surprises();
        if !std::thread::panicking() {
            assert!(
                surprises.is_empty(),
                "the origin was asked for what is not in its script: {surprises:?}"
            );
        }
    }
}
