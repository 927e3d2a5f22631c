//! Where guests' messages go: into the edge's log, and to whoever follows a filter's log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use tracing::Level;

use super::version::Version;

/// How many messages of one name are kept for whoever asks for them later.
const MAX_KEPT: usize = 1000;
/// Of how many names messages are kept: more than a configuration has, since names change while the process runs.
const MAX_NAMES: usize = 1000;

/// Who writes: a filter in WebAssembly or a function, in one of its versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

impl<'a> From<&'a Version> for Writer<'a> {
    fn from(version: &'a Version) -> Self {
        Self {
            name: &version.name,
            version: &version.id,
        }
    }
}

/// A message of a guest, or about one.
#[derive(Debug, Clone)]
pub struct Message {
    /// Counts up with each message.
    pub number: u64,
    /// When it was written.
    pub time: SystemTime,
    /// The version of the guest.
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
    names: BTreeMap<String, VecDeque<Message>>,
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

/// Keeps a message for whoever follows the guest's log; the edge's own log has it already, or will.
pub(super) fn keep<'a>(writer: impl Into<Writer<'a>>, level: Level, request_id: &str, text: &str) {
    let Writer { name, version } = writer.into();
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let message = Message {
        number: kept.next,
        time: SystemTime::now(),
        version: version.to_owned(),
        level,
        request_id: request_id.to_owned(),
        text: text.to_owned(),
    };
    kept.add(name, message);
}

impl Kept {
    fn add(&mut self, name: &str, message: Message) {
        self.next += 1;
        if let Some(messages) = self.names.get_mut(name) {
            if messages.len() == MAX_KEPT {
                messages.pop_front();
            }
            messages.push_back(message);
            return;
        }
        if self.names.len() == MAX_NAMES {
            self.forget();
        }
        self.names.insert(name.to_owned(), [message].into());
    }

    /// Forgets the name that has been silent for the longest time.
    fn forget(&mut self) {
        let last = |messages: &VecDeque<Message>| messages.back().map(|message| message.number);
        let silent = self.names.iter().min_by_key(|(_, messages)| last(messages));
        if let Some(name) = silent.map(|(name, _)| name.clone()) {
            self.names.remove(&name);
        }
    }
}

/// The messages of a guest from `number` on, oldest first, and the number to go on from.
pub fn since(name: &str, number: u64) -> (Vec<Message>, u64) {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let messages = kept.names.get(name).into_iter().flatten();
    let wanted = messages.filter(|message| message.number >= number);
    (wanted.cloned().collect(), kept.next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kept: &Kept) -> Message {
        Message {
            number: kept.next,
            time: SystemTime::UNIX_EPOCH,
            version: String::new(),
            level: Level::INFO,
            request_id: String::new(),
            text: String::new(),
        }
    }

    #[test]
    fn a_guest_that_logs_much_takes_nothing_from_others() {
        let mut kept = Kept::default();
        kept.add("quiet", message(&kept));
        for _ in 0..=MAX_KEPT {
            kept.add("loud", message(&kept));
        }
        assert_eq!(kept.names["quiet"].len(), 1);
        assert_eq!(kept.names["loud"].len(), MAX_KEPT);
        assert_eq!(kept.names["loud"][0].number, 2);
    }

    #[test]
    fn the_name_that_is_silent_for_longest_is_forgotten() {
        let mut kept = Kept::default();
        for name in 0..MAX_NAMES {
            kept.add(&name.to_string(), message(&kept));
        }
        kept.add("0", message(&kept));
        kept.add("new", message(&kept));
        assert_eq!(kept.names.len(), MAX_NAMES);
        assert!(kept.names.contains_key("0") && !kept.names.contains_key("1"));
    }
}
