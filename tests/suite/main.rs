//! Every behaviour that a client or an operator can see, one test each.

#![allow(clippy::unwrap_used, reason = "tests")]

mod architecture;
mod binary;
mod caching;
mod commands;
mod compression;
mod contract;
mod disk;
mod examples;
mod filters;
mod functions;
mod guests;
mod images;
mod kv;
mod lane;
mod listeners;
mod observing;
mod origins;
mod pictures;
mod pingora;
mod plugins;
mod purging;
mod refused;
mod reload;
mod routing;
mod s3;
mod shields;
mod slices;
