//! Images at the edge: what is asked of them, and how it is done. Knows nothing of HTTP.

mod decode;
mod effects;
mod encode;
mod error;
pub mod geometry;
mod limits;
mod negotiate;
mod picture;
mod probe;
mod profile;
mod quality;
mod render;
mod resize;
pub mod syntax;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transform;
mod turn;
#[cfg(unix)]
pub mod worker;

pub use error::{ImageError, Measure};
pub use limits::{Limits, WEBP_SIDE};
pub use negotiate::{Hints, negotiate};
pub use probe::{Info, Kind, Orientation, probe};
pub use render::{Rendered, cost, render};
pub use transform::{Bounds, Format, FormatChoice, Options, Transform};
