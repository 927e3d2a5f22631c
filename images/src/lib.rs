//! Images at the edge: what is asked of them, and how it is done. Knows nothing of HTTP.

mod decode;
mod error;
pub mod geometry;
mod limits;
mod negotiate;
mod picture;
mod probe;
pub mod syntax;
pub mod transform;

pub use error::ImageError;
pub use limits::{Limits, WEBP_SIDE};
pub use negotiate::{Hints, negotiate};
pub use probe::{Info, Kind, Orientation, probe};
pub use transform::{Bounds, Format, FormatChoice, Options, Transform};
