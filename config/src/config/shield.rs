//! What a shield means.

use super::{Admin, Origin};

/// `[shield.NAME]`: edges that are asked before the origin.
#[derive(Debug, Clone)]
pub struct Shield {
    /// The edges, as an origin of which the cache key chooses the server.
    pub edges: Origin,
    /// What happens when none of them can be asked.
    pub fallback: Fallback,
    /// Their admin interfaces: a purge is sent there before it is done here.
    pub purge: Vec<Admin>,
}

impl Shield {
    /// Its name in the file.
    pub fn name(&self) -> &str {
        &self.edges.name
    }
}

/// What happens when no edge of a shield can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// The origin is asked directly.
    #[default]
    Origin,
    /// The request fails.
    Fail,
}
