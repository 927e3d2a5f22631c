//! Each compiled-in filter as a client sees it.

mod api_key;
mod basics;
mod jwt;
mod signed_url;
