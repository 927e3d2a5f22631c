//! Each compiled-in filter as a client sees it.

mod api_key;
mod basics;
mod esi;
mod migrate;
mod mirror;
mod mtls;
mod jwt;
mod signed_url;
mod geo;
mod body_replace;
mod error_pages;
mod html;
mod security_headers;
