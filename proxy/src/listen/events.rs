//! What a listener tells those who count and log.

use std::io;
use std::net::SocketAddr;

use super::connection::Connection;
use super::refusal::{Page, Refusal};

/// What happens at the listeners. Each method is called on a worker and must not block.
pub trait Events: Send + Sync + 'static {
    /// A connection was accepted, counted and, with TLS, shaken hands on.
    fn opened(&self, _connection: &Connection) {}

    /// A connection that was opened ended after this many requests.
    fn closed(&self, _connection: &Connection, _requests: u32) {}

    /// A request was refused before the engine saw it, or its body was ended.
    fn refused(&self, _connection: &Connection, _refusal: Refusal) {}

    /// A connection was closed as soon as it was accepted.
    fn turned_away(&self, _listener: SocketAddr, _peer: SocketAddr, _why: TurnedAway) {}

    /// A PROXY header or a TLS handshake failed or took too long.
    fn handshake_failed(&self, _listener: SocketAddr, _peer: SocketAddr, _error: &io::Error) {}

    /// Connections can't be accepted, most likely for want of file descriptors. Told once a second at most.
    fn accept_failed(&self, _listener: SocketAddr, _error: &io::Error) {}

    /// The body for a refusal; a line of plain text when there is none.
    fn page(&self, _connection: &Connection, _refusal: Refusal) -> Option<Page> {
        None
    }
}

/// Which bound a connection was closed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// The listener has as many connections as it may have.
    Connections,
    /// The client's address has as many connections as it may have.
    ConnectionsOfAddress,
}

/// Nobody counts and nobody logs.
impl Events for () {}
