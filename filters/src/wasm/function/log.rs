//! What a function writes to standard output and standard error: lines of the edge's own log, and of the function's.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use tokio::io::AsyncWrite;
use tracing::Level;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::Identity;
use crate::wasm::logs;

/// A line that is longer is told in parts.
const LINE: usize = 4 << 10;
/// What is told once of a run that writes too much.
const OVERFULL: &str = "the function logs more than it may (`limits.log`): the rest is left out";
/// What may be written at once.
const PERMIT: usize = 64 << 10;

/// The log of one run.
#[derive(Clone)]
pub(super) struct Log(Arc<Lines>);

struct Lines {
    function: Arc<Identity>,
    request_id: String,
    state: Mutex<State>,
}

struct State {
    /// Bytes that may still be written.
    left: usize,
    is_full: bool,
    /// The beginnings of lines, of output and errors.
    begun: [Vec<u8>; 2],
}

/// Where a guest writes to.
#[derive(Clone)]
pub(super) struct Stream {
    log: Log,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Output = 0,
    Errors = 1,
}

impl Log {
    pub(super) fn new(
        function: &Arc<Identity>,
        request_id: Option<&HeaderValue>,
        most: usize,
    ) -> Self {
        let id = request_id.and_then(|id| id.to_str().ok()).unwrap_or("");
        Self(Arc::new(Lines {
            function: function.clone(),
            request_id: id.to_owned(),
            state: Mutex::new(State {
                left: most,
                is_full: false,
                begun: [Vec::new(), Vec::new()],
            }),
        }))
    }

    pub(super) fn output(&self) -> Stream {
        Stream {
            log: self.clone(),
            kind: Kind::Output,
        }
    }

    pub(super) fn errors(&self) -> Stream {
        Stream {
            log: self.clone(),
            kind: Kind::Errors,
        }
    }
}

impl Lines {
    fn write(&self, kind: Kind, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = bytes.len().min(state.left);
        state.left -= fits;
        let mut rest = bytes.get(..fits).unwrap_or_default();
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            let begun = &mut state.begun[kind as usize];
            begun.extend_from_slice(line);
            self.tell(kind, begun);
            begun.clear();
            rest = after.get(1..).unwrap_or_default();
        }
        let begun = &mut state.begun[kind as usize];
        begun.extend_from_slice(rest);
        if begun.len() > LINE {
            self.tell(kind, begun);
            begun.clear();
        }
        if fits < bytes.len() && !std::mem::replace(&mut state.is_full, true) {
            self.tell_line(Level::WARN, OVERFULL);
        }
    }

    fn tell(&self, kind: Kind, line: &[u8]) {
        let level = match kind {
            Kind::Output => Level::INFO,
            Kind::Errors => Level::WARN,
        };
        for part in line.chunks(LINE) {
            self.tell_line(level, &printable(part));
        }
    }

    fn tell_line(&self, level: Level, text: &str) {
        let (function, request_id) = (&*self.function.name, &*self.request_id);
        match level {
            Level::INFO => tracing::info!(target: "guest", function, request_id, "{text}"),
            _ => tracing::warn!(target: "guest", function, request_id, "{text}"),
        }
        logs::keep(&*self.function, level, request_id, text);
    }
}

/// What a guest writes can't look like other lines of the log, or be more than text to a terminal.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_control() && char != '\t' {
            true => shown.extend(char.escape_default()),
            false => shown.push(char),
        }
    }
    shown
}

impl Drop for Lines {
    /// The last line may have no end.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let begun = std::mem::take(&mut state.begun);
        for (kind, line) in [Kind::Output, Kind::Errors].into_iter().zip(&begun) {
            if !line.is_empty() {
                self.tell(kind, line);
            }
        }
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.log.0.write(self.kind, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.log.0.write(self.kind, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_shown_as_what_it_is() {
        for (line, expected) in [
            (&b"plain \xc3\xa4\ttext"[..], "plain ä\ttext"),
            (b"windows\r", "windows"),
            (b"\x1b[31mred", "\\u{1b}[31mred"),
            (b"two\rlines", "two\\rlines"),
            (b"\xff", "\u{fffd}"),
        ] {
            assert_eq!(printable(line), expected);
        }
    }

    #[test]
    fn what_is_written_beyond_the_limit_is_left_out() {
        let log = Log::new(&Identity::new("a", b"").into(), None, 10);
        log.0.write(Kind::Output, b"one\nha");
        log.0.write(Kind::Errors, b"x");
        log.0.write(Kind::Output, b"lf and more\n");
        let state = log.0.state.lock().unwrap();
        assert_eq!(state.begun, [b"half ".to_vec(), b"x".to_vec()]);
        assert!(state.is_full && state.left == 0);
    }
}
