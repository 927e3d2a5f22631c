//! The store as pingora-cache's storage.
//!
//! Heads are never serialised: a hit clones the stored head into the `CacheMeta` that pingora wants to own, and the body
//! is shared. pingora reads the system's clock, so the times of a meta are the store's, shifted to that clock.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use pingora::cache::key::{CacheHashKey, CompactCacheKey};
use pingora::cache::storage::{HandleHit, HandleMiss, MissFinishType, streaming_write::U64WriteId};
use pingora::cache::trace::SpanHandle;
use pingora::cache::{
    CacheKey, CacheMeta, HitHandler, MissHandler, PurgeOutcome, PurgeTarget, PurgeType, Storage,
};
use pingora::http::ResponseHeader;
use pingora::{Error, ErrorType, OkOrErr, Result};
use rimward_cache::fill::{FillError, Reader};
use rimward_cache::policy::{Reason, Terms};
use rimward_cache::store::{Filler, Found, New};
use rimward_cache::vary::Variance;
use rimward_cache::{Generation, KeyRef, Object, Store};

use super::passes::Passes;

/// The store as pingora sees it.
pub(super) struct Tier {
    store: Store,
    passes: &'static Passes,
    /// Objects that turned out to have no slices.
    unsliced: &'static Passes,
}

/// In a key's extensions: the state of purges when the request came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked(pub(super) Generation);

/// In a key's extensions: the request's fields, when the object may be on disk.
#[derive(Debug, Clone)]
pub(super) struct Fields(pub(super) Arc<http::HeaderMap>);

/// In a meta's extensions: the values that a response to be stored was chosen by.
#[derive(Debug, Clone)]
pub(super) struct Selecting(pub(super) Arc<[u8]>);

/// In a meta's extensions: the object that was found, to be renewed or taken out.
#[derive(Debug, Clone)]
pub(super) struct Stored(pub(super) Arc<Object>);

/// In a meta's extensions: the response is still on its way into the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined;

impl Tier {
    pub(super) fn new(store: Store, passes: &'static Passes, unsliced: &'static Passes) -> Self {
        Self {
            store,
            passes,
            unsliced,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// A meta with this head and these terms, for a variant.
    pub(super) fn meta(
        &self,
        head: ResponseHeader,
        terms: Terms,
        variance: Option<Variance>,
    ) -> CacheMeta {
        let clock = self.store.clock().bridge();
        // What is fresh until an instant is stale at it, which pingora counts as fresh still.
        let fresh_until = clock.to_system(terms.fresh_until) - Duration::from_nanos(1);
        let if_error = terms.stale_if_error.max(terms.stale_if_unreachable);
        // pingora takes variants that were made before the one it looked up first for purged. Ours are purged by
        // their labels, so all are made at the same time.
        let created = SystemTime::UNIX_EPOCH;
        let windows = (
            whole_seconds(terms.stale_while_revalidate),
            whole_seconds(if_error),
        );
        let mut meta = CacheMeta::new(fresh_until, created, windows.0, windows.1, head);
        meta.set_epoch_override(clock.to_system(terms.epoch));
        if let Some(variance) = variance {
            meta.set_variance_key(variance.to_be_bytes());
        }
        meta.extensions_mut().insert(terms);
        meta
    }

    /// What pingora wants of what was found; `None` when its body is gone meanwhile.
    async fn found(
        &self,
        found: Found,
        wanted: Option<Variance>,
    ) -> Option<(CacheMeta, HitHandler)> {
        let (meta, hit) = match found {
            Found::Object(object, terms) => {
                let variance = wanted.or_else(|| object.variance());
                let hit = Hit::of(object.clone()).await?;
                let mut meta = self.meta(object.head(), terms, variance);
                meta.extensions_mut().insert(Stored(object));
                (meta, hit)
            }
            Found::Growing(growing) => {
                let variance = wanted.or_else(|| growing.variance());
                let mut meta = self.meta(growing.head().clone(), growing.terms().clone(), variance);
                meta.extensions_mut().insert(Joined);
                let hit = Hit {
                    reader: growing.reader(),
                    object: None,
                };
                (meta, hit)
            }
        };
        Some((meta, Box::new(hit)))
    }
}

#[async_trait]
impl Storage for Tier {
    async fn lookup(
        &'static self,
        key: &CacheKey,
        _: &SpanHandle,
    ) -> Result<Option<(CacheMeta, HitHandler)>> {
        let wanted = variance(key);
        let own = key_ref(key);
        let fields = key.extensions.get::<Fields>().map(|fields| &*fields.0);
        let mut found = self.store.lookup_all(own, wanted, fields).await;
        // Who waited for a slice that came as the whole object finds it there.
        let whole = own
            .whole()
            .filter(|whole| found.is_none() && self.unsliced.holds(whole.hash()));
        if let Some(whole) = whole {
            found = self.store.lookup_all(whole, wanted, fields).await;
        }
        Ok(match found {
            Some(found) => self.found(found, wanted).await,
            None => None,
        })
    }

    async fn lookup_streaming_write(
        &'static self,
        key: &CacheKey,
        tag: Option<&[u8]>,
        _: &SpanHandle,
    ) -> Result<Option<(CacheMeta, HitHandler)>> {
        let id = tag
            .and_then(|tag| U64WriteId::try_from(tag).ok())
            .map(u64::from);
        let own = key_ref(key);
        let joined = id.and_then(|id| {
            let in_whole = || own.whole().and_then(|whole| self.store.join(whole, id));
            self.store.join(own, id).or_else(in_whole)
        });
        Ok(match joined {
            Some(growing) => self.found(Found::Growing(growing), variance(key)).await,
            None => None,
        })
    }

    async fn get_miss_handler(
        &'static self,
        key: &CacheKey,
        meta: &CacheMeta,
        _: &SpanHandle,
    ) -> Result<MissHandler> {
        let place = place(key, meta);
        let new = New {
            key: place,
            variance: meta.variance().map(u128::from_be_bytes),
            selecting: meta
                .extensions()
                .get::<Selecting>()
                .map(|selecting| selecting.0.clone()),
            head: meta.response_header_copy(),
            terms: terms(meta)?,
            born: asked(key),
        };
        let filler = self.store.begin(new);
        let filler = filler.or_err(
            ErrorType::InternalError,
            "too many responses are being stored at this moment",
        )?;
        let id = U64WriteId::from(filler.id());
        Ok(Box::new(Miss {
            filler,
            id,
            written: 0,
            key: place.hash(),
            passes: self.passes,
        }))
    }

    async fn purge(
        &'static self,
        target: PurgeTarget<'_>,
        _: PurgeType,
        _: &SpanHandle,
    ) -> Result<PurgeOutcome> {
        let CompactCacheKey { primary, .. } = target.key();
        match self.store.forget(u128::from_be_bytes(*primary)) {
            true => Ok(PurgeOutcome::Purged(None)),
            false => Ok(PurgeOutcome::NotFound),
        }
    }

    async fn update_meta(
        &'static self,
        key: &CacheKey,
        meta: &CacheMeta,
        _: &SpanHandle,
    ) -> Result<bool> {
        let (head, terms) = (meta.response_header_copy(), terms(meta)?);
        let object = meta.extensions().get::<Stored>();
        Ok(object.is_some_and(|object| self.store.renew(&object.0, head, terms, asked(key))))
    }

    fn support_streaming_partial_write(&self) -> bool {
        true
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync + 'static) {
        self
    }
}

struct Hit {
    reader: Reader,
    /// What is read, when it is whole.
    object: Option<Arc<Object>>,
}

impl Hit {
    /// Reads an object; `None` when its body is gone.
    async fn of(object: Arc<Object>) -> Option<Self> {
        Some(Self {
            reader: Reader::of(&object.body).await?,
            object: Some(object),
        })
    }
}

/// The object that a lookup found; `None` when it is still on its way into the store.
pub(crate) fn found_object(hit: &HitHandler) -> Option<&Arc<Object>> {
    hit.as_any().downcast_ref::<Hit>()?.object.as_ref()
}

/// Lets another object's body be read in place of what was found; whether it can be, which takes one that is in memory.
pub(crate) fn serve_instead(hit: &mut HitHandler, object: Arc<Object>) -> bool {
    let Some(reader) = Reader::in_memory(&object.body) else {
        return false;
    };
    *hit = Box::new(Hit {
        reader,
        object: Some(object),
    });
    true
}

#[async_trait]
impl HandleHit for Hit {
    async fn read_body(&mut self) -> Result<Option<Bytes>> {
        self.reader.read().await.map_err(fill_error)
    }

    async fn finish(
        self: Box<Self>,
        _: &'static (dyn Storage + Sync),
        _: &CacheKey,
        _: &SpanHandle,
    ) -> Result<()> {
        Ok(())
    }

    fn can_seek(&self) -> bool {
        true
    }

    fn seek(&mut self, start: usize, end: Option<usize>) -> Result<()> {
        let position = |index| u64::try_from(index).unwrap_or(u64::MAX);
        self.reader.seek(position(start), end.map(position));
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    fn as_any_mut(&mut self) -> &mut (dyn Any + Send + Sync) {
        self
    }
}

struct Miss {
    filler: Filler,
    id: U64WriteId,
    written: usize,
    key: u128,
    passes: &'static Passes,
}

#[async_trait]
impl HandleMiss for Miss {
    async fn write_body(&mut self, data: Bytes, _: bool) -> Result<()> {
        self.written += data.len();
        self.filler.room().await;
        self.filler.write(data).map_err(fill_error)
    }

    async fn finish(self: Box<Self>) -> Result<MissFinishType> {
        let unstored = self.filler.finish().map_err(fill_error)?;
        if unstored == Some(Reason::TooLarge) {
            // Next time it passes by at once, at the pace of its client.
            self.passes.remember(self.key);
        }
        Ok(MissFinishType::Created(self.written))
    }

    fn streaming_write_tag(&self) -> Option<&[u8]> {
        Some(self.id.as_bytes())
    }
}

fn terms(meta: &CacheMeta) -> Result<Terms> {
    let terms = meta.extensions().get::<Terms>().cloned();
    terms.or_err(
        ErrorType::InternalError,
        "a response came to be stored without terms",
    )
}

fn asked(key: &CacheKey) -> Generation {
    key.extensions
        .get::<Asked>()
        .map(|asked| asked.0)
        .unwrap_or_default()
}

fn fill_error(error: FillError) -> Box<Error> {
    Error::because(
        ErrorType::ReadError,
        "reading a response that is being stored",
        error,
    )
}

pub(super) fn key_hash(key: &CacheKey) -> u128 {
    u128::from_be_bytes(key.primary_bin())
}

pub(super) fn key_ref(key: &CacheKey) -> KeyRef<'_> {
    KeyRef::from_parts(key_hash(key), key.primary_key())
}

/// Where a response belongs: what is asked for as a slice and is none belongs to the whole object.
fn place<'k>(key: &'k CacheKey, meta: &CacheMeta) -> KeyRef<'k> {
    let own = key_ref(key);
    match meta.response_header().status {
        StatusCode::PARTIAL_CONTENT => own,
        _ => own.whole().unwrap_or(own),
    }
}

pub(super) fn variance(key: &CacheKey) -> Option<Variance> {
    key.get_variance_key().copied().map(u128::from_be_bytes)
}

fn whole_seconds(window: Duration) -> u32 {
    let seconds = window.as_secs() + u64::from(window.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
