//! The steps a request takes: the contract of a filter, the pipeline that runs them, the compiled-in ones.

mod agents;
mod apart;
mod bodies;
mod bucket;
pub mod builtin;
mod certificate;
mod chosen;
mod claims;
mod cookies;
mod copied;
mod credentials;
mod elsewhere;
pub mod esi;
mod exchange;
mod filter;
mod lasting;
mod location;
mod markup;
mod moment;
mod outside;
mod parameters;
mod passphrase;
mod paths;
mod pictures;
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
pub mod variants;
mod vary;
pub mod wasm;

pub use builtin::MaxBody;
pub use certificate::{
    AlternativeName, AttributeKind, ClientCertificate, DistinguishedName, Fact,
    UnreadableCertificate,
};
pub use chosen::{Chosen, Failures, Fallback, KeyPart, Observer, OriginChoice, Tried};
pub use elsewhere::Elsewhere;
pub use exchange::{
    Client, Exchange, Fingerprint, Found, Handshake, Note, Pass, RequestBody, Scheme, Storing,
};
pub use filter::{
    Answer, Body, BodyHolder, BodyRewriter, BodyWatcher, Build, BuildError, Builder, Configured,
    Filter, FilterError, FilterKind, Flow, Phase, Phases, Secret, Summary,
};
pub use location::LocationField;
pub use outside::{
    AskError, Bounds, Cut, Depth, Destination, Outside, ServerName, Stream, Surroundings, Tallies,
    Tally, Waits,
};
pub use pipeline::{
    Arriving, Came, Failure, Meter, NoBody, OnError, Pipeline, Rewriters, Source, Step, Stopped,
    Unfinished, Verdict, WayThere,
};
