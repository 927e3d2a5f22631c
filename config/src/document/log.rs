//! `[log]`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::LogTarget;
use crate::value::{Short, Switch, Text, ValueError, text_value};

/// What is logged, and where.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// A line for each request: `false` for none, `"stdout"`, `"stderr"` or a file for JSON lines, or a table.
    /// Default: JSON on standard output.
    pub(crate) access: Option<Switch<Short<LogTo, Access>>>,
    /// The least severe level that is logged: `error`, `warn`, `info`, `debug` or `trace`, or levels by module
    /// such as `rimward=debug,info`. Default: `info`.
    pub(crate) level: Option<String>,
    /// The form of the edge's own log on standard error: `text` or `json`. Default: `text`.
    pub(crate) format: Option<LogFormat>,
}

/// The access log.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    /// `stdout`, `stderr`, or a file that is appended to and reopened on reload. Default: `stdout`.
    pub(crate) to: Option<LogTo>,
    /// `json` (an object a line) or `combined` (as Apache httpd and nginx write). Default: `json`.
    pub(crate) format: Option<AccessFormat>,
}

/// Form of an access log line.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessFormat {
    /// One JSON object a line.
    Json,
    /// The combined format of Apache httpd and nginx.
    Combined,
}

/// Form of the edge's own log.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where log lines go.
#[derive(Debug, Clone)]
pub(crate) struct LogTo(pub(crate) LogTarget);

impl Text for LogTo {
    const EXPECTING: &'static str = "`stdout`, `stderr` or a file";
    const PATTERN: &'static str = "^.+$";
}

text_value!(LogTo);

impl FromStr for LogTo {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "" => Err(ValueError::new(format!("expected {}", Self::EXPECTING))),
            "stdout" => Ok(Self(LogTarget::Stdout)),
            "stderr" => Ok(Self(LogTarget::Stderr)),
            // A form in the place of a target would silently make a file of that name.
            "json" | "combined" => Err(ValueError::new(format!(
                "`{text}` is a format: write `{{ to = \"stdout\", format = \"{text}\" }}`"
            ))),
            path => Ok(Self(LogTarget::File(path.into()))),
        }
    }
}

impl fmt::Display for LogTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            LogTarget::Stdout => f.write_str("stdout"),
            LogTarget::Stderr => f.write_str("stderr"),
            LogTarget::File(path) => path.display().fmt(f),
        }
    }
}
