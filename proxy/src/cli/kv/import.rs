//! `rimward kv import`: entries are read one by one and sent many at once, so that neither side holds them all.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use http::Method;
use rimward::admin::{KvLine, MAX_LINES};

use super::source::{each_file, each_in};
use super::{Edge, Format, ask, encoded, target};
use crate::cli::tell::print;

/// The length of what is sent at once, and of a value that is sent alone.
const MAX_BATCH: usize = 1 << 20;
const LARGE: usize = 256 << 10;

/// What is imported.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Import {
    /// The store
    store: String,
    /// The file, or `-` for standard input; or a folder, each file of which is a value by its path
    from: PathBuf,
    /// Its form; without this, by the end of its name: .json, .ndjson, .jsonl or .csv
    #[arg(long)]
    format: Option<Format>,
    /// What each key begins with, before what it is there
    #[arg(long, default_value = "")]
    prefix: String,
}

/// Writes all that is read. What was written before a mistake stays written.
pub(super) fn import(edge: &Edge, order: &Import) -> Result<ExitCode> {
    let mut sender = Sender {
        edge,
        order,
        lines: String::new(),
        count: 0,
        written: 0,
    };
    let mut take = |line: KvLine| sender.take(line);
    let read = match order.from.is_dir() {
        true => each_file(&order.from, &mut take),
        false => each_in(&order.from, format(order)?, &mut take),
    };
    let sent = sender.flush();
    if let Err(error) = read.and(sent) {
        bail!("{error:#}; {} written before that", sender.written);
    }
    print(&format!("{} written\n", sender.written))?;
    Ok(ExitCode::SUCCESS)
}

fn format(order: &Import) -> Result<Format> {
    if let Some(format) = order.format {
        return Ok(format);
    }
    match order.from.extension().and_then(|end| end.to_str()) {
        Some("json") => Ok(Format::Json),
        Some("ndjson" | "jsonl") => Ok(Format::Ndjson),
        Some("csv") => Ok(Format::Csv),
        _ => bail!(
            "say the form of `{}` by `--format`: json, ndjson or csv",
            order.from.display()
        ),
    }
}

/// Sends entries to the edge.
struct Sender<'e> {
    edge: &'e Edge,
    order: &'e Import,
    lines: String,
    /// How many are in `lines`.
    count: usize,
    written: usize,
}

impl Sender<'_> {
    fn take(&mut self, mut line: KvLine) -> Result<()> {
        line.key.insert_str(0, &self.order.prefix);
        line.generation = None;
        let text = serde_json::to_string(&line)?;
        if text.len() > LARGE && line.ttl.is_none() && line.metadata.is_none() {
            self.flush()?;
            return self.send_alone(line);
        }
        if self.count == MAX_LINES || self.lines.len() + text.len() > MAX_BATCH {
            self.flush()?;
        }
        self.lines.extend([&text, "\n"]);
        self.count += 1;
        Ok(())
    }

    /// A large value goes as it is, which is shorter.
    fn send_alone(&mut self, line: KvLine) -> Result<()> {
        let key = line.key.clone();
        let (value, _) = line.into_write().map_err(anyhow::Error::msg)?;
        ask(
            self.edge,
            Method::PUT,
            &target(&self.order.store, &key),
            value,
        )?;
        self.written += 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        let count = std::mem::take(&mut self.count);
        ask(
            self.edge,
            Method::POST,
            &format!("/kv/{}", encoded(&self.order.store)),
            lines,
        )?;
        self.written += count;
        Ok(())
    }
}
