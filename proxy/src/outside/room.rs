//! How much of a response is wanted by whoever asks.

use http::Request;
use rimward_filters::Cut;

/// How much there may be of a response's body, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) most: usize,
    /// Whether what is longer is cut, in place of an error.
    pub(crate) cuts: bool,
}

impl Room {
    /// What a request says of its response.
    pub(crate) fn of<B>(request: &Request<B>, most: usize) -> Self {
        let cuts = request.extensions().get::<Cut>().is_some();
        Self { most, cuts }
    }
}
