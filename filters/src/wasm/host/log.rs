//! What guests log. It is bounded for each exchange: what is more is left out, and said to be.

use tracing::Level as Severity;

use crate::wasm::abi::rimward::filter::log::{Host, Level};
use crate::wasm::logs;
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<T>;

/// How many fields a guest may add to a line of the access log, and the longest value.
const MAX_FIELDS: u32 = 32;
const MAX_VALUE: usize = 1024;

impl Host for State {
    fn enabled(&mut self, l: Level) -> Answer<bool> {
        Ok(logs::is_enabled(severity(l)))
    }

    fn write(&mut self, l: Level, msg: String) -> Answer<()> {
        self.log(severity(l), msg);
        Ok(())
    }

    fn field(&mut self, name: String, value: String) -> Answer<()> {
        let is_name = !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !is_name || value.len() > MAX_VALUE || self.spent.fields >= MAX_FIELDS {
            self.log(Severity::WARN, format!("the field `{}` is left out of the access log: its name or value is none, or it is one too many", name.escape_debug()));
            return Ok(());
        }
        self.spent.fields += 1;
        self.exchange.log.push((name.into(), value));
        Ok(())
    }
}

impl State {
    /// Logs what a guest has to say, as far as it may.
    pub(in crate::wasm) fn log(&mut self, severity: Severity, mut message: String) {
        if !logs::is_enabled(severity) {
            return;
        }
        let left = self.version.limits.log.saturating_sub(self.spent.log);
        if left == 0 {
            return;
        }
        if message.len() > left {
            let end = (0..=left)
                .rev()
                .find(|at| message.is_char_boundary(*at))
                .unwrap_or(0);
            message.truncate(end);
            message.push_str(" … and more than `limits.log` allows");
        }
        self.spent.log = self.spent.log.saturating_add(message.len());
        logs::write(&self.version, severity, &self.exchange.request_id, &message);
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Trace => Severity::TRACE,
        Level::Debug => Severity::DEBUG,
        Level::Info => Severity::INFO,
        Level::Warn => Severity::WARN,
        Level::Error => Severity::ERROR,
    }
}
