//! What an access log line says, and its two forms.

use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use rimward_config::AccessFormat;
use serde::Serialize;

/// One exchange, as the access log tells it.
#[derive(Debug, Serialize)]
pub struct Record<'r> {
    #[serde(serialize_with = "timestamp")]
    pub(crate) time: SystemTime,
    pub(crate) pop: &'r str,
    pub(crate) request_id: &'r str,
    pub(crate) client: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<&'r str>,
    pub(crate) scheme: &'r str,
    pub(crate) protocol: &'static str,
    pub(crate) method: &'r str,
    pub(crate) host: &'r str,
    pub(crate) target: &'r str,
    pub(crate) status: u16,
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
    #[serde(serialize_with = "milliseconds")]
    pub(crate) duration_ms: Duration,
    #[serde(
        serialize_with = "maybe_milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) first_byte_ms: Option<Duration>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) site: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) route: &'r str,
    pub(crate) cache: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<&'r str>,
    pub(crate) tries: u32,
    pub(crate) termination: Termination,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) referer: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<&'r str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "pairs")]
    pub(crate) filters: &'r [(std::borrow::Cow<'static, str>, String)],
}

/// Who ended an exchange, and when: two letters, as HAProxy's are. `--` is an exchange that ended as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Termination {
    /// Who.
    pub who: Who,
    /// When.
    pub when: When,
}

/// Who ended an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Nobody: it ended as it should.
    #[default]
    Nobody,
    /// The client went away or sent what can't be.
    Client,
    /// The client was too slow.
    ClientTimeout,
    /// The origin refused, went away or sent what can't be.
    Origin,
    /// The origin was too slow.
    OriginTimeout,
    /// The edge: a filter, a limit or a fault of its own.
    Edge,
}

/// When an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// After its last byte.
    #[default]
    Done,
    /// While the request was read.
    Request,
    /// While an origin was looked for or connected to.
    Connect,
    /// While the head of the response was waited for.
    Head,
    /// While the body of the response was on its way.
    Body,
}

impl Termination {
    /// The two letters.
    pub fn code(self) -> [u8; 2] {
        let who = match self.who {
            Who::Nobody => b'-',
            Who::Client => b'C',
            Who::ClientTimeout => b'c',
            Who::Origin => b'O',
            Who::OriginTimeout => b'o',
            Who::Edge => b'E',
        };
        let when = match self.when {
            When::Done => b'-',
            When::Request => b'R',
            When::Connect => b'C',
            When::Head => b'H',
            When::Body => b'B',
        };
        [who, when]
    }
}

impl Serialize for Termination {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&String::from_utf8_lossy(&self.code()))
    }
}

impl Record<'_> {
    /// Appends the line, with its line feed.
    pub(super) fn render(&self, format: AccessFormat, line: &mut Vec<u8>) {
        let written = match format {
            AccessFormat::Json => {
                serde_json::to_writer(&mut *line, self).map_err(std::io::Error::from)
            }
            AccessFormat::Combined => self.combined(line),
        };
        if written.is_err() {
            line.clear();
        }
        line.push(b'\n');
    }

    /// `client - - [time] "request line" status bytes "referer" "user agent"`, then what only an edge knows.
    fn combined(&self, line: &mut Vec<u8>) -> std::io::Result<()> {
        let time = DateTime::<Utc>::from(self.time).format("%d/%b/%Y:%H:%M:%S %z");
        write!(line, "{} - - [{time}] \"{} ", self.client, self.method)?;
        quoted(line, self.target)?;
        write!(
            line,
            " {}\" {} {} \"",
            self.protocol, self.status, self.sent_bytes
        )?;
        quoted(line, self.referer.unwrap_or("-"))?;
        line.extend(b"\" \"");
        quoted(line, self.user_agent.unwrap_or("-"))?;
        let code = self.termination.code();
        write!(
            line,
            "\" {} {} {}{}",
            self.duration_ms.as_millis(),
            self.cache,
            code[0] as char,
            code[1] as char
        )
    }
}

/// Writes text that a client chose so that it can't end the quotes or the line.
fn quoted(line: &mut Vec<u8>, text: &str) -> std::io::Result<()> {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => line.extend([b'\\', byte]),
            0x20..=0x7e => line.push(byte),
            _ => write!(line, "\\x{byte:02x}")?,
        }
    }
    Ok(())
}

fn timestamp<S: serde::Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time = DateTime::<Utc>::from(*time).to_rfc3339_opts(SecondsFormat::Millis, true);
    serializer.serialize_str(&time)
}

fn milliseconds<S: serde::Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn maybe_milliseconds<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    milliseconds(&duration.unwrap_or_default(), serializer)
}

fn pairs<S: serde::Serializer>(
    pairs: &&[(std::borrow::Cow<'static, str>, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'r>(target: &'r str, user_agent: &'r str) -> Record<'r> {
        Record {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
            pop: "fra1",
            request_id: "0123",
            client: "203.0.113.7".parse().unwrap(),
            country: None,
            scheme: "https",
            protocol: "HTTP/2",
            method: "GET",
            host: "example.com",
            target,
            status: 200,
            sent_bytes: 12,
            received_bytes: 0,
            duration_ms: Duration::from_micros(1_234),
            first_byte_ms: None,
            site: "example.com",
            route: "/*",
            cache: "hit",
            origin: None,
            server: None,
            tries: 0,
            termination: Termination {
                who: Who::OriginTimeout,
                when: When::Head,
            },
            error: None,
            tls: None,
            referer: None,
            user_agent: Some(user_agent),
            filters: &[],
        }
    }

    fn line(record: &Record<'_>, format: AccessFormat) -> String {
        let mut line = Vec::new();
        record.render(format, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn combined_line_is_what_log_analysers_expect() {
        assert_eq!(
            line(&record("/a?b=1", "curl/8"), AccessFormat::Combined),
            "203.0.113.7 - - [14/Nov/2023:22:13:20 +0000] \"GET /a?b=1 HTTP/2\" 200 12 \"-\" \"curl/8\" 1 hit oH\n"
        );
    }

    #[test]
    fn no_client_can_forge_a_line() {
        let forged = "x\" 200\n127.0.0.1 - \u{1b}[2J\\";
        for format in [AccessFormat::Combined, AccessFormat::Json] {
            let line = line(&record("/", forged), format);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
    }

    #[test]
    fn json_line_parses_and_leaves_out_what_is_not_known() {
        let line = line(&record("/", "x"), AccessFormat::Json);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["time"], "2023-11-14T22:13:20.123Z");
        assert_eq!(value["duration_ms"], 1.234);
        assert_eq!(value["termination"], "oH");
        assert!(value.get("origin").is_none() && value.get("filters").is_none());
    }
}
