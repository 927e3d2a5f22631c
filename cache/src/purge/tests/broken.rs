//! A journal that is cut off, changed or garbage, and a disk that fails.

use proptest::prelude::*;

use super::*;

#[test]
fn a_journal_that_is_cut_off_anywhere_tells_what_was_whole() {
    let (folder, generations) = written();
    let whole = fs::read(journal(&folder)).unwrap();
    let begun = record::HEAD.len();
    let (mut known, mut untrusted) = (Vec::new(), 0);
    for length in 0..=whole.len() {
        fs::write(journal(&folder), &whole[..length]).unwrap();
        let (purges, kept) = restarted(folder.path());
        if kept == Kept::Untrusted {
            untrusted += 1;
            continue;
        }
        assert!(length > begun, "a head alone is nothing to trust");
        // Born before all, it is gone as soon as the second purge is known; what is born later is as well or is unknown.
        let verdicts = generations.iter().map(|born| verdict(&purges, *born));
        known.push(verdicts.collect::<Vec<_>>());
    }
    known.dedup();
    let [u, g] = [UNTOUCHED, GONE];
    assert_eq!(
        known,
        [
            [u, g, g, g, g, g],
            [u, u, g, g, g, g],
            [g, g, u, g, g, g],
            [g, g, g, u, g, g],
            [g, g, g, g, u, g],
            [g, g, g, g, g, u]
        ]
    );
    assert!(untrusted > begun && untrusted < whole.len() / 2);
}

#[test]
fn a_journal_with_a_changed_byte_is_not_trusted() {
    let (folder, generations) = written();
    let whole = fs::read(journal(&folder)).unwrap();
    for index in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[index] ^= change;
            fs::write(journal(&folder), &changed).unwrap();
            let (purges, kept) = restarted(folder.path());
            assert_eq!(kept, Kept::Untrusted, "byte {index}");
            let all_gone = generations
                .iter()
                .all(|born| verdict(&purges, *born) == GONE);
            assert!(all_gone, "byte {index}");
        }
    }
}

#[test]
fn the_journal_that_follows_a_broken_one_is_trusted() {
    let (folder, _) = written();
    fs::write(journal(&folder), "rimward purges\n\x02").unwrap();
    let (purges, kept) = restarted(folder.path());
    assert_eq!(kept, Kept::Untrusted, "of another version");
    let born = purges.generation();
    purges.purge(&Purge::Everything, Mode::Hard, now());
    let (purges, kept) = restarted(folder.path());
    assert_eq!((kept, verdict(&purges, born)), (Kept::Trusted, GONE));
}

proptest! {
    #[test]
    fn garbage_is_no_journal(bytes in proptest::collection::vec(any::<u8>(), 0..200), headed: bool) {
        let mut journal = if headed { record::HEAD.to_vec() } else { Vec::new() };
        journal.extend(bytes);
        prop_assert!(matches!(record::read(&journal), Read::Broken(_)));
    }

    #[test]
    fn a_record_is_read_as_it_was_written(
        hard: u64, soft: u64, soft_time: u64, id: [u8; 16], host in ".{0,9}", path in ".{0,9}",
    ) {
        use record::Record;
        let mark = mark::Mark { hard, soft, soft_time };
        let records = vec![
            Record::Generation(hard),
            Record::Floor(soft),
            Record::Epoch(soft_time),
            Record::Everything(mark),
            Record::Label(label::Id(id), mark),
            Record::Prefix(mark, host.into(), path.into()),
        ];
        let mut journal = record::HEAD.to_vec();
        records.iter().for_each(|record| record.write(&mut journal));
        prop_assert_eq!(record::read(&journal), Read::Whole(records, hard.max(soft)));
    }
}

#[test]
fn a_purge_that_cannot_be_written_down_holds_and_is_not_undone_by_a_restart() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("cache");
    fs::create_dir(&inner).unwrap();
    let (purges, _) = restarted(&inner);
    let born = purges.generation();
    lock(&purges.journal).as_ref().unwrap().break_for_tests();
    let told = purges.purge(&Purge::SurrogateKey("img"), Mode::Hard, now());
    assert!(told.unrecorded.is_some());
    assert_eq!(verdict(&purges, born), GONE);
    assert_eq!(purges.journal_failures(), 1);
    assert!(!inner.join("purges").exists());
    // The volume is gone, and comes back.
    fs::remove_dir(&inner).unwrap();
    let journal = lock(&purges.journal).clone().unwrap();
    journal.tend(&purges.marks);
    let told = purges.purge(&Purge::SurrogateKey("css"), Mode::Hard, now());
    assert!(told.unrecorded.is_some());
    fs::create_dir(&inner).unwrap();
    journal.tend(&purges.marks);
    let told = purges.purge(&Purge::SurrogateKey("js"), Mode::Hard, now());
    assert_eq!(told.unrecorded, None);
    assert_eq!(purges.journal_failures(), 1, "told once");
    let (purges, kept) = restarted(&inner);
    assert_eq!((kept, verdict(&purges, born)), (Kept::Trusted, GONE));
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = TempDir::new().unwrap();
    let purges = Purges::default();
    let error = purges.keep_in(&folder.path().join("missing")).unwrap_err();
    assert!(error.to_string().contains("missing/purges"), "{error}");
    let purged = purges.purge(&Purge::Everything, Mode::Hard, now());
    assert_eq!(purged.unrecorded, None, "no journal is kept");
}
