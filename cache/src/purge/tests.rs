//! Purges by themselves: what they are remembered by, and over a restart.

mod broken;

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::key::{Key, Query};

fn key(host: &str, path: &str) -> Key {
    let key = Key::builder("https", host, path);
    key.query(None, Query::All).finish()
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

/// What became of an object of `https://a.example/dir/page` with the surrogate key `img`.
fn verdict(purges: &Purges, born: Generation) -> Verdict {
    let key = key("a.example", "/dir/page");
    purges.readmit(key.as_ref(), &names(&["img"]), born).1
}

/// Another process that takes over what is in the folder.
fn restarted(folder: &Path) -> (Purges, Kept) {
    let purges = Purges::default();
    let kept = purges.keep_in(folder).unwrap();
    (purges, kept)
}

fn journal(folder: &TempDir) -> PathBuf {
    folder.path().join("purges")
}

/// A journal with purges of every kind, and the generations before and after each.
fn written() -> (TempDir, Vec<Generation>) {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let mut generations = vec![purges.generation()];
    let url = key("a.example", "/dir/page");
    for purge in [
        Purge::SurrogateKey("other"),
        Purge::Url(url.as_ref()),
        Purge::Prefix {
            host: "a.example",
            path: "/dir/",
        },
        Purge::SurrogateKey("img"),
        Purge::Everything,
    ] {
        purges.purge(&purge, Mode::Hard, now());
        generations.push(purges.generation());
    }
    (folder, generations)
}

const GONE: Verdict = Verdict::Gone;
const UNTOUCHED: Verdict = Verdict::Untouched;

#[test]
fn every_kind_of_purge_holds_over_a_restart() {
    let url = key("a.example", "/dir/page");
    let elsewhere = key("a.example", "/dir/other");
    for (purge, takes) in [
        (Purge::Url(url.as_ref()), true),
        (Purge::Url(elsewhere.as_ref()), false),
        (Purge::Host("A.example"), true),
        (Purge::Host("a.example:8443"), true),
        (Purge::Host("b.example"), false),
        (
            Purge::Prefix {
                host: "A.EXAMPLE:8080",
                path: "/dir/",
            },
            true,
        ),
        (
            Purge::Prefix {
                host: "a.example",
                path: "/other/",
            },
            false,
        ),
        (Purge::SurrogateKey("img"), true),
        (Purge::SurrogateKey("IMG"), false),
        (Purge::Everything, true),
    ] {
        for (mode, touched) in [(Mode::Hard, GONE), (Mode::Soft, Verdict::StaleSince(now()))] {
            let folder = TempDir::new().unwrap();
            let (purges, kept) = restarted(folder.path());
            assert_eq!(kept, Kept::Untrusted, "there was no journal");
            let before = purges.generation();
            assert_eq!(purges.purge(&purge, mode, now()).unrecorded, None);
            let after = purges.generation();
            for _ in 0..3 {
                let (purges, kept) = restarted(folder.path());
                let expected = if takes { touched } else { UNTOUCHED };
                assert_eq!(kept, Kept::Trusted);
                assert!(purges.generation() > after);
                assert_eq!(verdict(&purges, before), expected, "{purge:?} {mode:?}");
                assert_eq!(verdict(&purges, after), UNTOUCHED, "{purge:?} {mode:?}");
            }
        }
    }
}

#[test]
fn a_label_is_the_same_in_every_process() {
    let id = label::Id::surrogate_key("img");
    assert_eq!(
        u128::from_be_bytes(id.0),
        0x573448e04bdd0815a3649c62b8bbf354
    );
}

#[test]
fn what_is_purged_after_a_restart_takes_what_was_stored_before() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let born = purges.generation();
    drop(purges);
    for _ in 0..3 {
        let (purges, _) = restarted(folder.path());
        assert_eq!(verdict(&purges, born), UNTOUCHED);
    }
    let (purges, _) = restarted(folder.path());
    purges.purge(&Purge::SurrogateKey("img"), Mode::Hard, now());
    assert_eq!(verdict(&purges, born), GONE);
    assert_eq!(verdict(&restarted(folder.path()).0, born), GONE);
}

#[test]
fn what_was_born_when_nobody_wrote_purges_down_does_not_come_back() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let born = purges.generation();
    let copy = fs::read(journal(&folder)).unwrap();
    purges.purge(&Purge::SurrogateKey("other"), Mode::Hard, now());
    let lost = purges.generation();
    drop(purges);
    // As if the disk had lost the last write.
    fs::write(journal(&folder), copy).unwrap();
    let (purges, kept) = restarted(folder.path());
    assert_eq!(kept, Kept::Trusted);
    assert_eq!(verdict(&purges, born), UNTOUCHED);
    assert_eq!(verdict(&purges, lost), GONE);
    assert_eq!(
        verdict(&purges, Generation(7 << 32)),
        GONE,
        "of nobody's epoch"
    );
    assert_eq!(verdict(&restarted(folder.path()).0, lost), GONE, "for good");
}

proptest! {
    /// A model: the last purge of each name and mode, and what it means for objects born at any time.
    #[test]
    fn purges_and_restarts_in_any_order_keep_every_purge(
        steps in proptest::collection::vec((0..5_usize, any::<bool>()), 1..40)
    ) {
        let folder = TempDir::new().unwrap();
        let (mut purges, _) = restarted(folder.path());
        let surrogates = ["a", "b", "c", "d"];
        let mut born: Vec<(Generation, [Verdict; 4])> = Vec::new();
        for (step, soft) in steps {
            born.push((purges.generation(), [UNTOUCHED; 4]));
            let Some(name) = surrogates.get(step) else {
                drop(purges);
                let (again, kept) = restarted(folder.path());
                prop_assert_eq!(kept, Kept::Trusted);
                purges = again;
                continue;
            };
            let mode = if soft { Mode::Soft } else { Mode::Hard };
            purges.purge(&Purge::SurrogateKey(name), mode, now());
            for (_, verdicts) in &mut born {
                let new = if soft { Verdict::StaleSince(now()) } else { GONE };
                verdicts[step] = verdicts[step].and(new);
            }
        }
        let key = key("a.example", "/");
        for (born, expected) in born {
            let verdicts = surrogates.map(|name| purges.readmit(key.as_ref(), &names(&[name]), born).1);
            prop_assert_eq!(verdicts, expected);
        }
    }
}

#[test]
fn a_process_that_purged_without_the_journal_does_not_trust_it() {
    let (folder, _) = written();
    let purges = Purges::default();
    purges.purge(&Purge::SurrogateKey("img"), Mode::Hard, now());
    assert_eq!(purges.keep_in(folder.path()), Ok(Kept::Untrusted));
    // Its own it does, whatever it purged in between.
    let born = purges.generation();
    purges.let_go();
    purges.purge(&Purge::SurrogateKey("img"), Mode::Hard, now());
    assert_eq!(purges.keep_in(folder.path()), Ok(Kept::Trusted));
    assert_eq!(verdict(&purges, born), GONE);
    assert_eq!(verdict(&restarted(folder.path()).0, born), GONE);
}

#[test]
fn many_purges_are_kept_and_the_journal_stays_small() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let born = purges.generation();
    for number in 0..100_000 {
        let name = format!("key-{}", number % 2000);
        let mode = if number % 3 == 0 {
            Mode::Hard
        } else {
            Mode::Soft
        };
        purges.purge(&Purge::SurrogateKey(&name), mode, now());
    }
    lock(&purges.journal).as_ref().unwrap().tend(&purges.marks);
    let size = fs::metadata(journal(&folder)).unwrap().len();
    assert!(size < 1_100_000, "{size}");
    let purges = restarted(folder.path()).0;
    let size = fs::metadata(journal(&folder)).unwrap().len();
    assert!(size < 2001 * 57 + 200, "{size}");
    let key = key("a.example", "/");
    for number in 0..2000 {
        let name = names(&[&format!("key-{number}")]);
        assert_eq!(purges.readmit(key.as_ref(), &name, born).1, GONE);
    }
    let name = names(&["key-2000"]);
    assert_eq!(purges.readmit(key.as_ref(), &name, born).1, UNTOUCHED);
}

#[test]
fn purges_at_once_are_all_written_down_while_the_journal_is_written_anew() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let born = purges.generation();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let purges = &purges;
            scope.spawn(move || {
                for number in 0..2000 {
                    let name = format!("{worker}-{number}");
                    let purged = purges.purge(&Purge::SurrogateKey(&name), Mode::Hard, now());
                    assert_eq!(purged.unrecorded, None);
                }
            });
        }
        for _ in 0..10 {
            let journal = lock(&purges.journal).clone().unwrap();
            journal.rewrite(&purges.marks).unwrap();
        }
    });
    let purges = restarted(folder.path()).0;
    let key = key("a.example", "/");
    for worker in 0..4 {
        for number in 0..2000 {
            let name = names(&[&format!("{worker}-{number}")]);
            assert_eq!(purges.readmit(key.as_ref(), &name, born).1, GONE);
        }
    }
}

#[test]
fn labels_beyond_the_bound_are_forgotten_and_so_are_their_objects() {
    let mut table = label::Table::new(2);
    let add = |table: &mut label::Table, name: &str, generation| {
        let mark = mark::Mark::new(Mode::Hard, generation, now());
        table.add(label::Id::surrogate_key(name), mark).1
    };
    assert_eq!(add(&mut table, "a", 1), 0);
    assert_eq!(add(&mut table, "b", 2), 0);
    assert_eq!(add(&mut table, "a", 3), 0, "purged again, it counts once");
    assert_eq!(
        add(&mut table, "c", 4),
        2,
        "`b` is the oldest, and what is older is not known any more"
    );
    assert_eq!(table.forget_before(3, 0), 3);
    assert_eq!(table.purged_after(0, 9).len(), 1);
}

#[test]
fn prefixes_that_lookups_do_not_see_any_more_still_hold() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let born = purges.generation();
    let object = key("a.example", "/dir/page");
    let labels = purges.labels(object.as_ref(), &[]);
    purges.purge(
        &Purge::Prefix {
            host: "a.example",
            path: "/dir/",
        },
        Mode::Soft,
        now(),
    );
    let mut worked_off = 0;
    for number in 0..1500 {
        let path = format!("/{number}/");
        let purge = Purge::Prefix {
            host: "a.example",
            path: &path,
        };
        if let Some(prefixes) = purges.purge(&purge, Mode::Hard, now()).work_off {
            worked_off += 1;
            assert!(prefixes.takes(object.as_ref(), born));
            assert!(!prefixes.takes(object.as_ref(), purges.generation()));
        }
    }
    assert_eq!(worked_off, 1);
    assert_eq!(purges.verdict(object.as_ref(), &labels, born), UNTOUCHED);
    assert!(
        purges.took(object.as_ref(), &labels, born),
        "what comes too late is not stored as fresh"
    );
    let stale = Verdict::StaleSince(now());
    assert_eq!(purges.readmit(object.as_ref(), &[], born).1, stale);
    let purges = restarted(folder.path()).0;
    assert_eq!(purges.readmit(object.as_ref(), &[], born).1, stale);
}

#[test]
fn what_no_object_needs_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    for number in 0..10_000 {
        purges.purge(&Purge::SurrogateKey(&number.to_string()), Mode::Hard, now());
    }
    let born = purges.generation();
    purges.purge(&Purge::SurrogateKey("img"), Mode::Hard, now());
    purges.forget_before(born);
    let journal_now = lock(&purges.journal).clone().unwrap();
    journal_now.rewrite(&purges.marks).unwrap();
    let size = fs::metadata(journal(&folder)).unwrap().len();
    assert!(size < 300_000, "{size}");
    assert_eq!(verdict(&purges, born), GONE);
    assert_eq!(verdict(&restarted(folder.path()).0, born), GONE);
}

/// Killed at any moment, what was answered is written down.
#[test]
fn a_record_is_in_the_file_when_the_purge_returns() {
    let folder = TempDir::new().unwrap();
    let (purges, _) = restarted(folder.path());
    let born = purges.generation();
    let copied = TempDir::new().unwrap();
    for (number, name) in ["other", "img"].into_iter().enumerate() {
        purges.purge(&Purge::SurrogateKey(name), Mode::Hard, now());
        fs::copy(journal(&folder), journal(&copied)).unwrap();
        let (copy, kept) = restarted(copied.path());
        assert_eq!(kept, Kept::Trusted);
        assert_eq!(verdict(&copy, born) == GONE, number == 1);
    }
}
