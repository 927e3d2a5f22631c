//! The whole contract of a filter on one page.
//!
//! A filter is built once from the configuration and shared by all requests. What it must remember from one phase
//! of an exchange to the next goes into [`Exchange::notes`], never into the filter.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use pingora_http::{RequestHeader, ResponseHeader};

use crate::exchange::Exchange;

/// One step of a route's pipeline.
///
/// Every phase does nothing unless a filter says otherwise. Conventions that the signatures can't tell:
///
/// * No phase may block: what waits goes into [`Filter::request_later`].
/// * No phase may panic, whatever the client or the origin sent.
/// * A header-only phase that has nothing to do for a request allocates nothing.
#[async_trait]
pub trait Filter: Send + Sync {
    /// The phases this filter has something to do in. The others are never called.
    fn phases(&self) -> Phases;

    /// The response phases in which it may return [`Body::Rewritten`]. Clients then get no ranges of the route's bodies.
    fn rewrites(&self) -> Phases {
        Phases::NONE
    }

    /// Before the cache is looked up. May change the request or answer it.
    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let _ = exchange;
        Ok(Flow::Continue)
    }

    /// The rest of [`Filter::request`] after it returned [`Flow::Later`]: for what has to wait or to compute for long.
    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        let _ = exchange;
        Ok(Flow::Continue)
    }

    /// Before a request goes to the origin, which gets `request`; the client's own stays as it is.
    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<(), FilterError> {
        let _ = (exchange, request);
        Ok(())
    }

    /// Before the origin's response is stored: what is changed here is stored.
    fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let _ = (exchange, response);
        Ok(Body::Untouched)
    }

    /// Before a response, from the cache or not, goes to the client: what is changed here is not stored.
    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let _ = (exchange, response);
        Ok(Body::Untouched)
    }
}

/// A point in an exchange where filters run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Every request, before the cache.
    Request,
    /// What goes to the origin.
    OriginRequest,
    /// What comes from the origin.
    OriginResponse,
    /// Every response.
    Response,
}

impl Phase {
    /// All four, in the order of an exchange.
    pub const ALL: [Self; 4] = [
        Self::Request,
        Self::OriginRequest,
        Self::OriginResponse,
        Self::Response,
    ];

    /// Its name in logs, metrics and the manual.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::OriginRequest => "origin_request",
            Self::OriginResponse => "origin_response",
            Self::Response => "response",
        }
    }
}

/// A set of [`Phase`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases(u8);

impl Phases {
    /// No phase.
    pub const NONE: Self = Self(0);

    /// This set and one more phase.
    #[must_use]
    pub const fn and(self, phase: Phase) -> Self {
        Self(self.0 | 1 << phase as u8)
    }

    /// This set, and one more phase if `condition` holds.
    #[must_use]
    pub const fn and_if(self, condition: bool, phase: Phase) -> Self {
        if condition { self.and(phase) } else { self }
    }

    /// The set of one phase.
    pub const fn only(phase: Phase) -> Self {
        Self::NONE.and(phase)
    }

    /// Whether `phase` is in the set.
    pub const fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase as u8) != 0
    }
}

/// How a request goes on after a filter.
#[derive(Debug)]
pub enum Flow {
    /// With the next filter.
    Continue,
    /// Not at all: this is the response. The filters before this one still see it in their response phase.
    Answer(Box<Answer>),
    /// With [`Filter::request_later`] of the same filter.
    Later,
}

/// A response that a filter made itself.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The head; `Content-Length` is set by the edge.
    pub head: ResponseHeader,
    /// The whole body, also of an answer to HEAD, where the edge leaves it out.
    pub body: Bytes,
    /// Whether this refuses the request: then the body is for the edge to make, as it is for its own errors.
    pub refusal: bool,
}

impl Answer {
    /// A response with a status of 200–599, no headers and no body.
    ///
    /// # Errors
    /// When `status` is not a status.
    pub fn new(status: u16) -> Result<Self, FilterError> {
        let wrong = || {
            FilterError::new(format!(
                "`{status}` is not a status of a response: 200 to 599"
            ))
        };
        if !(200..=599).contains(&status) {
            return Err(wrong());
        }
        let head = ResponseHeader::build(status, Some(4)).map_err(|_| wrong())?;
        Ok(Self {
            head,
            body: Bytes::new(),
            refusal: false,
        })
    }

    /// A response that tells the client no; its body is the error page of the site or the edge.
    ///
    /// # Errors
    /// As for [`Answer::new`].
    pub fn refuse(status: u16) -> Result<Self, FilterError> {
        Ok(Self {
            refusal: true,
            ..Self::new(status)?
        })
    }

    /// Adds a header, replacing those of the same name.
    ///
    /// # Errors
    /// When the value holds bytes that a header can't.
    pub fn header(
        mut self,
        name: HeaderName,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, FilterError> {
        let refused =
            |name: &HeaderName| FilterError::new(format!("this can't be the value of `{name}`"));
        let Ok(value) = value.try_into() else {
            return Err(refused(&name));
        };
        self.head
            .insert_header(&name, value)
            .map_err(|_| refused(&name))?;
        Ok(self)
    }

    /// Gives the response a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The flow that ends with this response.
    pub fn flow(self) -> Flow {
        Flow::Answer(Box::new(self))
    }
}

/// What a filter wants to do with the body of a response.
pub enum Body {
    /// Nothing, which costs nothing.
    Untouched,
    /// Rewrite it: the edge then drops `Content-Length`, strong validators and ranges of the response.
    Rewritten(Box<dyn BodyRewriter>),
}

/// Rewrites one body as it passes. Lives as long as that response.
pub trait BodyRewriter: Send + Sync {
    /// Takes the next bytes and returns what can be passed on by now.
    ///
    /// # Errors
    /// When the body can't be rewritten: the response is cut off, and nothing of it is stored.
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError>;

    /// Returns what is left after the last bytes.
    ///
    /// # Errors
    /// As for [`BodyRewriter::chunk`].
    fn end(&mut self) -> Result<Bytes, FilterError> {
        Ok(Bytes::new())
    }
}

/// A filter could not do its work for this exchange; what happens then is the filter's `on_error`.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct FilterError {
    reason: String,
}

impl FilterError {
    /// An error for the log: lower case, no full stop, values in backticks, no secrets.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// A filter that can be named in a configuration by `use = "NAME"`.
pub trait Configured: Filter + Sized + 'static {
    /// Its name.
    const NAME: &'static str;
    /// What it does, in a sentence.
    const SUMMARY: &'static str;
    /// A piece of configuration that works as it stands; the manual shows it and a test builds it.
    const EXAMPLE: &'static str;
    /// The default of `on_error`: whether a fault of this filter may be skipped.
    const SAFE_TO_SKIP: bool = false;
    /// Its settings. Each field's doc comment is the manual; `deny_unknown_fields` is required.
    type Settings: serde::de::DeserializeOwned + schemars::JsonSchema;

    /// Builds the filter.
    ///
    /// # Errors
    /// With the settings' key and what would have been right.
    fn new(settings: Self::Settings, builder: &Builder<'_>) -> Result<Self, BuildError>;
}

/// The largest file that a setting may name, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// What a filter may ask for while it is built.
#[derive(Debug)]
pub struct Builder<'a> {
    /// The folder that relative paths in the configuration start from.
    pub folder: &'a Path,
    /// The filter's name in the configuration.
    pub name: &'a str,
    files: RefCell<Vec<PathBuf>>,
}

impl<'a> Builder<'a> {
    /// For the filter `name` of a configuration in `folder`.
    pub fn new(folder: &'a Path, name: &'a str) -> Self {
        Self {
            folder,
            name,
            files: RefCell::default(),
        }
    }

    /// The whole of a text file that a setting names.
    ///
    /// # Errors
    /// When it can't be read, with `key` as the place of the fault.
    pub fn read(&self, key: &str, file: &Path) -> Result<String, BuildError> {
        String::from_utf8(self.read_bytes(key, file)?)
            .map_err(|_| BuildError::at(key, format!("`{}` is not UTF-8 text", file.display())))
    }

    /// The whole of a file that a setting names.
    ///
    /// # Errors
    /// As for [`Builder::read`].
    pub fn read_bytes(&self, key: &str, file: &Path) -> Result<Vec<u8>, BuildError> {
        let path = self.folder.join(file);
        let unreadable = |error: std::io::Error| {
            BuildError::at(key, format!("`{}` can't be read: {error}", path.display()))
        };
        self.files.borrow_mut().push(path.clone());
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(BuildError::at(
                key,
                format!("`{}` is larger than 64 MiB", path.display()),
            ));
        }
        Ok(bytes)
    }

    /// Every file that was asked for, there or not: a change of one calls for a reload.
    pub fn into_files(self) -> Vec<PathBuf> {
        self.files.into_inner()
    }
}

/// Why a filter could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// The path to the setting, such as `rules[1].status`; empty for the filter as a whole.
    pub key: String,
    /// What is wrong and what would have been right.
    pub message: String,
    /// A hint such as "did you mean `status`?".
    pub help: Option<String>,
}

impl BuildError {
    /// An error about one setting.
    pub fn at(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
            help: None,
        }
    }
}

/// Builds a filter from its settings, or tells what is wrong with them.
pub type Build = fn(&toml::Table, &Builder<'_>) -> Result<Arc<dyn Filter>, Vec<BuildError>>;

/// A row of the table of compiled-in filters.
#[derive(Clone, Copy)]
pub struct FilterKind {
    /// [`Configured::NAME`].
    pub name: &'static str,
    /// [`Configured::SUMMARY`].
    pub summary: &'static str,
    /// [`Configured::EXAMPLE`].
    pub example: &'static str,
    /// [`Configured::SAFE_TO_SKIP`].
    pub safe_to_skip: bool,
    /// The JSON Schema of the settings.
    pub schema: fn() -> schemars::Schema,
    /// Builds a filter from its settings; gives every mistake at once.
    pub build: Build,
}

impl FilterKind {
    /// The row of `F`.
    pub const fn of<F: Configured>() -> Self {
        Self {
            name: F::NAME,
            summary: F::SUMMARY,
            example: F::EXAMPLE,
            safe_to_skip: F::SAFE_TO_SKIP,
            schema: || schemars::schema_for!(F::Settings),
            build: |settings, builder| {
                let settings: F::Settings =
                    rimward_config::decode(settings).map_err(|problems| {
                        problems
                            .into_iter()
                            .map(BuildError::from)
                            .collect::<Vec<_>>()
                    })?;
                let filter = F::new(settings, builder).map_err(|error| vec![error])?;
                Ok(Arc::new(filter))
            },
        }
    }
}

impl From<BuildError> for rimward_config::Problem {
    fn from(error: BuildError) -> Self {
        Self {
            help: error.help,
            ..Self::new(error.key, error.message)
        }
    }
}

impl From<rimward_config::Problem> for BuildError {
    fn from(problem: rimward_config::Problem) -> Self {
        Self {
            key: problem.key,
            message: problem.message,
            help: problem.help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_phases_holds_what_was_put_in() {
        let phases = Phases::only(Phase::Request)
            .and_if(true, Phase::Response)
            .and_if(false, Phase::OriginRequest);
        let held = Phase::ALL.map(|phase| phases.contains(phase));
        assert_eq!(held, [true, false, false, true]);
    }

    #[test]
    fn an_answer_has_a_status_of_a_response() {
        for (status, is_one) in [
            (100, false),
            (199, false),
            (200, true),
            (599, true),
            (600, false),
        ] {
            assert_eq!(Answer::new(status).is_ok(), is_one, "{status}");
        }
        assert!(Answer::refuse(403).unwrap().refusal);
        assert!(
            Answer::new(200)
                .unwrap()
                .header(http::header::LOCATION, "a\r\nb")
                .is_err()
        );
    }

    #[test]
    fn a_builder_remembers_the_files_it_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("text"), "content").unwrap();
        std::fs::write(folder.path().join("bytes"), b"\xff").unwrap();
        let builder = Builder::new(folder.path(), "test");
        assert_eq!(
            builder.read("a", Path::new("text")),
            Ok("content".to_owned())
        );
        for (file, expected) in [("bytes", "is not UTF-8 text"), ("absent", "can't be read")] {
            let error = builder.read("a[0]", Path::new(file)).unwrap_err();
            assert!(
                error.key == "a[0]" && error.message.contains(expected),
                "{error}"
            );
        }
        assert_eq!(
            builder.into_files(),
            ["text", "bytes", "absent"].map(|file| folder.path().join(file))
        );
    }
}
