//! Who is somewhere, each until a time.

use std::collections::BTreeSet;

use ahash::AHashMap;

/// Who is somewhere, each until a time.
#[derive(Default)]
pub(super) struct Members {
    by_id: AHashMap<u64, Member>,
    by_end: BTreeSet<(u64, u64)>,
}

struct Member {
    seen: u64,
    until: u64,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Keeps one at least until a time.
    pub(super) fn keep(&mut self, id: u64, seen: u64, until: u64) {
        let before = self.by_id.get(&id).map(|member| member.until);
        if let Some(before) = before {
            self.by_end.remove(&(before, id));
        }
        let until = before.map_or(until, |before| before.max(until));
        self.by_end.insert((until, id));
        self.by_id.insert(id, Member { seen, until });
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(member) = self.by_id.remove(&id) {
            self.by_end.remove(&(member.until, id));
        }
    }

    /// Forgets whose time is over.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some((until, id)) = self.by_end.first().copied()
            && until <= now
        {
            self.by_end.pop_first();
            self.by_id.remove(&id);
        }
    }

    /// Those who were seen since a time, in order.
    pub(super) fn seen_since(&self, time: u64) -> Vec<u64> {
        let seen = self.by_id.iter().filter(|(_, member)| member.seen >= time);
        let mut seen: Vec<u64> = seen.map(|(id, _)| *id).collect();
        seen.sort_unstable();
        seen
    }
}
