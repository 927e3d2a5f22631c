//! Responses to POST that are what a GET of the same target would get, and so are stored for it (RFC 9110 §9.3.3). The engine
//! stores what a lookup missed; this is stored beside it, from the same call-backs.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, StatusCode};
use pingora::http::{RequestHeader, ResponseHeader};
use rimward_cache::policy::{self, Basis, Decision, Received, Rules};
use rimward_cache::store::{Filler, New};
use rimward_cache::vary::Vary;
use rimward_cache::{Generation, Key, Mode, Purge, Store, invalidation};

use super::caching;

/// A request to POST, and where it is kept.
pub struct Posting<'a> {
    /// Its head.
    pub request: &'a RequestHeader,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// What it says in `Host`.
    pub host: &'a str,
    /// The key of a GET of its target.
    pub key: Key,
    /// What its route says.
    pub rules: Arc<Rules>,
    /// When the origin was asked.
    pub asked: Option<SystemTime>,
    /// The state of purges then.
    pub born: Option<Generation>,
}

/// A response to POST on its way into the store.
#[derive(Debug)]
pub struct Posted(Option<Filler>);

impl Posted {
    /// Begins to store the response, if it is one to be stored. What was stored for the target before is gone then.
    pub(super) fn begin(
        store: &Store,
        posting: Posting<'_>,
        response: &ResponseHeader,
    ) -> Option<Self> {
        let Posting {
            request,
            scheme,
            host,
            key,
            rules,
            asked,
            born,
        } = posting;
        let is_the_targets = request.method == Method::POST
            && response.status == StatusCode::OK
            && invalidation::is_the_targets(request, response, scheme, host);
        if !is_the_targets || caching::declared_length(response) > Some(store.max_object()) {
            return None;
        }
        let now = store.now();
        let mut as_get = request.clone();
        as_get.set_method(Method::GET);
        let decision = policy::store(
            &Received {
                request: &as_get,
                response,
                asked: asked.unwrap_or(now),
                now,
            },
            &rules,
        );
        let Decision::Store(terms) = decision else {
            return None;
        };
        let is_explicit = matches!(terms.basis, Basis::SMaxage | Basis::MaxAge | Basis::Expires);
        if !is_explicit || !terms.is_fresh(now) {
            return None;
        }
        let was_purged =
            born.is_some_and(|born| store.was_purged(key.as_ref(), &terms.surrogate_keys, born));
        store.purge(&Purge::Url(key.as_ref()), Mode::Hard);
        if was_purged {
            return None;
        }
        let head = caching::head_for_client(response.clone(), &rules, now);
        let vary = Vary::of(&head.headers);
        let filler = store.begin(New {
            key: key.as_ref(),
            variance: vary.variance(&request.headers),
            selecting: vary.selecting(&request.headers).map(Into::into),
            head,
            terms: *terms,
            born: store.generation(),
        });
        filler.map(|filler| Self(Some(filler)))
    }

    /// A piece of the body passes. A response that can't be stored after all is none the worse for its client.
    pub fn pass(&mut self, piece: Option<&Bytes>, end: bool) {
        let written = match (&mut self.0, piece) {
            (Some(filler), Some(piece)) => filler.write(piece.clone()),
            _ => Ok(()),
        };
        let ended = match self.0.take_if(|_| end || written.is_err()) {
            Some(filler) if written.is_ok() => filler.finish().map(|_| ()),
            _ => written,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "response to POST was not stored");
        }
    }
}
