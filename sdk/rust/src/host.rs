//! What the edge offers, as it is in the WIT. The modules beside this one make it comfortable.

#![allow(missing_docs, reason = "the WIT is where these are described")]

wit_bindgen::generate!({
    path: "wit",
    inline: "package rimward:guest; world host { include rimward:filter/imports@0.1.0; }",
    ownership: Borrowing { duplicate_if_necessary: true },
    generate_all,
});

pub(crate) use rimward::filter::*;
