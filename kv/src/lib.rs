//! What an edge remembers by key.

/// A store of keys and values.
#[derive(Debug)]
pub struct Store {}
