//! Pouring a large response into a file of the disk tier while it arrives.
//!
//! A task of its own writes chunk after chunk and lets go of what is written. When the response is whole the file gets
//! its head and the object takes the fill's place. Whatever fails there only ends the storing: those who read go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::Store;
use super::filler::{InFills, head_to_store, was_purged};
use crate::disk::{Disk, Part};
use crate::fill::Fill;
use crate::object::{Body, Object, StoredHead, StoredTerms, Varying};
use crate::policy::Reason;

/// Begins to pour. The fill stays among the fills until that is done.
pub(super) fn start(store: &Store, disk: &Disk, fill: &Arc<Fill>, place: &Arc<InFills>) {
    let (store, disk, fill, place) = (store.clone(), disk.clone(), fill.clone(), place.clone());
    tokio::spawn(async move {
        let object = pour(&store, &disk, &fill).await;
        if object.is_none() {
            fill.give_up_storing(Reason::Disk);
        }
        drop(place);
    });
}

/// Pours all of a fill; the object that it became.
async fn pour(store: &Store, disk: &Disk, fill: &Arc<Fill>) -> Option<()> {
    let begun = disk.clone();
    let mut part = waiting(move || begun.part()).await?.ok()?;
    fill.pour_into(part.file());
    let mut position = 0;
    while let Some(chunk) = fill.chunk(position).await.ok()? {
        let length: usize = chunk.iter().map(bytes::Bytes::len).sum();
        let length = u64::try_from(length).ok()?;
        let (written, sum) = waiting(move || {
            let sum = part.add(&chunk);
            (part, sum)
        })
        .await?;
        part = written;
        fill.poured(length, sum.ok()?);
        position += length;
    }
    if was_purged(store, fill) {
        fill.give_up_storing(Reason::Purged);
        return Some(());
    }
    finish(store, fill, part, position).await
}

async fn finish(store: &Store, fill: &Fill, part: Part, length: u64) -> Option<()> {
    let object = object(fill, Body::new(Vec::new()), length, true);
    let (mut object, body) = waiting(move || {
        let body = part.finish(&object);
        (object, body)
    })
    .await?;
    object.body = Body::filed(body.ok()?);
    let object = Arc::new(object);
    store.0.memory.insert(object.key(), object.clone());
    Some(())
}

/// The object that a fill becomes.
pub(super) fn object(fill: &Fill, body: Body, length: u64, written: bool) -> Object {
    Object {
        key: fill.key.clone(),
        varying: Varying {
            variance: fill.variance,
            selecting: fill.selecting.clone(),
            vary: fill.vary.clone(),
        }
        .boxed(),
        born: fill.born,
        labels: fill.labels.clone(),
        head: StoredHead::of(&head_to_store(fill.head.clone(), &fill.terms, Some(length))),
        body,
        terms: StoredTerms::of(fill.terms.clone()),
        hits: AtomicU64::new(0),
        written: AtomicBool::new(written),
        superseded: AtomicBool::new(false),
    }
}

async fn waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
