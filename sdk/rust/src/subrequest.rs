//! Requests of the filter's own.

use std::time::Duration;

use crate::host::subrequest::{self, Outgoing};
use crate::origin::milliseconds;
use crate::{Origin, Result};

/// A request of the filter's own: to an origin that it has a grant for, or through this edge as its clients' requests are.
///
/// ```no_run
/// # use rimward_filter::{Result, Subrequest};
/// # fn example() -> Result<()> {
/// let prices = Subrequest::get("/prices").cached().start()?;
/// let stock = Subrequest::get("/stock").to("warehouse").start()?;
/// let (prices, stock) = (prices.wait()?, stock.wait()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send` or `start`"]
pub struct Subrequest<'a> {
    method: &'a str,
    uri: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
    origin: Origin,
    timeout: Duration,
    max_body: u32,
    cached: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or its beginning.
    pub body: Vec<u8>,
    /// Whether there is more of the body than was asked for.
    pub truncated: bool,
}

/// A request that was started.
#[derive(Debug)]
pub struct Pending(subrequest::Pending);

impl<'a> Subrequest<'a> {
    /// `GET` of a path with its query.
    pub fn get(uri: &'a str) -> Self {
        Self::new("GET", uri)
    }

    /// `POST` of a body.
    pub fn post(uri: &'a str, body: &'a [u8]) -> Self {
        Self::new("POST", uri).body(body)
    }

    /// A request to the origin of this request, that has two seconds and takes a body of up to a MiB.
    pub fn new(method: &'a str, uri: &'a str) -> Self {
        Self {
            method,
            uri,
            headers: Vec::new(),
            body: &[],
            origin: Origin::Named(String::new()),
            timeout: Duration::from_secs(2),
            max_body: 0,
            cached: false,
        }
    }

    /// Goes to this origin.
    pub fn to(mut self, origin: impl Into<Origin>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Has this body.
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    /// Has to be answered within this time.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Takes so many bytes of the answer's body: of a longer one the beginning, marked as `truncated`. Unless it is said, a body beyond
    /// the filter's limit `response_body` is an error.
    pub fn max_body(mut self, bytes: u32) -> Self {
        self.max_body = bytes;
        self
    }

    /// Goes through this edge itself, its routes, filters and cache, to the host of a custom origin, or else to that of the request.
    pub fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// Sends it and waits.
    ///
    /// # Errors
    /// When the origin can't be asked or does not answer in time, and when the filter has no grant or no subrequest left.
    pub fn send(&self) -> Result<Reply> {
        Ok(self.lend(subrequest::send)?.into())
    }

    /// Sends it, so that the filter can do something else before it waits.
    ///
    /// # Errors
    /// As [`Subrequest::send`].
    pub fn start(&self) -> Result<Pending> {
        Ok(Pending(self.lend(subrequest::start)?))
    }

    fn lend<R>(&self, call: impl FnOnce(Outgoing<'_>) -> R) -> R {
        self.origin.lend(|to| {
            call(Outgoing {
                method: self.method,
                uri: self.uri,
                headers: &self.headers,
                body: self.body,
                to,
                timeout_ms: milliseconds(self.timeout),
                max_body: self.max_body,
                cached: self.cached,
            })
        })
    }
}

impl Pending {
    /// Waits for the answer.
    ///
    /// # Errors
    /// As [`Subrequest::send`].
    pub fn wait(self) -> Result<Reply> {
        Ok(self.0.wait()?.into())
    }
}

impl Reply {
    /// A header, by its name in any case; the first of several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_it = |(header, _): &&(String, String)| header.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(is_it)
            .map(|(_, value)| value.as_str())
    }
}

impl From<subrequest::Incoming> for Reply {
    fn from(incoming: subrequest::Incoming) -> Self {
        Self {
            status: incoming.status,
            headers: incoming.headers,
            body: incoming.body,
            truncated: incoming.truncated,
        }
    }
}
