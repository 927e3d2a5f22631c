//! What is done to the pixels beside giving them another size.

mod attention;
mod blur;
mod border;
mod colours;

pub(crate) use attention::attention;
pub(crate) use blur::{blur, sharpen};
pub(crate) use border::{Found, find_border};
pub(crate) use colours::adjust;
