//! The contract of a filter.

use std::time::Duration;

use crate::{Body, CacheStatus, ChunkVerdict, Config, Request, Response, Result, Verdict};

/// One step that requests, and their responses, take through the edge.
///
/// Write the phases that the filter has something to do in, and put [`#[export]`](crate::export) on the `impl`: the edge
/// calls those and no others.
///
/// An instance serves one request at a time. It is made at the first phase of a request and lives until the last one, so
/// that what one phase leaves in `self` is there for the next. With `isolation = "reuse"` it then serves other
/// requests: set in [`Filter::request`] what belongs to one request.
///
/// A phase that returns an error, panics or runs into a limit has failed. What the client gets then is up to the filter's `on_error` in the
/// configuration of the edge.
///
/// ```
/// use rimward_filter::{Config, Filter, Request, Response, Result, Verdict, export};
///
/// struct Greeting {
///     text: String,
/// }
///
/// #[export]
/// impl Filter for Greeting {
///     fn new(config: &Config) -> Result<Self> {
///         let text = config.get("text").ok_or("`text` is missing")?;
///         Ok(Self { text })
///     }
///
///     fn response(&mut self, _: &Request, response: &mut Response) -> Result<Verdict> {
///         response.set_header("x-greeting", &self.text)?;
///         Ok(Verdict::Next)
///     }
/// }
/// ```
pub trait Filter: Sized + 'static {
    /// Makes an instance by the filter's `config`. The edge also does so once before a version of the filter gets traffic: with
    /// an error here the version is refused, and the one before serves on.
    ///
    /// # Errors
    /// With what is wrong with the configuration, and what would be right.
    fn new(config: &Config) -> Result<Self>;

    /// Every request, before the cache is looked up.
    ///
    /// # Errors
    /// When the filter can't do its work. The same holds for the phases below.
    fn request(&mut self, request: &mut Request) -> Result<Verdict> {
        let _ = request;
        Ok(Verdict::Next)
    }

    /// The request's body, or the next piece of it, after [`Request::want_body`].
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn request_body(&mut self, request: &mut Request, body: &Body) -> Result<ChunkVerdict> {
        let _ = (request, body);
        Ok(ChunkVerdict::Pass)
    }

    /// Before the edge asks the origin, which it does when the cache could not answer. What is changed of the request is for the origin
    /// alone; an answer takes the place of the origin's.
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn origin_request(&mut self, request: &mut Request) -> Result<Verdict> {
        let _ = request;
        Ok(Verdict::Next)
    }

    /// The origin has answered. What is changed is stored in the cache.
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn origin_response(&mut self, request: &Request, response: &mut Response) -> Result<Verdict> {
        let _ = (request, response);
        Ok(Verdict::Next)
    }

    /// The body of the origin's response, or the next piece of it, after [`Response::want_body`]. Nothing may wait here: key-value
    /// stores and subrequests are refused.
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn origin_response_body(
        &mut self,
        request: &Request,
        response: &mut Response,
        body: &Body,
    ) -> Result<ChunkVerdict> {
        let _ = (request, response, body);
        Ok(ChunkVerdict::Pass)
    }

    /// Every response, from the cache or not, before the client gets it. What is changed is not stored.
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn response(&mut self, request: &Request, response: &mut Response) -> Result<Verdict> {
        let _ = (request, response);
        Ok(Verdict::Next)
    }

    /// The body on its way to the client, as in [`Filter::origin_response_body`].
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn response_body(
        &mut self,
        request: &Request,
        response: &mut Response,
        body: &Body,
    ) -> Result<ChunkVerdict> {
        let _ = (request, response, body);
        Ok(ChunkVerdict::Pass)
    }

    /// After the last byte. Nothing can be changed any more.
    #[allow(clippy::missing_errors_doc, reason = "told above")]
    fn log(&mut self, request: &Request, summary: &Summary) -> Result<()> {
        let _ = (request, summary);
        Ok(())
    }
}

/// How a request ended, in [`Filter::log`].
#[derive(Debug, Clone)]
pub struct Summary {
    /// The status that the client got.
    pub status: u16,
    /// How many bytes it got.
    pub bytes_sent: u64,
    /// How long it took.
    pub duration: Duration,
    /// How long the origin took, if it was asked.
    pub origin: Option<Duration>,
    /// What the cache had to do with it.
    pub cache: CacheStatus,
    /// What went wrong.
    pub error: Option<String>,
}
