//! Filters that are guests: code in WebAssembly, run in a sandbox.

mod abi;
mod code;
pub mod component;
mod engine;
pub mod function;
mod guest;
mod host;
mod instance;
mod lambda;
pub mod lambda_edge;
mod limits;
mod link;
pub mod logs;
#[cfg(test)]
mod manual;
mod settings;
mod state;
mod trial;
mod version;
pub mod versions;
mod wasi;

#[doc(hidden)]
pub use code::KeptCode;
pub(crate) use guest::Guest;
pub use versions::Versions;
