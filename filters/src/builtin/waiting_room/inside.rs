//! The rules of the room: who comes in, and who waits where.

use std::collections::VecDeque;

use serde::Deserialize;

use super::members::Members;
use super::ticket::{Stage, Ticket};

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
pub(super) enum Mode {
    #[default]
    Limited,
    Open,
    Closed,
}

/// Who is in, and who waits.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) admitted: Members,
    /// All who have a place in the queue.
    pub(super) waiting: Members,
    /// Those of them who were heard of lately, in order of arrival.
    pub(super) queue: VecDeque<u64>,
    last_id: u64,
    /// When the next one may come in by the rate.
    next_admission: u64,
    pub(super) pace: Pace,
    pub(super) mode: Mode,
    /// The number that an operator wants, and the file's number that it replaces.
    pub(super) wanted: Option<(u32, u32)>,
}

/// How many come in.
#[derive(Default)]
pub(super) struct Pace {
    since: u64,
    count: u32,
    /// In a second, over the last ten or so.
    pub(super) per_second: f64,
}

impl Inside {
    /// Where somebody is let to.
    pub(super) fn enter(
        &mut self,
        limits: &Limits,
        held: Option<Ticket>,
        is_back: bool,
        now: u64,
    ) -> Place {
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

    /// How many may be in.
    pub(super) fn sessions(&self, limits: &Limits) -> u32 {
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
    pub(super) fn tidy(&mut self, limits: &Limits, now: u64) {
        self.admitted.expire(now);
        self.waiting.expire(now);
        if let Some(interval) = limits.interval {
            // The system's clock may have been set back.
            self.next_admission = self.next_admission.min(now.saturating_add(interval));
        }
        if now.abs_diff(self.pace.since) < SECOND {
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
