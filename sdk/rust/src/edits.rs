//! Several changes of a head at once.

use crate::Result;
use crate::host::types::{self, HeaderOp};

/// Changes of headers that are made together, by one call of the edge: by [`Request::edit`](crate::Request::edit) and
/// [`Response::edit`](crate::Response::edit).
///
/// ```no_run
/// # fn example(request: &mut rimward_filter::Request) -> rimward_filter::Result<()> {
/// request
///     .edit()
///     .set("x-tenant", "shop")
///     .append("via", "1.1 guest")
///     .remove("x-debug")
///     .apply()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing changes before `apply`"]
pub struct Edits<'a> {
    edits: Vec<HeaderOp<'a>>,
    make: fn(&[HeaderOp<'_>]) -> Result<(), types::Error>,
}

impl<'a> Edits<'a> {
    pub(crate) fn new(make: fn(&[HeaderOp<'_>]) -> Result<(), types::Error>) -> Self {
        Self {
            edits: Vec::new(),
            make,
        }
    }

    /// Sets a header, in place of all that have its name.
    pub fn set(mut self, name: &'a str, value: &'a str) -> Self {
        self.edits.push(HeaderOp::Set((name, value)));
        self
    }

    /// Adds a header to those that have its name.
    pub fn append(mut self, name: &'a str, value: &'a str) -> Self {
        self.edits.push(HeaderOp::Append((name, value)));
        self
    }

    /// Removes all headers of a name.
    pub fn remove(mut self, name: &'a str) -> Self {
        self.edits.push(HeaderOp::Remove(name));
        self
    }

    /// Makes the changes, in this order: all of them, or none when one is refused.
    ///
    /// # Errors
    /// For a header that is invalid or not for filters to touch, and in phases that may not change the head.
    pub fn apply(self) -> Result<()> {
        Ok((self.make)(&self.edits)?)
    }
}
