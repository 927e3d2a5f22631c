//! What is known of the request beside its head.

use std::time::Duration;

use crate::host::context;

pub use crate::host::types::Phase;

/// The request's identity in logs.
pub fn request_id() -> String {
    context::request_id()
}

/// The name of the POP.
pub fn pop() -> String {
    context::pop()
}

/// The phase that runs.
pub fn phase() -> Phase {
    context::current_phase()
}

/// The client's address.
pub fn client_ip() -> String {
    context::client_ip()
}

/// A fact of the client's TLS connection, such as `certificate.subject`; nothing without one.
pub fn tls(field: &str) -> Option<String> {
    context::tls(field)
}

/// A variable of this request that a filter has set, this one or another, in this phase or before.
pub fn var(name: &str) -> Option<String> {
    context::get_var(name)
}

/// Sets a variable of this request.
pub fn set_var(name: &str, value: &str) {
    context::set_var(name, value);
}

/// What is left of the time that the filter may compute.
pub fn budget() -> Duration {
    Duration::from_micros(context::budget_us())
}
