//! What a verified token says of the client.

use std::sync::Arc;

/// The claims of a token that was verified, for later filters.
#[derive(Debug, Clone)]
pub(crate) struct Claims(pub(crate) Arc<serde_json::Map<String, serde_json::Value>>);
