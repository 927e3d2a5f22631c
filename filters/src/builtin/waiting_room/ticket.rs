//! What a browser holds: its place in the queue or in the room, signed.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A place in the queue or in the room. Times are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// When its holder came, which is nobody else's.
    pub(super) id: u64,
    pub(super) stage: Stage,
    /// When its holder was seen.
    pub(super) seen: u64,
}

impl Ticket {
    /// Of one who comes in.
    pub(super) fn new_in(id: u64, now: u64) -> Self {
        Self {
            id,
            stage: Stage::New,
            seen: now,
        }
    }
}

/// Where somebody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In the queue.
    Waiting,
    /// In the room, and not seen again since.
    New,
    /// In the room.
    Admitted,
}

/// Signs tickets.
pub(super) struct Signer {
    /// The first one signs, all of them verify.
    keys: Vec<Key>,
}

impl Signer {
    pub(super) fn new(keys: &[[u8; 32]]) -> Self {
        let keys = keys.iter().map(|key| Key::new(HMAC_SHA256, key));
        Self {
            keys: keys.collect(),
        }
    }

    /// The ticket as a cookie's value.
    pub(super) fn sign(&self, ticket: &Ticket) -> String {
        let stage = match ticket.stage {
            Stage::Waiting => 'w',
            Stage::New => 'n',
            Stage::Admitted => 'a',
        };
        let mut text = format!("{stage}.{:x}.{:x}", ticket.id, ticket.seen);
        if let Some(key) = self.keys.first() {
            let signature = URL_SAFE_NO_PAD.encode(sign(key, text.as_bytes()));
            text.push('.');
            text.push_str(&signature);
        }
        text
    }

    /// The ticket, if it is one of ours.
    pub(super) fn read(&self, text: &str) -> Option<Ticket> {
        let (signed, signature) = text.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_right = |key| verify(key, signed.as_bytes(), &signature).is_ok();
        if !self.keys.iter().any(is_right) {
            return None;
        }
        let mut parts = signed.split('.');
        let stage = match parts.next()? {
            "w" => Stage::Waiting,
            "n" => Stage::New,
            "a" => Stage::Admitted,
            _ => return None,
        };
        let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
        Some(Ticket {
            id: number()?,
            stage,
            seen: number()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_by_whoever_has_the_key() {
        let (old, new) = ([1; 32], [2; 32]);
        for stage in [Stage::Waiting, Stage::New, Stage::Admitted] {
            let ticket = Ticket {
                id: 1_800_000_000_000_000,
                stage,
                seen: 7,
            };
            let text = Signer::new(&[old]).sign(&ticket);
            assert_eq!(Signer::new(&[old]).read(&text), Some(ticket));
            assert_eq!(Signer::new(&[new, old]).read(&text), Some(ticket));
            assert_eq!(Signer::new(&[new]).read(&text), None);
        }
    }

    #[test]
    fn a_ticket_that_was_changed_is_none() {
        let signer = Signer::new(&[[1; 32]]);
        let ticket = Ticket {
            id: 17,
            stage: Stage::Waiting,
            seen: 18,
        };
        let text = signer.sign(&ticket);
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'a' { b'b' } else { b'a' };
            assert_eq!(
                signer.read(&String::from_utf8(changed).unwrap()),
                None,
                "{index}"
            );
            assert_eq!(signer.read(&text[..index]), None);
        }
        assert_eq!(signer.read("w.11.12."), None);
    }
}
