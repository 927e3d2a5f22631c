//! Images at the edge: what is asked of them, and how it is done. Knows nothing of HTTP.

pub mod geometry;
pub mod negotiate;
pub mod syntax;
pub mod transform;

pub use negotiate::negotiate;
pub use transform::{Bounds, Format, FormatChoice, Options, Transform};
