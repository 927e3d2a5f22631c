//! The one place where errors become statuses, and where it is told whose fault they were.

use pingora::{Error, ErrorSource, ErrorType};

use super::context::Context;
use crate::listen::Refusal;
use crate::log::Who;

/// What an error means to the client and to the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The status; `None` when there is nobody left to tell.
    pub(super) status: Option<u16>,
    /// Who is to blame.
    pub(super) who: Who,
}

/// The error that ends an exchange with a status, without blaming an origin.
pub(super) fn refuse(status: u16, reason: impl Into<pingora::ImmutStr>) -> Box<Error> {
    let mut error = Error::explain(ErrorType::HTTPStatus(status), reason);
    error.esource = ErrorSource::Downstream;
    error
}

/// The same for a fault of the edge: a filter that failed, an origin that is missing.
pub(super) fn fail(status: u16, reason: impl Into<pingora::ImmutStr>) -> Box<Error> {
    let mut error = Error::explain(ErrorType::HTTPStatus(status), reason);
    error.esource = ErrorSource::Internal;
    error
}

/// The same for the fault of a host that was asked in place of an origin.
pub(super) fn blame(status: u16, reason: impl Into<pingora::ImmutStr>) -> Box<Error> {
    let mut error = Error::explain(ErrorType::HTTPStatus(status), reason);
    error.esource = ErrorSource::Upstream;
    error
}

/// The error that has the engine try again: the origin's response does not count.
pub(super) fn retry(status: u16, reason: impl Into<pingora::ImmutStr>) -> Box<Error> {
    let mut error = Error::explain(ErrorType::HTTPStatus(status), reason);
    error.esource = ErrorSource::Upstream;
    error.set_retry(true);
    error
}

/// Tells what an error means.
pub(super) fn classify(error: &Error) -> Fault {
    let timeout = is_timeout(error.etype());
    let (status, who) = match error.esource() {
        ErrorSource::Upstream if timeout => (Some(504), Who::OriginTimeout),
        ErrorSource::Upstream => (Some(origin_status(error.etype())), Who::Origin),
        ErrorSource::Downstream => client_fault(error, timeout),
        ErrorSource::Internal | ErrorSource::Unset => (Some(own_status(error.etype())), Who::Edge),
    };
    Fault { status, who }
}

fn is_timeout(kind: &ErrorType) -> bool {
    matches!(
        kind,
        ErrorType::ConnectTimedout
            | ErrorType::TLSHandshakeTimedout
            | ErrorType::ReadTimedout
            | ErrorType::WriteTimedout
    )
}

fn origin_status(kind: &ErrorType) -> u16 {
    match kind {
        ErrorType::HTTPStatus(status) => *status,
        _ => 502,
    }
}

fn own_status(kind: &ErrorType) -> u16 {
    match kind {
        ErrorType::HTTPStatus(status) => *status,
        _ => 500,
    }
}

fn client_fault(error: &Error, timeout: bool) -> (Option<u16>, Who) {
    // The listener ends a body that is malformed, too long or too slow.
    if let Some(refusal) = Refusal::of(error) {
        let who = if refusal.status == 408 {
            Who::ClientTimeout
        } else {
            Who::Client
        };
        return (Some(refusal.status), who);
    }
    match error.etype() {
        ErrorType::HTTPStatus(status) => (Some(*status), Who::Client),
        _ if timeout => (Some(408), Who::ClientTimeout),
        ErrorType::ReadError
        | ErrorType::WriteError
        | ErrorType::ConnectionClosed
        | ErrorType::H2Error => (None, Who::Client),
        _ => (Some(400), Who::Client),
    }
}

/// What the log says of an error: whose server it was, if one was asked, and the engine's words.
pub(super) fn describe(error: &Error, ctx: &Context) -> String {
    let words = error.to_string();
    match (ctx.asked_of(), error.esource()) {
        (Some((origin, server)), ErrorSource::Upstream) => {
            format!("origin `{origin}`, server `{server}`: {words}")
        }
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_status_and_its_culprit() {
        use ErrorSource::{Downstream, Internal, Upstream};
        let table = [
            (ErrorType::ConnectRefused, Upstream, Some(502), Who::Origin),
            (
                ErrorType::ConnectTimedout,
                Upstream,
                Some(504),
                Who::OriginTimeout,
            ),
            (
                ErrorType::ReadTimedout,
                Upstream,
                Some(504),
                Who::OriginTimeout,
            ),
            (
                ErrorType::ConnectionClosed,
                Upstream,
                Some(502),
                Who::Origin,
            ),
            (
                ErrorType::InvalidHTTPHeader,
                Upstream,
                Some(502),
                Who::Origin,
            ),
            (ErrorType::HTTPStatus(503), Upstream, Some(503), Who::Origin),
            (ErrorType::HTTPStatus(503), Internal, Some(503), Who::Edge),
            (ErrorType::InternalError, Internal, Some(500), Who::Edge),
            (
                ErrorType::ReadTimedout,
                Downstream,
                Some(408),
                Who::ClientTimeout,
            ),
            (
                ErrorType::HTTPStatus(421),
                Downstream,
                Some(421),
                Who::Client,
            ),
            (ErrorType::WriteError, Downstream, None, Who::Client),
            (
                ErrorType::InvalidHTTPHeader,
                Downstream,
                Some(400),
                Who::Client,
            ),
        ];
        for (kind, source, status, who) in table {
            let mut error = Error::new(kind.clone());
            error.esource = source.clone();
            assert_eq!(
                classify(&error),
                Fault { status, who },
                "{kind:?} {source:?}"
            );
        }
    }

    #[test]
    fn a_body_that_the_listener_ended_is_the_clients_fault() {
        for status in [400, 408, 413] {
            let cause = std::io::Error::other(Refusal::new(status, "x"));
            let error = Error::because(ErrorType::ReadError, "reading body", cause).into_down();
            assert_eq!(classify(&error).status, Some(status));
        }
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(
            classify(&Error::because(ErrorType::ReadError, "reading body", gone).into_down())
                .status,
            None
        );
    }
}
