//! Handlers of Lambda@Edge: an exchange becomes the event that they know, and what they return becomes changes to it.
//!
//! Nothing here runs a handler: a [`Guest`] does, and gets one text for another. What is here holds the text to the rules of
//! the AWS guide, so that they are the same for every language.
//!
//! | file | |
//! |---|---|
//! | `settings.rs`, `handler.rs` | what a configuration says of a handler, and that made ready |
//! | `event.rs` | the four events, their quotas and their read-only headers |
//! | `invocation.rs` | one call: the event as JSON, and what comes of the answer |
//! | `request.rs`, `response.rs`, `headers.rs`, `body.rs`, `origin.rs` | the parts of both |
//! | `viewer.rs` | the headers in which CloudFront tells who asks |
//! | `filter.rs` | the filter: which phase calls the handler, and when |

mod body;
mod event;
mod fault;
mod filter;
mod handler;
mod headers;
mod invocation;
mod origin;
mod request;
mod response;
mod settings;
mod viewer;

#[cfg(test)]
mod tests;

pub use event::Event;
pub use fault::Fault;
pub use filter::{Guest, LambdaEdge};
pub use handler::Handler;
pub use invocation::{Invocation, Outcome};
pub use origin::HostGrant;
pub use request::RequestChanges;
pub use response::ResponseChanges;
pub use settings::{Grants, Settings};
pub use viewer::ViewerHeader;
