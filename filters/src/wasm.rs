//! Filters that are guests: code in WebAssembly, run in a sandbox.

mod abi;
