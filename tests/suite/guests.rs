//! Filters in WebAssembly, as those who write them have them: the examples of the SDKs.

mod examples;
