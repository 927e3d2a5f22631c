//! Where guests' messages go: into the edge's log, and to whoever follows a filter's log.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use tracing::Level;

use super::version::Version;

/// How many messages are kept for whoever asks for them later.
const MAX_KEPT: usize = 1000;

/// A message of a guest, or about one.
#[derive(Debug, Clone)]
pub struct Message {
    /// Counts up with each message.
    pub number: u64,
    /// When it was written.
    pub time: SystemTime,
    /// The filter.
    pub filter: String,
    /// The version of the filter.
    pub version: String,
    /// How bad it is.
    pub level: Level,
    /// The request that it was about.
    pub request_id: String,
    /// What it says.
    pub text: String,
}

#[derive(Default)]
struct Kept {
    messages: VecDeque<Message>,
    next: u64,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// Whether a message of this level would be seen by anybody.
pub(super) fn is_enabled(level: Level) -> bool {
    level <= Level::INFO || tracing::level_filters::LevelFilter::current() >= level
}

/// Writes a message.
pub(super) fn write(version: &Version, level: Level, request_id: &str, text: &str) {
    let (filter, id) = (&*version.name, &*version.id);
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(target: "guest", $level, filter, version = id, request_id, "{text}")
        };
    }
    match level {
        Level::ERROR => event!(Level::ERROR),
        Level::WARN => event!(Level::WARN),
        Level::INFO => event!(Level::INFO),
        Level::DEBUG => event!(Level::DEBUG),
        Level::TRACE => event!(Level::TRACE),
    }
    keep(version, level, request_id, text);
}

/// Keeps a message for whoever follows the filter's log; the edge's own log has it already, or will.
pub(super) fn keep(version: &Version, level: Level, request_id: &str, text: &str) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.messages.len() == MAX_KEPT {
        kept.messages.pop_front();
    }
    let number = kept.next;
    kept.next += 1;
    kept.messages.push_back(Message {
        number,
        time: SystemTime::now(),
        filter: (*version.name).to_owned(),
        version: (*version.id).to_owned(),
        level,
        request_id: request_id.to_owned(),
        text: text.to_owned(),
    });
}

/// The messages of a filter from `number` on, oldest first, and the number to go on from.
pub fn since(filter: &str, number: u64) -> (Vec<Message>, u64) {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = kept.messages.iter();
    let wanted = wanted.filter(|message| message.number >= number && message.filter == filter);
    (wanted.cloned().collect(), kept.next)
}
