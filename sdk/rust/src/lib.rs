//! Filters for the Rimward edge, written in Rust.
//!
//! A filter is a type that implements [`Filter`]. The attribute [`export`] makes a component of it, which the edge loads
//! while it runs:
//!
//! ```
//! use rimward_filter::{Answer, Config, Filter, Request, Result, Verdict, export};
//!
//! struct Teapot;
//!
//! #[export]
//! impl Filter for Teapot {
//!     fn new(_: &Config) -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     fn request(&mut self, request: &mut Request) -> Result<Verdict> {
//!         if request.path() == "/coffee" {
//!             return Ok(Answer::new(418).text("I'm a teapot\n").into());
//!         }
//!         request.set_header("x-brewed-by", "teapot")?;
//!         Ok(Verdict::Next)
//!     }
//! }
//! ```
//!
//! The crate is a `cdylib` for `wasm32-unknown-unknown` or `wasm32-wasip2`. On the former, which makes the smaller guests, `println!`
//! writes nowhere and `std::time` has no clock: [`log`](mod@log) and [`clock`] do.
//!
//! # What there is
//!
//! | | |
//! |---|---|
//! | [`Request`], [`Response`], [`Body`] | what passes |
//! | [`Verdict`], [`Answer`], [`ChunkVerdict`], [`BodyWant`] | what a phase wants to happen |
//! | [`Origin`], [`CustomOrigin`], [`Subrequest`] | other servers |
//! | [`kv`], [`secrets`], [`crypto`] | what the edge keeps |
//! | [`context`], [`geo`], [`clock`] | what the edge knows |
//! | [`log`](mod@log), [`metrics`] | what the operator sees |
//! | [`html`], [`images`] | what the edge does with bodies, quicker than a guest would |

#![warn(missing_docs)]

// So that what the attribute writes finds this crate in the crate's own examples and tests, too.
extern crate self as rimward_filter;

mod body;
pub mod clock;
mod config;
pub mod context;
pub mod crypto;
mod edits;
mod error;
#[doc(hidden)]
pub mod exports;
mod filter;
pub mod geo;
mod host;
pub mod html;
pub mod images;
pub mod kv;
pub mod log;
pub mod metrics;
mod origin;
mod request;
mod response;
pub mod secrets;
mod subrequest;
mod verdict;

pub use body::Body;
pub use config::Config;
pub use edits::Edits;
pub use error::{Error, Result};
pub use filter::{Filter, Summary};
pub use host::types::{BodyWant, CacheStatus};
pub use origin::{CustomOrigin, Origin};
pub use request::Request;
pub use response::Response;
pub use rimward_filter_macros::export;
pub use subrequest::{Pending, Reply, Subrequest};
pub use verdict::{Answer, ChunkVerdict, Verdict};
