//! A function as an origin: like a directory, a small HTTP/1.1 server inside the process, at the other end of a pipe.
//!
//! What the function can't answer, the server does not: it hangs up, so that the engine takes it for what it is, an origin
//! that failed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rimward_config as config;
use rimward_filters::wasm::function::{CallError, Function, FunctionBody};
use rimward_filters::{Scheme, Surroundings};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::task::AbortHandle;

use super::dial::Told;
use super::pool::Io;
use super::servers::KeyProblem;
use crate::metrics::Metrics;

/// Bytes that wait in the pipe, each way.
const PIPE: usize = 16 * 1024;
/// Bytes of a response that are taken out of the pipe while the engine can't read them.
const TAKEN: usize = 4 * 1024 * 1024;
/// How long the engine may take to send a request head over the pipe.
const HEAD: Duration = Duration::from_secs(60);
/// The largest component, in bytes: those of Python have 40 MiB.
const LARGEST: u64 = 256 << 20;

/// What functions are made with, beside their own settings.
#[derive(Clone, Copy)]
pub(crate) struct Host<'a> {
    pub(crate) around: &'a Surroundings,
    pub(crate) metrics: &'a Metrics,
}

/// Reads the component and compiles it; blocking, for seconds if need be.
pub(super) fn load(
    name: &str,
    settings: &config::Function,
    host: Host<'_>,
) -> Result<Function, KeyProblem> {
    let file = settings.file.display();
    let problem = |message| ("function".to_owned(), message);
    let component =
        read(settings).map_err(|error| problem(format!("cannot read `{file}`: {error}")))?;
    let account = host.metrics.function(name);
    Function::load(name, &component, settings, host.around, account)
        .map_err(|error| problem(format!("`{file}` can't be used: {error}")))
}

fn read(settings: &config::Function) -> io::Result<Vec<u8>> {
    let size = std::fs::metadata(&settings.file)?.len();
    if size > LARGEST {
        return Err(io::Error::other(format!(
            "it has {size} bytes, more than {LARGEST}"
        )));
    }
    std::fs::read(&settings.file)
}

/// A connection to the function, for one request. Dropped, it ends the guest that answers.
pub(super) fn connect(function: &Function, told: &Arc<Told>) -> Box<dyn Io> {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let (function, told) = (function.clone(), told.clone());
    let serving = tokio::spawn(async move {
        let service = service_fn(|request| answer(&function, &told, request));
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(64 * 1024)
            .keep_alive(false)
            .serve_connection(TokioIo::new(theirs), service);
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a connection to a function ended early");
        }
    });
    Box::new(Pipe {
        io: ours,
        taken: BytesMut::new(),
        serving: serving.abort_handle(),
    })
}

type Body = Either<FunctionBody, Full<Bytes>>;

async fn answer(
    function: &Function,
    told: &Told,
    request: Request<Incoming>,
) -> Result<Response<Body>, CallError> {
    let scheme = scheme(request.headers());
    match function.call(scheme, request).await {
        Ok(response) => Ok(response.map(Either::Left)),
        Err(CallError::Busy) => Ok(busy()),
        Err(error) => {
            if error == CallError::Timeout {
                told.time_out();
            }
            Err(error)
        }
    }
}

/// What the edge tells of the client's connection.
fn scheme(headers: &HeaderMap) -> Scheme {
    let told = headers.get("x-forwarded-proto");
    match told.is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https")) {
        true => Scheme::Https,
        false => Scheme::Http,
    }
}

fn busy() -> Response<Body> {
    let text = Full::from("503 Service Unavailable\n");
    let mut response = Response::new(Either::Right(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// The engine's end of the pipe.
///
/// The engine does not read while it writes, so a function that answers as it reads could fill the pipe in both directions
/// until nothing goes on. What it answers is therefore taken out of the way of a write that waits.
struct Pipe {
    io: DuplexStream,
    /// What was taken out and not read yet.
    taken: BytesMut,
    serving: AbortHandle,
}

impl Pipe {
    fn make_way(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let mut part = [0; 4096];
        while self.taken.len() < TAKEN {
            let mut part = ReadBuf::new(&mut part);
            match Pin::new(&mut self.io).poll_read(context, &mut part)? {
                Poll::Ready(()) if !part.filled().is_empty() => {
                    self.taken.extend_from_slice(part.filled());
                }
                _ => break,
            }
        }
        Ok(())
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let taken = self.taken.len().min(buffer.remaining());
        buffer.put_slice(&self.taken.split_to(taken));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        if written.is_pending() {
            self.make_way(context)?;
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
