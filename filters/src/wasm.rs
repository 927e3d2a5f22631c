//! Filters that are guests: code in WebAssembly, run in a sandbox.

mod abi;
mod engine;
pub mod function;
mod limits;
