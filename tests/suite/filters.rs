//! Each compiled-in filter as a client sees it.

mod ab;
mod basics;
mod cookies;
mod device;
mod language;
mod maintenance;
mod query;
