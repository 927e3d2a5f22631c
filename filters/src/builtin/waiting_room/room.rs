//! Who is in, and who waits. It lives as long as the process, so that a reload sends nobody away.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use ahash::AHashMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::Members;
use super::settings::MAX_SESSIONS;
use super::ticket::{Stage, Ticket};
use crate::secrets::Secrets;

const SECOND: u64 = 1_000_000;
/// How long somebody counts who came in and was not seen again: most likely a client without cookies.
const UNCONFIRMED: u64 = 30 * SECOND;
/// How long a poll may be late.
const GRACE: u64 = 5 * SECOND;

/// The limits of a room, as the settings have them. Times are microseconds.
pub(super) struct Limits {
    pub(super) sessions: u32,
    pub(super) session_ttl: u64,
    /// From one who comes in to the next, in the long run.
    pub(super) interval: Option<u64>,
    pub(super) poll: u64,
    pub(super) patience: u64,
    pub(super) max_waiting: usize,
}

impl Limits {
    /// Whether somebody is in and was seen so lately that there is nothing to keep.
    pub(super) fn was_seen_lately(&self, ticket: &Ticket, now: u64) -> bool {
        ticket.stage == Stage::Admitted && now < ticket.seen.saturating_add(self.session_ttl / 8)
    }

    /// After this time of silence somebody who waits is passed over.
    fn silence(&self) -> u64 {
        2 * self.poll + GRACE
    }
}

/// Where somebody is let to.
pub(super) enum Place {
    /// There is no room: everybody passes.
    Open,
    In(Ticket),
    Queued(Queued),
}

/// A place in the queue.
pub(super) struct Queued {
    /// `None` when so many wait that there is no place for it.
    pub(super) ticket: Option<Ticket>,
    /// 1 is the next.
    pub(super) position: usize,
    pub(super) waiting: usize,
    /// Seconds until its turn, as it seems.
    pub(super) wait: u64,
}

/// What an operator wants of the room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Limited,
    Open,
    Closed,
}

/// The room.
pub(super) struct Room {
    inside: Mutex<Inside>,
    /// What cookies are signed with where the settings name no secret.
    pub(super) secrets: Secrets,
}

#[derive(Default)]
struct Inside {
    admitted: Members,
    /// All who have a place in the queue.
    waiting: Members,
    /// Those of them who were heard of lately, in order of arrival.
    queue: VecDeque<u64>,
    last_id: u64,
    /// When the next one may come in by the rate.
    next_admission: u64,
    pace: Pace,
    mode: Mode,
    /// The number that an operator wants, and the file's number that it replaces.
    wanted: Option<(u32, u32)>,
}

/// How many come in.
#[derive(Default)]
struct Pace {
    since: u64,
    count: u32,
    /// In a second, over the last ten or so.
    per_second: f64,
}

impl Room {
    /// The room of this name.
    pub(super) fn of(name: &str) -> Arc<Self> {
        static ROOMS: LazyLock<Mutex<AHashMap<String, Weak<Room>>>> = LazyLock::new(Mutex::default);
        let mut rooms = ROOMS.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.retain(|_, room| room.strong_count() > 0);
        if let Some(room) = rooms.get(name).and_then(Weak::upgrade) {
            return room;
        }
        let room = Arc::new(Self {
            inside: Mutex::default(),
            secrets: Secrets::random(),
        });
        rooms.insert(name.to_owned(), Arc::downgrade(&room));
        room
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where somebody is let to who holds this ticket; `is_back` tells whether it came back from the browser.
    pub(super) fn enter(
        &self,
        limits: &Limits,
        held: Option<Ticket>,
        is_back: bool,
        now: u64,
    ) -> Place {
        self.inside().enter(limits, held, is_back, now)
    }

    /// How it stands.
    pub(super) fn status(&self, limits: &Limits, now: u64) -> Value {
        let mut inside = self.inside();
        inside.tidy(limits, now);
        let sessions = inside.sessions(limits);
        json!({
            "mode": match inside.mode {
                Mode::Limited => "limited",
                Mode::Open => "open",
                Mode::Closed => "closed",
            },
            "sessions": sessions,
            "configured_sessions": limits.sessions,
            "admitted": inside.admitted.len(),
            "waiting": inside.queue.len(),
            "silent": inside.waiting.len().saturating_sub(inside.queue.len()),
            "admitted_per_minute": (inside.pace.per_second * 60.0).round(),
        })
    }

    /// Does what an operator wants.
    ///
    /// # Errors
    /// With what would have been right.
    pub(super) fn change(&self, limits: &Limits, wanted: &Value) -> Result<(), String> {
        let fields = wanted.as_object().filter(|fields| !fields.is_empty());
        let fields = fields.ok_or("a waiting room takes `sessions` and `mode`")?;
        let mut inside = self.inside();
        let (mut mode, mut sessions) = (inside.mode, inside.wanted);
        for (key, value) in fields {
            match key.as_str() {
                "mode" => {
                    mode = Mode::deserialize(value)
                        .map_err(|_| "`mode` is `limited`, `open` or `closed`".to_owned())?;
                }
                "sessions" if value.is_null() => sessions = None,
                "sessions" => {
                    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
                    let count = count.filter(|count| *count <= MAX_SESSIONS).ok_or_else(|| {
                        format!("`sessions` is a number from 0 to {MAX_SESSIONS}, or null for that of the file")
                    })?;
                    sessions = Some((count, limits.sessions));
                }
                _ => {
                    return Err(format!(
                        "a waiting room takes `sessions` and `mode`, not `{key}`"
                    ));
                }
            }
        }
        (inside.mode, inside.wanted) = (mode, sessions);
        Ok(())
    }
}

impl Inside {
    fn enter(&mut self, limits: &Limits, held: Option<Ticket>, is_back: bool, now: u64) -> Place {
        if self.mode == Mode::Open {
            return Place::Open;
        }
        self.tidy(limits, now);
        let lasts = |ticket: &Ticket, time: u64| now < ticket.seen.saturating_add(time);
        match held {
            Some(ticket) if ticket.stage == Stage::Waiting && lasts(&ticket, limits.patience) => {
                self.take_turn(limits, ticket.id, is_back, now)
            }
            Some(ticket)
                if ticket.stage != Stage::Waiting && lasts(&ticket, limits.session_ttl) =>
            {
                let until = now.saturating_add(limits.session_ttl);
                self.admitted.keep(ticket.id, now, until);
                Place::In(Ticket {
                    stage: Stage::Admitted,
                    seen: now,
                    ..ticket
                })
            }
            _ => {
                // Nobody has the same time of arrival.
                self.last_id = now.max(self.last_id.saturating_add(1));
                self.take_turn(limits, self.last_id, false, now)
            }
        }
    }

    /// Lets somebody in whose turn it is; anybody else takes a place in the queue, or keeps it.
    fn take_turn(&mut self, limits: &Limits, id: u64, is_back: bool, now: u64) -> Place {
        if self.admitted.contains(id) {
            // It came in, but the answer that told so was lost, or is on its way.
            return Place::In(Ticket::new_in(id, now));
        }
        let index = self.queue.partition_point(|other| *other < id);
        let is_queued = self.queue.get(index) == Some(&id);
        if index < self.free(limits, now) {
            if is_queued {
                self.queue.remove(index);
            }
            return Place::In(self.admit(limits, id, now));
        }
        let mut queued = Queued {
            ticket: None,
            position: index + 1,
            waiting: self.queue.len(),
            wait: self.wait(limits, index),
        };
        if !self.waiting.contains(id) && self.waiting.len() >= limits.max_waiting {
            return Place::Queued(queued);
        }
        if !is_queued {
            self.queue.insert(index, id);
            queued.waiting += 1;
        }
        let time = if is_back {
            limits.patience
        } else {
            limits.silence()
        };
        self.waiting.keep(id, now, now.saturating_add(time));
        queued.ticket = Some(Ticket {
            id,
            stage: Stage::Waiting,
            seen: now,
        });
        Place::Queued(queued)
    }

    fn admit(&mut self, limits: &Limits, id: u64, now: u64) -> Ticket {
        self.waiting.remove(id);
        let time = limits.session_ttl.min(UNCONFIRMED);
        self.admitted.keep(id, now, now.saturating_add(time));
        self.pace.count = self.pace.count.saturating_add(1);
        if let Some(interval) = limits.interval {
            let saved = now.saturating_sub(interval.saturating_mul(burst(interval) - 1));
            self.next_admission = self.next_admission.max(saved).saturating_add(interval);
        }
        Ticket::new_in(id, now)
    }

    fn sessions(&self, limits: &Limits) -> u32 {
        match self.wanted {
            // A number that the file has by now is newer than the operator's.
            Some((wanted, instead_of)) if instead_of == limits.sessions => wanted,
            _ => limits.sessions,
        }
    }

    /// How many may come in now.
    fn free(&self, limits: &Limits, now: u64) -> usize {
        if self.mode == Mode::Closed {
            return 0;
        }
        let sessions = usize::try_from(self.sessions(limits)).unwrap_or(usize::MAX);
        let places = sessions.saturating_sub(self.admitted.len());
        match limits.interval {
            None => places,
            Some(_) if now < self.next_admission => 0,
            Some(interval) => {
                let due = ((now - self.next_admission) / interval).saturating_add(1);
                places.min(usize::try_from(due.min(burst(interval))).unwrap_or(usize::MAX))
            }
        }
    }

    /// Seconds until somebody's turn who has so many before: at the pace of late, or as if everybody stayed for one session.
    fn wait(&self, limits: &Limits, before: usize) -> u64 {
        let before = before as f64 + 1.0;
        let session = limits.session_ttl as f64 / SECOND as f64;
        let least = f64::from(self.sessions(limits).max(1)) / session;
        (before / self.pace.per_second.max(least)).ceil() as u64
    }

    /// Forgets whose time is over, and once a second passes over who is silent.
    fn tidy(&mut self, limits: &Limits, now: u64) {
        self.admitted.expire(now);
        self.waiting.expire(now);
        if now < self.pace.since.saturating_add(SECOND) {
            return;
        }
        self.pace.measure(now);
        let heard = self
            .waiting
            .seen_since(now.saturating_sub(limits.silence()));
        self.queue = heard.into();
    }
}

impl Pace {
    fn measure(&mut self, now: u64) {
        let seconds = now.saturating_sub(self.since) as f64 / SECOND as f64;
        let late = f64::from(self.count) / seconds.max(1.0);
        let weight = (seconds / 10.0).min(1.0);
        self.per_second += (late - self.per_second) * weight;
        (self.since, self.count) = (now, 0);
    }
}

/// How many may come in at once by a rate: those of a second, or one.
fn burst(interval: u64) -> u64 {
    (SECOND / interval.max(1)).max(1)
}
