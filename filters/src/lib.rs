//! The steps a request takes: the contract of a filter, the pipeline that runs them, the compiled-in ones.

mod apart;
mod bucket;
pub mod builtin;
mod chosen;
mod cookies;
mod copied;
mod exchange;
mod filter;
mod outside;
mod paths;
mod pipeline;
mod ranges;
mod rate;
pub mod reference;
mod secrets;
mod settings;
mod target;
pub mod template;
#[cfg(test)]
mod testing;

pub use builtin::MaxBody;
pub use chosen::{Chosen, Failures, Fallback, KeyPart, Observer, OriginChoice, Tried};
pub use exchange::{Client, Exchange, Note, Scheme};
pub use filter::{
    Answer, Body, BodyRewriter, BodyWatcher, Build, BuildError, Builder, Configured, Filter,
    FilterError, FilterKind, Flow, Phase, Phases,
};
pub use outside::{AskError, Bounds, Outside, Surroundings, Tallies, Tally};
pub use pipeline::{Failure, Meter, OnError, Pipeline, Rewriters, Step, Trial, Verdict};
