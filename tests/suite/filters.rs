//! Each compiled-in filter as a client sees it.

mod ab;
mod api_key;
mod basics;
mod bodies;
mod body_replace;
mod cookies;
mod device;
mod error_pages;
mod esi;
mod forward_auth;
mod geo;
mod html;
mod image;
mod inner;
mod jwt;
mod language;
mod maintenance;
mod migrate;
mod mirror;
mod mtls;
mod oidc;
mod phases;
mod query;
mod security_headers;
mod signed_url;
mod waiting_room;
