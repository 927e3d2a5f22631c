//! The request.

use crate::edits::Edits;
use crate::host::request;
use crate::host::types::{BodyWant, HeaderOp};
use crate::{Origin, Result};

/// The request that is being served. The edge has the only copy: each method asks it, and copies what it returns.
#[derive(Debug)]
pub struct Request(());

impl Request {
    pub(crate) fn current() -> Self {
        Self(())
    }

    /// `GET`, `POST` …
    pub fn method(&self) -> String {
        request::method()
    }

    /// Path and query.
    pub fn uri(&self) -> String {
        request::uri()
    }

    /// The path, which starts with `/`.
    pub fn path(&self) -> String {
        request::path()
    }

    /// The query without its question mark.
    pub fn query(&self) -> Option<String> {
        request::query()
    }

    /// A parameter of the query; the first of several.
    pub fn query_param(&self, name: &str) -> Option<String> {
        request::query_param(name)
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> String {
        request::scheme()
    }

    /// The host asked for.
    pub fn host(&self) -> String {
        request::host()
    }

    /// The version of HTTP that the client speaks.
    pub fn http_version(&self) -> String {
        request::http_version()
    }

    /// A header, by its name in any case; the first of several.
    pub fn header(&self, name: &str) -> Option<String> {
        request::header(name)
    }

    /// All values of a header, as they came.
    pub fn header_all(&self, name: &str) -> Vec<Vec<u8>> {
        request::header_all(name)
    }

    /// Whether a header is there.
    pub fn has_header(&self, name: &str) -> bool {
        request::has_header(name)
    }

    /// Several headers by one call of the edge, which is cheaper than one at a time.
    ///
    /// ```no_run
    /// # fn example(request: &rimward_filter::Request) {
    /// let [accept, range] = request.headers_named(["accept", "range"]);
    /// # }
    /// ```
    pub fn headers_named<const N: usize>(&self, names: [&str; N]) -> [Option<String>; N] {
        let mut values = request::header_many(&names).into_iter();
        names.map(|_| values.next().flatten())
    }

    /// The names of all headers.
    pub fn header_names(&self) -> Vec<String> {
        request::header_names()
    }

    /// All headers, in their order.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        request::headers()
    }

    /// A cookie's value; the first of several.
    pub fn cookie(&self, name: &str) -> Option<String> {
        request::cookie(name)
    }

    /// Sets a header, in place of all that have its name.
    ///
    /// # Errors
    /// For a header that is invalid or not for filters to touch, and in phases that may not change the request. The latter
    /// holds for all that change it.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        Ok(request::set_header(name, value)?)
    }

    /// Adds a header to those that have its name.
    ///
    /// # Errors
    /// As [`Request::set_header`].
    pub fn append_header(&mut self, name: &str, value: &str) -> Result<()> {
        Ok(request::edit_headers(&[HeaderOp::Append((name, value))])?)
    }

    /// Removes all headers of a name.
    ///
    /// # Errors
    /// As [`Request::set_header`].
    pub fn remove_header(&mut self, name: &str) -> Result<()> {
        Ok(request::edit_headers(&[HeaderOp::Remove(name)])?)
    }

    /// Several changes of headers at once.
    pub fn edit<'a>(&mut self) -> Edits<'a> {
        Edits::new(request::edit_headers)
    }

    /// Asks for another path and query.
    ///
    /// # Errors
    /// When it is not one.
    pub fn set_uri(&mut self, path_and_query: &str) -> Result<()> {
        Ok(request::set_uri(path_and_query)?)
    }

    /// Asks for another host: what the origin is told. The site stays as it was found.
    ///
    /// # Errors
    /// When it is not one.
    pub fn set_host(&mut self, host: &str) -> Result<()> {
        Ok(request::set_host(host)?)
    }

    /// Has another origin asked, when the cache can't answer: one of the configuration by its name, or a
    /// [`CustomOrigin`](crate::CustomOrigin).
    ///
    /// # Errors
    /// When there is none of this name, or the filter has no grant for it.
    pub fn set_origin(&mut self, origin: impl Into<Origin>) -> Result<()> {
        Ok(origin.into().lend(request::set_origin)?)
    }

    /// The origin that is going to be asked.
    pub fn origin(&self) -> Origin {
        request::chosen_origin().into()
    }

    /// Tells responses to the same URL apart in the cache: those to requests with another value are stored apart. In the
    /// phase `request`.
    ///
    /// # Errors
    /// In other phases.
    pub fn cache_key_part(&mut self, label: &str, value: &str) -> Result<()> {
        Ok(request::cache_key_part(label, value)?)
    }

    /// Has the origin answer, whatever the cache has, and the answer not stored. In the phase `request`.
    ///
    /// # Errors
    /// In other phases.
    pub fn cache_bypass(&mut self) -> Result<()> {
        Ok(request::cache_bypass()?)
    }

    /// Wants to see the body, in [`Filter::request_body`](crate::Filter::request_body).
    ///
    /// # Errors
    /// When it is too late for that, or more is wanted than the filter may have.
    pub fn want_body(&mut self, want: BodyWant) -> Result<()> {
        Ok(request::want_body(want)?)
    }
}
