//! What happens when the file can't be written, or is not what it was.

use std::io::{Error, ErrorKind};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;

/// Takes what is written until it is full.
#[derive(Debug)]
struct FullDisk(InMemoryBackend, Arc<AtomicU64>);

impl StorageBackend for FullDisk {
    fn len(&self) -> Result<u64, Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        if self.1.load(Ordering::Relaxed) == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        self.0.write(offset, data)
    }
}

#[tokio::test]
async fn a_store_goes_on_after_its_file_could_not_be_written() {
    let kept = kept();
    let first = kept.put("a", "1").await;
    let writable = Arc::new(AtomicU64::new(1));
    let backend = FullDisk(InMemoryBackend::new(), writable.clone());
    let full = Database::builder().create_with_backend(backend).unwrap();
    drop(kept.store.shared.swap(Some(full)));
    writable.store(0, Ordering::Relaxed);
    let refused = kept.put_as("b", "2", Write::default()).await;
    assert!(matches!(&refused, Err(KvError::Io(_))), "{refused:?}");
    let second = loop {
        if let Ok(generation) = kept.put_as("b", "2", Write::default()).await {
            break generation;
        }
    };
    assert!(second > first);
    assert_eq!(kept.value("a").as_deref(), Some("1"));
    assert!(kept.store.stats().errors > 0);
}

#[tokio::test]
async fn a_spoilt_page_is_found_when_the_store_is_opened() {
    let Kept {
        folder,
        passed,
        store,
    } = kept();
    for number in 0..200 {
        let value = Bytes::from(format!("{number}").repeat(100));
        store
            .put(&format!("k{number}"), value, Write::default())
            .await
            .unwrap();
    }
    let settings = settings(folder.path(), &passed);
    drop(store);
    drop(Store::open(&settings).unwrap());
    let whole = std::fs::read(&settings.path).unwrap();
    let (mut refused, mut survived) = (0, 0);
    for at in (0..whole.len()).step_by(1111) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x55;
        std::fs::write(&settings.path, &spoilt).unwrap();
        match Store::open(&settings) {
            Ok(store) => {
                survived += 1;
                // Nothing that comes out of it is wrong, and nothing panics.
                for number in 0..200 {
                    let value = store.get(&format!("k{number}")).unwrap().unwrap().value;
                    assert_eq!(value, format!("{number}").repeat(100));
                }
            }
            Err(KvError::Broken(_) | KvError::Io(_)) => refused += 1,
            Err(error) => panic!("{at}: {error}"),
        }
    }
    assert!(refused > 0 && survived > 0, "{refused} {survived}");
    for length in [1, 511, 4096, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&settings.path, &whole[..length]).unwrap();
        assert!(Store::open(&settings).is_err(), "cut off after {length}");
    }
}
