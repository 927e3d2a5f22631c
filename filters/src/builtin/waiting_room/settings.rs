//! The settings, and what can be wrong with them.

use std::path::PathBuf;
use std::time::Duration;

use rimward_config::{Cidr, PathPattern, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use super::inside::Limits;
use crate::filter::BuildError;
use crate::rate::Rate;
use crate::settings::{AnswerStatus, CookieName};

/// Settings of `waiting_room`. Users are counted by a cookie: who comes without it takes a place if one is free and nobody
/// waits for it, or else gets a page with its position, which asks again by itself (`Refresh`). Turns go by the time of
/// arrival. Each process counts for itself, so behind several edges `sessions` is the share of each; a reload changes nothing
/// for those who are in or wait. A client that keeps no cookies takes a place with each request, for half a minute:
/// put `rate_limit` before this filter. Who comes in and asks for nothing more within that time gives up the place, and is let
/// in again all the same. `rimward filter NAME sessions=500` changes the number while it runs, `mode=open`
/// lets everybody in, `mode=closed` nobody new, `mode=limited` goes back; `sessions=null` goes back to the file's number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// How many users may be in at a time.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) sessions: u32,
    /// How long a user stays in after the last request, to about an eighth.
    #[serde(default = "five_minutes")]
    pub(super) session_ttl: Span,
    /// How many may come in anew in what time, also when there are more places: `100/min`, `10/s`.
    pub(super) rate: Option<Rate>,
    /// How often the page asks again.
    #[serde(default = "ten_seconds")]
    pub(super) poll: Span,
    /// How long a user who waits may be silent before the place in the queue is lost. Who is silent for more than two polls
    /// is passed over meanwhile.
    #[serde(default = "two_minutes")]
    pub(super) patience: Span,
    /// How many may wait; further ones get the page, but no place in the queue. One takes about 100 bytes.
    #[serde(default = "fifty_thousand")]
    #[schemars(range(min = 1, max = 200_000))]
    pub(super) max_waiting: usize,
    /// A file with the page of those who wait, in HTML. `{position}`, `{waiting}` (how many), `{wait}` (such as `about 3
    /// minutes`), `{wait_seconds}` and `{poll_seconds}` stand for what they say.
    #[schemars(title = "file")]
    pub(super) page: Option<PathBuf>,
    /// The status of that page: 200, or 400 to 599. All have `Retry-After` and are stored nowhere.
    #[serde(default = "unavailable")]
    pub(super) status: AnswerStatus,
    /// The name of the cookie. Neither the origin nor the cache sees it.
    #[serde(default = "rimward_room")]
    pub(super) cookie: CookieName,
    /// A file with a secret that cookies are signed with, such as `openssl rand -base64 32` writes it. It may have several
    /// lines: the first is in use, cookies of the others are still read. Unless set, the secret is drawn when the process
    /// starts: after a restart everybody is new.
    #[schemars(title = "file")]
    pub(super) cookie_secret_file: Option<PathBuf>,
    /// Addresses and networks that never wait, such as those of search engines' robots.
    #[serde(default)]
    #[schemars(title = "list of networks")]
    pub(super) except: Vec<Cidr>,
    /// Paths that nobody waits for.
    #[serde(default)]
    #[schemars(title = "list of paths")]
    pub(super) except_paths: Vec<PathPattern>,
}

fn five_minutes() -> Span {
    Span(Duration::from_secs(300))
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

fn two_minutes() -> Span {
    Span(Duration::from_secs(120))
}

fn fifty_thousand() -> usize {
    50_000
}

fn unavailable() -> AnswerStatus {
    AnswerStatus::SERVICE_UNAVAILABLE
}

fn rimward_room() -> CookieName {
    CookieName("rimward_room".to_owned())
}

/// How many sessions there may be.
pub(super) const MAX_SESSIONS: u32 = 1_000_000;
const MAX_WAITING: usize = 200_000;
const DAY: Duration = Duration::from_secs(86_400);

impl Settings {
    /// The limits of the room.
    ///
    /// # Errors
    /// When one of them is out of bounds.
    pub(super) fn limits(&self) -> Result<Limits, BuildError> {
        if !(1..=MAX_SESSIONS).contains(&self.sessions) {
            let message = format!("`{}` is out of bounds: 1 to {MAX_SESSIONS}", self.sessions);
            return Err(BuildError::at("sessions", message));
        }
        if !(1..=MAX_WAITING).contains(&self.max_waiting) {
            let message = format!(
                "`{}` is out of bounds: 1 to {MAX_WAITING}",
                self.max_waiting
            );
            return Err(BuildError::at("max_waiting", message));
        }
        let within = |key: &str, span: Span, least: u64| match span.0 {
            time if time < Duration::from_secs(least) || time > DAY => {
                let message = format!("`{span}` is out of bounds: `{least}s` to `1d`");
                Err(BuildError::at(key, message))
            }
            time => Ok(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        };
        let limits = Limits {
            sessions: self.sessions,
            session_ttl: within("session_ttl", self.session_ttl, 10)?,
            interval: self.rate.map(|rate| {
                let interval = rate.per.as_micros() / u128::from(rate.count.get());
                u64::try_from(interval).unwrap_or(u64::MAX).max(1)
            }),
            poll: within("poll", self.poll, 1)?,
            patience: within("patience", self.patience, 2)?,
            max_waiting: self.max_waiting,
        };
        if limits.patience < 2 * limits.poll {
            let message = format!("`{}` is too short: at least twice `poll`", self.patience);
            return Err(BuildError::at("patience", message));
        }
        Ok(limits)
    }

    /// The status of the page.
    ///
    /// # Errors
    /// When it would be taken for something else.
    pub(super) fn status(&self) -> Result<u16, BuildError> {
        match self.status.0 {
            status @ (200 | 400..) => Ok(status),
            status => {
                let message =
                    format!("`{status}` is no status for a page that waits: 200, or 400 to 599");
                Err(BuildError::at("status", message))
            }
        }
    }
}
