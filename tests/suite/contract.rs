//! The cache's contract: what RFC 9111 and its kin ask of it, by row, for clients of HTTP/1.1 and HTTP/2 alike.

mod beyond;
mod freshness;
mod responses;
mod storing;

use std::time::{Duration, SystemTime};

use rimward_tests::{Edge, Response};

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Http1,
    Http2,
}

const BOTH: [Speaks; 2] = [Speaks::Http1, Speaks::Http2];

impl Speaks {
    /// Asks on a connection of its own.
    async fn ask(self, edge: &Edge, request: &str) -> Response {
        match self {
            Self::Http1 => edge.request(request).await,
            Self::Http2 => edge.h2().await.request(request).await,
        }
    }

    async fn get(self, edge: &Edge, target: &str) -> Response {
        self.ask(edge, &format!("GET {target}")).await
    }
}

/// The time so many seconds from now, before when it is negative, as HTTP writes it.
fn date(seconds: i64) -> String {
    let apart = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    rimward_cache::date::format(if seconds < 0 {
        now - apart
    } else {
        now + apart
    })
}
