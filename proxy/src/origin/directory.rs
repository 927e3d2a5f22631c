//! Static files as an origin: a small HTTP/1.1 server inside the process, at the other end of a pipe.
//!
//! It is asked like any origin, so cache, filters and retries lie before it without knowing. It answers GET and HEAD,
//! reads files off the workers and leaves to the kernel what lies beneath its folder.

mod conditions;
mod files;
mod open;
mod range;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rimward_config::Directory;

use super::pool::Io;
use open::Root;

/// Bytes that wait in the pipe, each way.
const PIPE: usize = 16 * 1024;
/// How long the engine may take to send a request head over the pipe.
const HEAD: Duration = Duration::from_secs(60);

/// A folder whose files are served.
#[derive(Debug)]
pub(super) struct Files {
    root: Root,
    index: String,
    cache_control: Option<http::HeaderValue>,
}

impl Files {
    /// Opens the folder; blocking.
    pub(super) fn open(directory: &Directory) -> std::io::Result<Self> {
        let cache_control = directory
            .cache_control
            .as_deref()
            .map(http::HeaderValue::from_str)
            .transpose();
        Ok(Self {
            root: Root::open(&directory.root)?,
            index: directory.index.clone(),
            cache_control: cache_control.map_err(std::io::Error::other)?,
        })
    }

    /// A connection to the files.
    pub(super) fn connect(self: &Arc<Self>) -> Box<dyn Io> {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let files = self.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let files = files.clone();
                async move { Ok::<_, Infallible>(files.answer(&request).await) }
            });
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(64 * 1024)
                .serve_connection(TokioIo::new(theirs), service);
            // A client that goes away in the middle is no news.
            if let Err(error) = serving.await {
                tracing::debug!(%error, "a connection to a directory ended early");
            }
        });
        Box::new(ours)
    }
}

#[cfg(test)]
mod tests;
