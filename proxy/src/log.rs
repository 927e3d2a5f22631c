//! The access log: one line for each exchange, written by a thread of its own so that no worker waits for a disk.

mod faults;
mod format;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Thread};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use rimward_config::{AccessFormat, AccessLog as Settings, LogTarget};

pub(crate) use faults::FaultLog;
pub use format::{Record, Termination, When, Who};

/// How long the writer lets lines gather after it wrote some.
const GATHER: Duration = Duration::from_millis(10);

/// Lines that may wait for the writer; more are dropped and counted.
const QUEUE: usize = 16 * 1024;

/// Where access log lines are handed in.
pub struct AccessLog {
    lines: Option<Lines>,
    dropped: Counter,
}

/// The way to the writer.
struct Lines {
    sender: SyncSender<Line>,
    writer: Thread,
    format: AccessFormat,
}

/// What the writer is handed.
enum Line {
    /// To be written.
    Text(Vec<u8>),
    /// Somebody wants to know when everything before it was written.
    Mark(SyncSender<()>),
}

impl AccessLog {
    /// Opens the target and starts the writer, which ends with the last line after this is dropped.
    ///
    /// # Errors
    /// When the file can't be opened or no thread can be started.
    pub fn open(settings: Option<&Settings>, dropped: Counter) -> io::Result<Self> {
        let Some(settings) = settings else {
            return Ok(Self {
                lines: None,
                dropped,
            });
        };
        let target: Box<dyn Write + Send> = match &settings.to {
            LogTarget::Stdout => Box::new(io::stdout()),
            LogTarget::Stderr => Box::new(io::stderr()),
            LogTarget::File(path) => {
                Box::new(OpenOptions::new().create(true).append(true).open(path)?)
            }
        };
        let (sender, receiver) = sync_channel(QUEUE);
        let writer = thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_lines(&receiver, target))?;
        let lines = Lines {
            sender,
            writer: writer.thread().clone(),
            format: settings.format,
        };
        Ok(Self {
            lines: Some(lines),
            dropped,
        })
    }

    /// Waits until all that was handed in is written, no longer than `bound`; nothing for a worker.
    pub(crate) fn flush(&self, bound: Duration) {
        let Some(lines) = &self.lines else { return };
        let (mark, written) = sync_channel(1);
        lines.writer.unpark();
        if lines.sender.send(Line::Mark(mark)).is_ok() {
            // What is not written by then is lost, as it would be to a disk that is too slow.
            written.recv_timeout(bound).ok();
        }
    }

    /// Whether there is a log.
    pub fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Hands in the line of an exchange; `record` is asked only if there is a log.
    pub fn write<'r>(&self, record: impl FnOnce() -> Option<Record<'r>>) {
        let Some(lines) = &self.lines else { return };
        let Some(record) = record() else { return };
        let mut line = Vec::with_capacity(512);
        record.render(lines.format, &mut line);
        if lines.sender.try_send(Line::Text(line)).is_err() {
            self.dropped.inc();
        }
    }
}

fn write_lines(lines: &Receiver<Line>, target: Box<dyn Write + Send>) {
    let mut target = BufWriter::with_capacity(64 * 1024, target);
    let mut failing = false;
    while let Ok(first) = lines.recv() {
        let result = write_waiting(&mut target, first, lines);
        // Whoever hands in a line need not wake us for each: those of the next moment are written together.
        thread::park_timeout(GATHER);
        if let Err(error) = &result
            && !failing
        {
            tracing::error!(%error, "access log can't be written");
        }
        failing = result.is_err();
    }
}

/// Writes a line and those that came behind it, and flushes when there is none left.
fn write_waiting(target: &mut impl Write, first: Line, lines: &Receiver<Line>) -> io::Result<()> {
    for line in std::iter::once(first).chain(lines.try_iter()) {
        match line {
            Line::Text(line) => target.write_all(&line)?,
            Line::Mark(waiting) => {
                target.flush()?;
                waiting.try_send(()).ok();
            }
        }
    }
    target.flush()
}
