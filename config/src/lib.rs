//! What the operator wrote, made certain: text → `Document` → [`Config`].
//!
//! [`load()`] and [`parse()`] tell every problem of a configuration at once, each with file, line, column and what
//! would have been right. A [`Config`] that exists is right, but for files that may be missing or broken.

pub mod config;
mod decode;
mod document;
mod filter_spec;
mod host;
mod key_path;
mod load;
mod normal_path;
mod path;
mod problem;
mod resolve;
mod schema;
mod source;
mod tree;
mod value;

pub use config::*;
pub use decode::decode;
pub use filter_spec::{FilterSpec, OnErrorSpec};
pub use host::HostPattern;
pub use load::{load, load_admin, load_with, parse};
pub use normal_path::{BadPath, normalise_path};
pub use path::{PathPattern, Segment};
pub use problem::{Location, Problem, Problems};
pub use schema::schema;
pub use source::Source;
pub use value::{
    ByteSize, Cidr, Country, HeaderName, MediaPattern, Method, Percent, Span, StatusCode,
    ValueError,
};
