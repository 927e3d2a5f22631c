//! Each compiled-in filter as a client sees it.

mod basics;
mod esi;
mod migrate;
mod mirror;
mod mtls;
