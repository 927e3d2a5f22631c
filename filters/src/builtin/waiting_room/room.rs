//! The room as filters and operators see it. It lives as long as the process, so that a reload sends nobody away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::inside::{Inside, Limits, Mode, Place};
use super::settings::MAX_SESSIONS;
use super::ticket::Ticket;
use crate::lasting::Lasting;
use crate::secrets::Secrets;

/// The room.
pub(super) struct Room {
    inside: Mutex<Inside>,
    /// What cookies are signed with where the settings name no secret.
    pub(super) secrets: Secrets,
}

impl Room {
    /// The room of this name.
    pub(super) fn of(name: &str) -> Arc<Self> {
        static ROOMS: Lasting<String, Room> = Lasting::new();
        ROOMS.of(name.to_owned(), || Self {
            inside: Mutex::default(),
            secrets: Secrets::random(),
        })
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
