//! Revalidation in the background: a stale object, or one that soon will be, is served, and one copy of the request asks the
//! origin again.
//!
//! The engine could spawn it by itself, but would not know how the filters left the exchange; so we do.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::header;
use pingora::proxy::{Session, subrequest};
use pingora_http::RequestHeader;
use rimward_cache::Slice;
use rimward_cache::policy::{Demands, Terms};
use rimward_filters::Found;

use super::context::Context;
use super::copied::Copied;
use crate::cache::Caching;

/// Revalidations that may run at once; further objects stay stale until their next request.
const MOST: usize = 1024;

/// The objects being revalidated in the background now.
#[derive(Default)]
pub(crate) struct Revalidations {
    keys: Mutex<HashSet<u128>>,
}

/// A place among the revalidations, held while one runs.
struct Place {
    revalidations: Arc<Revalidations>,
    key: u128,
}

impl Revalidations {
    fn enter(self: &Arc<Self>, key: u128) -> Option<Place> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        (keys.len() < MOST && keys.insert(key)).then(|| Place {
            revalidations: self.clone(),
            key,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.revalidations
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// What a background request carries.
pub(super) struct Revalidation {
    copied: Copied,
    slice: Option<Slice>,
    /// When the object was stored that is to be renewed.
    stored: Option<SystemTime>,
    _place: Place,
}

impl Revalidation {
    /// What a background request carries; `None` for any other.
    pub(super) fn of(session: &Session) -> Option<Arc<Self>> {
        let carried = session.subrequest_ctx.as_ref()?.user_ctx()?;
        carried.downcast_ref::<Arc<Self>>().cloned()
    }

    /// Starts revalidating the object with this key, unless somebody does already.
    pub(super) fn start(
        revalidations: &Arc<Revalidations>,
        key: u128,
        session: &Session,
        ctx: &Context,
    ) {
        let (Some(spawner), Some(mut copied)) =
            (&session.subrequest_spawner, Copied::of(session, ctx))
        else {
            return;
        };
        forget_only_if_cached(&mut copied.request);
        let Some(place) = revalidations.enter(key) else {
            return;
        };
        let revalidation = Self {
            copied,
            slice: ctx.caching.slice(),
            stored: ctx.caching.terms().map(|terms| terms.stored),
            _place: place,
        };
        let context = subrequest::Ctx::builder()
            .user_ctx(Box::new(Arc::new(revalidation)))
            .build();
        drop(spawner.spawn_background_subrequest(&session.downstream_session, context));
    }

    /// Whether an object is still the one that is to be renewed, so that nobody else has done it meanwhile.
    pub(super) fn is_of(&self, terms: Option<&Terms>) -> bool {
        terms.map(|terms| terms.stored) == self.stored
    }

    /// Puts the exchange into the background request as it was when the stale object was found.
    pub(super) fn resume(&self, session: &mut Session, ctx: &mut Context) {
        ctx.background = true;
        ctx.caching = Caching::of_slice(self.slice, None);
        self.copied.resume(session, ctx);
        if let Some(exchange) = &mut ctx.exchange {
            exchange.found = Found::Stale;
        }
    }
}

/// `only-if-cached` was asked of this cache: a shield would answer it with 504.
fn forget_only_if_cached(request: &mut RequestHeader) {
    if Demands::of(request).only_if_cached {
        request.remove_header(&header::CACHE_CONTROL);
    }
}
