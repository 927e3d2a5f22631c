//! What the edge is built on: each test holds one assumption about pingora 0.9.1, so that an upgrade shows what moved.
//!
//! Some of them are faults of the engine that the edge works around. When such a test fails, the work-around can go.

mod cache;
mod connections;
mod origins;
mod probe;
