//! Each compiled-in filter as a client sees it.

mod ab;
mod basics;
