//! Values with units and forms, each a type that cannot be wrong.

mod bucket;
mod cidr;
mod duration;
mod forms;
mod http;
mod listening;
mod media;
mod percent;
mod server_url;
mod size;
mod text;

pub(crate) use bucket::{Endpoint, KeysFrom};
pub use cidr::Cidr;
pub use duration::Span;
pub(crate) use forms::{OneOrMany, Short, Switch};
pub use http::{Country, HeaderName, Method, StatusCode};
pub(crate) use http::{ErrorStatus, is_token};
pub(crate) use listening::Listening;
pub use media::MediaPattern;
pub use percent::Percent;
pub(crate) use server_url::{ServerUrl, is_label, is_name};
pub use size::ByteSize;
pub use text::ValueError;
pub(crate) use text::{Text, TextVisitor, text_value};
