//! A worker process, as the one sees it that started it.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Launch;
use super::message::{self, Answer, Request};
use crate::transform::Transform;
use crate::{ImageError, Limits, Rendered};

/// What a worker has beside an image's time to tell that the time is over.
const GRACE: Duration = Duration::from_millis(500);

/// A process and the way to it. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    stream: UnixStream,
    images: u32,
    is_well: bool,
}

impl Child {
    pub(super) fn start(launch: &Launch) -> Result<Self, ImageError> {
        let start = || -> io::Result<Self> {
            let (stream, theirs) = UnixStream::pair()?;
            let process = Command::new(&launch.program)
                .args(&launch.arguments)
                .env_clear()
                .current_dir("/")
                .stdin(Stdio::from(OwnedFd::from(theirs)))
                .stdout(Stdio::null())
                .spawn()?;
            Ok(Self {
                process,
                stream,
                images: 0,
                is_well: true,
            })
        };
        start().map_err(|error| ImageError::Failed(format!("no worker can be started: {error}")))
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn images(&self) -> u32 {
        self.images
    }

    /// Whether it has answered whatever it was asked.
    pub(super) fn is_well(&self) -> bool {
        self.is_well
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    pub(super) fn render(
        &mut self,
        source: &[u8],
        transform: &Transform,
        limits: &Limits,
        overlays: &[&[u8]],
    ) -> Result<Rendered, ImageError> {
        limits.check_bytes(source.len())?;
        self.images += 1;
        self.is_well = false;
        let end = Instant::now() + limits.time + GRACE;
        let mut timed = Timed {
            stream: &self.stream,
            end,
        };
        let request = Request {
            transform: transform.clone(),
            limits: limits.clone(),
            source: source.len() as u64,
            overlays: overlays
                .iter()
                .map(|overlay| overlay.len() as u64)
                .collect(),
        };
        let answer = ask(&mut timed, &request, source, overlays, limits);
        match answer {
            Ok(answer) => {
                self.is_well = true;
                answer
            }
            Err(error) if is_timeout(&error) => Err(limits.over()),
            Err(error) => Err(self.post_mortem(&error)),
        }
    }

    /// What became of a worker that broke off.
    fn post_mortem(&mut self, error: &io::Error) -> ImageError {
        self.process.kill().ok();
        match self.process.wait() {
            Ok(status)
                if error.kind() == io::ErrorKind::UnexpectedEof
                    || error.kind() == io::ErrorKind::BrokenPipe =>
            {
                ImageError::Failed(format!("the worker ended with {status}"))
            }
            _ => ImageError::Failed(format!("the worker can't be understood: {error}")),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn ask(
    stream: &mut Timed<'_>,
    request: &Request,
    source: &[u8],
    overlays: &[&[u8]],
    limits: &Limits,
) -> io::Result<Result<Rendered, ImageError>> {
    message::write_head(stream, request)?;
    stream.write_all(source)?;
    for overlay in overlays {
        stream.write_all(overlay)?;
    }
    let answer: Option<Answer> = message::read_head(stream)?;
    let made = match answer.ok_or(io::ErrorKind::UnexpectedEof)? {
        Ok(made) => made,
        Err(error) => return Ok(Err(error)),
    };
    let mut rendered = made.rendered;
    rendered.bytes = message::read_bytes(stream, made.bytes, limits.result_bytes())?;
    Ok(Ok(rendered))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// A stream all of whose reads and writes together have until `end`.
struct Timed<'a> {
    stream: &'a UnixStream,
    end: Instant,
}

impl Timed<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        (&mut &*self.stream).read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        (&mut &*self.stream).write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
