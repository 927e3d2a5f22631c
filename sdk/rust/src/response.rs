//! The response.

use crate::Result;
use crate::edits::Edits;
use crate::host::response;
use crate::host::types::{BodyWant, CacheStatus, HeaderOp};

/// The response on its way to the cache (in the phase `origin_response`) or the client (`response`).
#[derive(Debug)]
pub struct Response(());

impl Response {
    pub(crate) fn current() -> Self {
        Self(())
    }

    /// The status.
    pub fn status(&self) -> u16 {
        response::status()
    }

    /// A header, by its name in any case; the first of several.
    pub fn header(&self, name: &str) -> Option<String> {
        response::header(name)
    }

    /// All values of a header, as they came.
    pub fn header_all(&self, name: &str) -> Vec<Vec<u8>> {
        response::header_all(name)
    }

    /// Whether a header is there.
    pub fn has_header(&self, name: &str) -> bool {
        response::has_header(name)
    }

    /// Several headers by one call of the edge, as [`Request::headers_named`](crate::Request::headers_named).
    pub fn headers_named<const N: usize>(&self, names: [&str; N]) -> [Option<String>; N] {
        let mut values = response::header_many(&names).into_iter();
        names.map(|_| values.next().flatten())
    }

    /// The names of all headers.
    pub fn header_names(&self) -> Vec<String> {
        response::header_names()
    }

    /// All headers, in their order.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        response::headers()
    }

    /// What the cache had to do with it.
    pub fn cache_status(&self) -> CacheStatus {
        response::cache_result()
    }

    /// Sets the status.
    ///
    /// # Errors
    /// When it is not one of 200 to 599.
    pub fn set_status(&mut self, status: u16) -> Result<()> {
        Ok(response::set_status(status)?)
    }

    /// Sets a header, in place of all that have its name.
    ///
    /// # Errors
    /// For a header that is invalid or not for filters to touch.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        Ok(response::set_header(name, value)?)
    }

    /// Adds a header to those that have its name.
    ///
    /// # Errors
    /// As [`Response::set_header`].
    pub fn append_header(&mut self, name: &str, value: &str) -> Result<()> {
        Ok(response::edit_headers(&[HeaderOp::Append((name, value))])?)
    }

    /// Removes all headers of a name.
    ///
    /// # Errors
    /// As [`Response::set_header`].
    pub fn remove_header(&mut self, name: &str) -> Result<()> {
        Ok(response::edit_headers(&[HeaderOp::Remove(name)])?)
    }

    /// Several changes of headers at once.
    pub fn edit<'a>(&mut self) -> Edits<'a> {
        Edits::new(response::edit_headers)
    }

    /// Keeps it in the cache for so many seconds, whatever the origin says, then serves it for `while_revalidate` more while a
    /// new one is fetched, and for `if_error` while the origin fails. In the phase `origin_response`, as the two below.
    ///
    /// # Errors
    /// In other phases.
    pub fn cache_for(&mut self, seconds: u32, while_revalidate: u32, if_error: u32) -> Result<()> {
        Ok(response::cache_for(seconds, while_revalidate, if_error)?)
    }

    /// Is not stored.
    ///
    /// # Errors
    /// In other phases.
    pub fn cache_never(&mut self) -> Result<()> {
        Ok(response::cache_never()?)
    }

    /// Names by which it can be purged, beside those that the origin gave.
    ///
    /// # Errors
    /// In other phases, and for a key that is not one.
    pub fn surrogate_keys(&mut self, keys: &[&str]) -> Result<()> {
        Ok(response::surrogate_keys(keys)?)
    }

    /// Wants to see the body, in [`Filter::origin_response_body`](crate::Filter::origin_response_body) or
    /// [`Filter::response_body`](crate::Filter::response_body). With [`BodyWant::Buffered`] the head is held back, and can
    /// still be changed there.
    ///
    /// # Errors
    /// When it is too late for that, or more is wanted than the filter may have.
    pub fn want_body(&mut self, want: BodyWant) -> Result<()> {
        Ok(response::want_body(want)?)
    }
}
