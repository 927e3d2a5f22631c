//! What listeners tell, counted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Metrics;
use crate::listen::{Connection, Events, Refusal, TurnedAway};

/// Counts what happens at the listeners.
pub struct Connections {
    metrics: Arc<Metrics>,
}

impl Connections {
    /// Counts into `metrics`.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

impl Events for Connections {
    fn opened(&self, _connection: &Connection) {
        self.metrics.accepted.inc();
        self.metrics.open.inc();
    }

    fn closed(&self, _connection: &Connection, _requests: u32) {
        self.metrics.open.dec();
    }

    fn refused(&self, connection: &Connection, refusal: Refusal) {
        self.metrics.refuse(refusal.reason);
        tracing::debug!(client = %connection.peer, status = refusal.status, reason = refusal.reason, "request refused");
    }

    fn turned_away(&self, _listener: SocketAddr, _peer: SocketAddr, why: TurnedAway) {
        self.metrics.refuse(match why {
            TurnedAway::Connections => "too many connections",
            TurnedAway::ConnectionsOfAddress => "too many connections of one address",
        });
    }

    fn handshake_failed(&self, listener: SocketAddr, peer: SocketAddr, error: &io::Error) {
        self.metrics.handshake_failures.inc();
        tracing::debug!(%listener, %peer, %error, "handshake failed");
    }

    fn accept_failed(&self, listener: SocketAddr, error: &io::Error) {
        tracing::error!(%listener, %error, "connections can't be accepted");
    }
}
