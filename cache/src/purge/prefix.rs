//! Prefixes that were purged.
//!
//! An object has no label for each prefix of its path; instead every lookup compares its path with the prefixes of its
//! host. They lie in order there, so that it takes a few steps however many they are. When there are too many, the older
//! half is worked off: their objects are taken out of memory one by one, and only what is not in memory yet is compared
//! with them from then on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use super::mark::{Label, Mark, Verdict};
use super::{Generation, lock};
use crate::key::KeyRef;

/// Prefixes that lookups compare with.
const MOST_LIVE: usize = 1024;

pub(super) struct Prefix {
    pub(super) host: Box<str>,
    pub(super) path: Box<str>,
    pub(super) label: Label,
}

/// All prefixes that were purged.
pub(super) struct Prefixes {
    /// What lookups compare with.
    live: ArcSwap<ByHost>,
    all: Mutex<All>,
}

struct All {
    by_host: ByHost,
    by_age: BTreeMap<u64, Arc<Prefix>>,
    most: usize,
}

/// Prefixes by host, in the order of their paths.
#[derive(Clone, Default)]
struct ByHost {
    hosts: HashMap<Box<str>, Arc<Vec<Arc<Prefix>>>, ahash::RandomState>,
    len: usize,
}

/// Prefixes that lookups compare with no longer, and whose objects have to be taken out.
pub struct WorkOff(ByHost);

/// What marking a prefix came to.
pub(super) struct Marked {
    /// All its marks.
    pub(super) mark: Mark,
    /// The generation before which purges are forgotten because of it.
    pub(super) floor: u64,
    pub(super) work_off: Option<WorkOff>,
}

impl Prefixes {
    pub(super) fn new(most: usize) -> Self {
        Self {
            live: ArcSwap::default(),
            all: Mutex::new(All {
                by_host: ByHost::default(),
                by_age: BTreeMap::new(),
                most,
            }),
        }
    }

    /// What lookups see.
    pub(super) fn verdict(&self, key: KeyRef<'_>, born: Generation) -> Verdict {
        let live = self.live.load();
        if live.hosts.is_empty() {
            return Verdict::Untouched;
        }
        live.verdict(key, born)
    }

    /// What all prefixes say, those that were worked off too.
    pub(super) fn verdict_of_all(&self, key: KeyRef<'_>, born: Generation) -> Verdict {
        lock(&self.all).by_host.verdict(key, born)
    }

    /// Marks a prefix, for lookups to see.
    pub(super) fn purge(&self, host: &str, path: &str, mark: Mark) -> Marked {
        let mut all = lock(&self.all);
        let (prefix, mark) = all.add(host, path, mark);
        let work_off = self.enliven(&prefix);
        Marked {
            mark,
            floor: all.shrink(),
            work_off,
        }
    }

    /// Marks a prefix that no object in memory can have; the generation before which purges are forgotten because of it.
    pub(super) fn restore(&self, host: &str, path: &str, mark: Mark) -> u64 {
        let mut all = lock(&self.all);
        all.add(host, path, mark);
        all.shrink()
    }

    /// Only called under the lock of `all`, so that nothing is lost between reading and replacing.
    fn enliven(&self, prefix: &Arc<Prefix>) -> Option<WorkOff> {
        let live = self.live.load();
        if live.find(&prefix.host, &prefix.path).is_some() {
            return None;
        }
        let mut changed = ByHost::clone(&live);
        let work_off = (live.len >= MOST_LIVE).then(|| WorkOff(changed.take_older_half()));
        changed.insert(prefix.clone());
        self.live.store(Arc::new(changed));
        work_off
    }

    /// Keeps up to `most`; the generation before which purges are forgotten because of it.
    pub(super) fn keep(&self, most: usize) -> u64 {
        let mut all = lock(&self.all);
        all.most = most;
        all.shrink()
    }

    /// Drops those that were not purged after `oldest`, but for the `spare` newest; the generation before which purges
    /// are forgotten because of it.
    pub(super) fn forget_before(&self, oldest: u64, spare: usize) -> u64 {
        let mut all = lock(&self.all);
        let mut floor = 0;
        while all.by_age.len() > spare
            && let Some(first) = all.by_age.first_entry()
            && *first.key() <= oldest
        {
            floor = *first.key();
            let prefix = first.remove();
            all.by_host.remove(&prefix);
        }
        floor
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Prefix>> {
        lock(&self.all).by_age.values().cloned().collect()
    }
}

impl All {
    fn add(&mut self, host: &str, path: &str, mark: Mark) -> (Arc<Prefix>, Mark) {
        let known = self.by_host.find(host, path).cloned();
        let prefix = known.unwrap_or_else(|| {
            let prefix = Arc::new(Prefix {
                host: host.into(),
                path: path.into(),
                label: Label::default(),
            });
            self.by_host.insert(prefix.clone());
            prefix
        });
        self.by_age.remove(&prefix.label.newest());
        prefix.label.add(mark);
        let mark = prefix.label.mark();
        self.by_age.insert(mark.newest(), prefix.clone());
        (prefix, mark)
    }

    fn shrink(&mut self) -> u64 {
        let mut floor = 0;
        while self.by_age.len() > self.most
            && let Some((generation, prefix)) = self.by_age.pop_first()
        {
            floor = generation;
            self.by_host.remove(&prefix);
        }
        floor
    }
}

impl ByHost {
    fn verdict(&self, key: KeyRef<'_>, born: Generation) -> Verdict {
        let Some(prefixes) = self.hosts.get(key.hostname()) else {
            return Verdict::Untouched;
        };
        matching(prefixes, key.path().as_bytes())
            .map(|prefix| prefix.label.verdict(born))
            .fold(Verdict::Untouched, Verdict::and)
    }

    fn find(&self, host: &str, path: &str) -> Option<&Arc<Prefix>> {
        let prefixes = self.hosts.get(host)?;
        let index = prefixes.binary_search_by(|prefix| (*prefix.path).cmp(path));
        prefixes.get(index.ok()?)
    }

    fn insert(&mut self, prefix: Arc<Prefix>) {
        let prefixes = self.hosts.entry(prefix.host.clone()).or_default();
        let index = prefixes.partition_point(|other| other.path < prefix.path);
        Arc::make_mut(prefixes).insert(index, prefix);
        self.len += 1;
    }

    fn remove(&mut self, prefix: &Arc<Prefix>) {
        let Some(prefixes) = self.hosts.get_mut(&prefix.host) else {
            return;
        };
        let before = prefixes.len();
        Arc::make_mut(prefixes).retain(|other| !Arc::ptr_eq(other, prefix));
        self.len -= before - prefixes.len();
        if prefixes.is_empty() {
            self.hosts.remove(&prefix.host);
        }
    }

    fn take_older_half(&mut self) -> Self {
        let lists = self.hosts.values();
        let mut all: Vec<_> = lists.flat_map(|list| list.iter().cloned()).collect();
        all.sort_by_cached_key(|prefix| prefix.label.newest());
        let newer = all.split_off(all.len() / 2);
        *self = newer.into_iter().collect();
        all.into_iter().collect()
    }
}

impl FromIterator<Arc<Prefix>> for ByHost {
    fn from_iter<I: IntoIterator<Item = Arc<Prefix>>>(prefixes: I) -> Self {
        let mut by_host = Self::default();
        prefixes
            .into_iter()
            .for_each(|prefix| by_host.insert(prefix));
        by_host
    }
}

/// Those of the prefixes that `path` begins with.
///
/// Whatever lies between a prefix of a path and the path itself begins with that prefix. So the last that is not after
/// the path either is one, or only what it has in common with the path can have more.
fn matching<'a>(
    prefixes: &'a [Arc<Prefix>],
    path: &'a [u8],
) -> impl Iterator<Item = &'a Arc<Prefix>> {
    let (mut prefixes, mut rest) = (prefixes, path);
    std::iter::from_fn(move || {
        loop {
            let before = prefixes.partition_point(|prefix| prefix.path.as_bytes() <= rest);
            let (last, others) = prefixes[..before].split_last()?;
            let common = last
                .path
                .bytes()
                .zip(rest)
                .take_while(|(one, other)| one == *other);
            rest = &rest[..common.count()];
            prefixes = others;
            if rest.len() == last.path.len() {
                return Some(last);
            }
        }
    })
}

impl WorkOff {
    /// Whether an object with this key, whose origin was asked in generation `born`, has to go.
    pub(crate) fn takes(&self, key: KeyRef<'_>, born: Generation) -> bool {
        self.0.verdict(key, born) != Verdict::Untouched
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(paths: &std::collections::BTreeSet<String>) -> Vec<Arc<Prefix>> {
        let prefix = |path: &String| Prefix {
            host: "a".into(),
            path: path.as_str().into(),
            label: Label::default(),
        };
        paths.iter().map(prefix).map(Arc::new).collect()
    }

    proptest! {
        #[test]
        fn exactly_the_prefixes_match(
            paths in proptest::collection::btree_set("[ab/]{0,5}", 0..40),
            path in "[ab/]{0,7}",
        ) {
            let prefixes = sorted(&paths);
            let mut found: Vec<&str> =
                matching(&prefixes, path.as_bytes()).map(|prefix| &*prefix.path).collect();
            found.sort_unstable();
            let expected: Vec<&str> =
                paths.iter().map(String::as_str).filter(|prefix| path.starts_with(prefix)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
