//! Images at the edge: what is asked of them, and how it is done. Knows nothing of HTTP.

pub mod geometry;
pub mod syntax;
pub mod transform;
