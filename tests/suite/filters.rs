//! Each compiled-in filter as a client sees it.

mod basics;
mod forward_auth;
mod migrate;
mod mirror;
mod oidc;
mod waiting_room;
