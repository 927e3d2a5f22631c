//! An origin whose bodies follow from what is asked for, so that any response can be held against what it has to be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rimward_tests::wire::Wire;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Answers `/NAME?LENGTH` with [`body`], fresh for an hour.
pub(super) struct BodyOrigin {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

impl BodyOrigin {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, count.clone()));
            }
        });
        Self {
            address,
            asked,
            listening,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for BodyOrigin {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(stream: TcpStream, asked: Arc<AtomicUsize>) {
    let mut wire = Wire::new(stream);
    while let Ok(Some(head)) = wire.head().await {
        asked.fetch_add(1, Ordering::Relaxed);
        let target = head.start.split(' ').nth(1).unwrap_or("/?0").to_owned();
        let body = body(&target);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ncache-control: max-age=3600\r\n\r\n",
            body.len()
        );
        if wire.send(head.as_bytes()).await.is_err() || wire.send(&body).await.is_err() {
            return;
        }
    }
}

/// The body of a target such as `/a?1000`: so many bytes, each of which depends on the whole target and its place.
pub(super) fn body(target: &str) -> Vec<u8> {
    let length = target
        .rsplit('?')
        .next()
        .unwrap_or("0")
        .parse()
        .unwrap_or(0);
    let seed = target.bytes().fold(0x9e37_79b9_u32, |seed, byte| {
        (seed ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}
