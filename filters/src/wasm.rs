//! Filters that are guests: code in WebAssembly, run in a sandbox.

pub mod lambda_edge;
