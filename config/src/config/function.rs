//! What a function as an origin means.

use std::path::PathBuf;
use std::time::Duration;

use super::OriginId;
use crate::host::HostPattern;

/// A component of WebAssembly that answers requests, as an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The file that holds it.
    pub file: PathBuf,
    /// The variables of its environment, by name.
    pub env: Vec<(String, String)>,
    /// Its arguments.
    pub args: Vec<String>,
    /// The origins that it may ask.
    pub origins: Vec<OriginId>,
    /// The hosts that it may ask, at public addresses.
    pub hosts: Vec<HostPattern>,
    /// What it may take while it answers one request.
    pub limits: FunctionLimits,
}

/// What a function may take while it answers one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionLimits {
    /// Time on a processor.
    pub cpu: Duration,
    /// How long it may keep others waiting: until its response begins, and from one part of the body to the next.
    pub wall: Duration,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of the response's body.
    pub response_body: u64,
    /// Requests of its own.
    pub subrequests: u32,
    /// Bytes written to the log.
    pub log: u64,
    /// Requests that it answers at a time.
    pub concurrency: u32,
}

impl Default for FunctionLimits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(100),
            wall: Duration::from_secs(30),
            memory: 64 << 20,
            response_body: 64 << 20,
            subrequests: 32,
            log: 16 << 10,
            concurrency: 100,
        }
    }
}
