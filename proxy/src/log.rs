//! The access log: one line for each exchange, written by a thread of its own so that no worker waits for a disk.

mod faults;
mod format;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use prometheus_client::metrics::counter::Counter;
use rimward_config::{AccessFormat, AccessLog as Settings, LogTarget};

pub(crate) use faults::FaultLog;
pub use format::{Record, Termination, When, Who};

/// Lines that may wait for the writer; more are dropped and counted.
const QUEUE: usize = 16 * 1024;

/// Where access log lines are handed in.
pub struct AccessLog {
    lines: Option<(SyncSender<Vec<u8>>, AccessFormat)>,
    dropped: Counter,
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
        thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write_lines(&receiver, target))?;
        Ok(Self {
            lines: Some((sender, settings.format)),
            dropped,
        })
    }

    /// Whether there is a log.
    pub fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Hands in the line of an exchange; `record` is asked only if there is a log.
    pub fn write<'r>(&self, record: impl FnOnce() -> Option<Record<'r>>) {
        let Some((sender, format)) = &self.lines else {
            return;
        };
        let Some(record) = record() else { return };
        let mut line = Vec::with_capacity(512);
        record.render(*format, &mut line);
        if sender.try_send(line).is_err() {
            self.dropped.inc();
        }
    }
}

fn write_lines(lines: &Receiver<Vec<u8>>, target: Box<dyn Write + Send>) {
    let mut target = BufWriter::with_capacity(64 * 1024, target);
    let mut failing = false;
    while let Ok(first) = lines.recv() {
        let result = write_waiting(&mut target, &first, lines);
        if let Err(error) = &result
            && !failing
        {
            tracing::error!(%error, "access log can't be written");
        }
        failing = result.is_err();
    }
}

/// Writes a line and those that came behind it, and flushes when there is none left.
fn write_waiting(
    target: &mut impl Write,
    first: &[u8],
    lines: &Receiver<Vec<u8>>,
) -> io::Result<()> {
    target.write_all(first)?;
    while let Ok(line) = lines.try_recv() {
        target.write_all(&line)?;
    }
    target.flush()
}
