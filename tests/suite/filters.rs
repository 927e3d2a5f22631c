//! Each compiled-in filter as a client sees it.

mod basics;
mod body_replace;
mod error_pages;
mod html;
mod security_headers;
