//! What is let onto the disk: what was asked for at least twice.
//!
//! Most URLs of a busy edge are asked for once. They are remembered in two sets of bits, a new one and the one before
//! it, and only what is in either is written. A set that is half full becomes the one before.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bits of a set, which is 256 KiB.
const BITS: usize = 1 << 21;
const WORD: usize = 64;
/// Keys after which a set makes place for the next; few enough for three bits each, so that one stranger in 200 is taken for
/// somebody known.
const KEYS: usize = 1 << 17;

type Set = Box<[AtomicU64]>;

/// The keys that were asked for of late.
pub(crate) struct Admission {
    sets: [Set; 2],
    /// Keys added since the start; tells which set is the new one.
    added: AtomicUsize,
}

impl Default for Admission {
    fn default() -> Self {
        let set = || (0..BITS / WORD).map(|_| AtomicU64::new(0)).collect();
        Self {
            sets: [set(), set()],
            added: AtomicUsize::new(0),
        }
    }
}

impl Admission {
    /// Remembers a key by a hash; whether it was asked for before.
    pub(crate) fn ask(&self, hash: u128) -> bool {
        let bits = bits(hash);
        let all_in = |set: &Set| {
            bits.iter()
                .all(|bit| set[bit / WORD].load(Ordering::Relaxed) >> (bit % WORD) & 1 == 1)
        };
        if self.sets.iter().any(all_in) {
            return true;
        }
        let added = self.added.fetch_add(1, Ordering::Relaxed);
        let newer = &self.sets[added / KEYS % 2];
        if added.is_multiple_of(KEYS) {
            // It held the keys before the last ones.
            for word in newer {
                word.store(0, Ordering::Relaxed);
            }
        }
        for bit in bits {
            newer[bit / WORD].fetch_or(1 << (bit % WORD), Ordering::Relaxed);
        }
        false
    }
}

fn bits(hash: u128) -> [usize; 3] {
    [0, 40, 80].map(|shift| usize::try_from(hash >> shift & 0xffff_ffff).unwrap_or_default() % BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;

    fn of(number: usize) -> u128 {
        hash(&number.to_le_bytes())
    }

    #[test]
    fn what_comes_a_second_time_is_let_in() {
        let admission = Admission::default();
        assert!(!admission.ask(of(1)));
        assert!(admission.ask(of(1)));
        let strangers = (10..100_010)
            .filter(|number| admission.ask(of(*number)))
            .count();
        assert!(
            strangers < 2000,
            "{strangers} of 100000 strangers were let in"
        );
        assert!(admission.ask(of(1)));
    }

    #[test]
    fn what_was_not_asked_for_in_a_long_time_is_forgotten() {
        let admission = Admission::default();
        for number in 0..1000 {
            admission.ask(of(number));
        }
        for number in 1000..3 * KEYS {
            admission.ask(of(number));
        }
        let known = (0..1000)
            .filter(|number| admission.ask(of(*number)))
            .count();
        assert!(known < 100, "{known} of 1000 were not forgotten");
    }
}
