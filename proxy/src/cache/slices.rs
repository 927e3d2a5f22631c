//! Slices under pingora's state machine: each is an exchange of its own, with a key of its own.
//!
//! An answer to a request for a slice that is not a 206 says something of the whole object: it is stored and found under
//! the key of that, and ends the slicing for a while.

use std::time::SystemTime;

use http::{StatusCode, header};
use pingora::cache::CacheMeta;
use pingora::http::{RequestHeader, ResponseHeader};
use rimward_cache::policy::{self, Decision, Reason, Received, Rules, Terms};
use rimward_cache::range::First;
use rimward_cache::slice::{Version, whole_head};
use rimward_cache::store::Found;
use rimward_cache::{Key, KeyRef, Mode, Purge, Slice};

use super::{Cache, Caching};

impl Cache {
    /// Whether a range that begins at `first` is answered in slices of this size: not when the object is there whole, or
    /// comes whole and has come so far, nor when it turned out to have no slices.
    pub fn wants_slices(
        &self,
        key: &Key,
        request: &RequestHeader,
        first: First,
        size: u64,
    ) -> bool {
        if size > self.objects().max_object() || self.unsliced.holds(key.hash()) {
            return false;
        }
        match (self.objects().peek(key.as_ref(), &request.headers), first) {
            (Some(Found::Object(..)), _) => false,
            (Some(Found::Growing(growing)), First::At(position)) => growing.reach() <= position,
            (Some(Found::Growing(_)), First::Unknown) => true,
            (None, _) => !self.may_be_on_disk(key, request),
        }
    }

    /// Whether a slice of the object with this key is stored and fresh.
    pub fn has_slice(&self, key: &Key, request: &RequestHeader, slice: Slice) -> bool {
        let found = self
            .objects()
            .peek(key.slice(slice).as_ref(), &request.headers);
        match found {
            Some(Found::Object(_, terms)) => terms.is_fresh(self.objects().now()),
            Some(Found::Growing(_)) => false,
            None => self.may_be_on_disk(&key.slice(slice), request),
        }
    }

    /// Whether an object that memory does not have may be on disk; what its terms are can't be told without reading it.
    fn may_be_on_disk(&self, key: &Key, request: &RequestHeader) -> bool {
        let variance = self.objects().variance(key.as_ref(), &request.headers);
        self.objects().is_for_disk(key.as_ref(), variance)
    }

    /// Lets nobody ask for slices of this object for a while.
    pub fn forgo_slices(&self, key: KeyRef<'_>) {
        self.unsliced.remember(key.hash());
    }

    /// Takes out the slices of a version that the origin has replaced. An origin that does so twice in a minute has
    /// servers that do not agree on the version: its object is better fetched whole, from one of them.
    pub fn drop_slices(&self, key: &Key, version: &Version) {
        let label = version.label(key.as_ref());
        self.objects()
            .purge(&Purge::SurrogateKey(&label), Mode::Hard);
        if self.replaced.holds(key.hash()) {
            self.forgo_slices(key.as_ref());
        }
        self.replaced.remember(key.hash());
    }

    /// Looks at what an origin answered to the request for a slice, after the filters of `origin_response`. What is no
    /// longer than its first slice is not a slice but the whole, and becomes it.
    pub fn answered_slice(&self, caching: &Caching, response: &mut ResponseHeader) {
        let (Some(slice), Some(key)) = (caching.slice, caching.key()) else {
            return;
        };
        let Some(whole) = key.as_ref().whole() else {
            return;
        };
        let total = match (
            response.status,
            slice.version(response, self.objects().now()),
        ) {
            (StatusCode::PARTIAL_CONTENT, Some(version)) => version.total,
            (StatusCode::PARTIAL_CONTENT | StatusCode::OK, _) => return self.forgo_slices(whole),
            _ => return,
        };
        if slice.start() == 0 && total <= slice.end() {
            self.forgo_slices(whole);
            *response = whole_head(response, total);
        }
        // The length that the range has is told and held to, however the origin frames the body.
        response.remove_header(&header::TRANSFER_ENCODING);
        let length = total.min(slice.end()) - slice.start();
        // The only error is a map that is full, and then the reader finds out what the length is.
        drop(response.insert_header(header::CONTENT_LENGTH, length));
    }

    /// What becomes of a response in the exchange of a slice.
    pub(super) fn decide_slice(
        &self,
        received: &Received<'_>,
        rules: &Rules,
        slice: Slice,
        key: &Key,
    ) -> Decision {
        let decision = match received.response.status {
            StatusCode::PARTIAL_CONTENT => policy::store_slice(received, rules, slice),
            // It is about the range alone.
            StatusCode::RANGE_NOT_SATISFIABLE => return Decision::Pass(Reason::Status),
            _ => policy::store(received, rules),
        };
        if let (Decision::Pass(reason), Some(whole)) = (&decision, key.as_ref().whole())
            && !reason.is_the_requests()
            && *reason != Reason::Status
        {
            // The next request for a range goes to the origin as it is.
            self.forgo_slices(whole);
            self.passes.remember(whole.hash());
        }
        decision
    }

    /// The label that all slices of this version have, so that they can be dropped together.
    pub(super) fn label_slice(
        &self,
        terms: &mut Terms,
        response: &ResponseHeader,
        slice: Slice,
        key: &Key,
    ) {
        let version = slice.version(response, self.objects().now());
        let (Some(version), Some(whole)) = (version, key.as_ref().whole()) else {
            return;
        };
        let label = version.label(whole).into_boxed_str();
        terms.surrogate_keys = terms
            .surrogate_keys
            .iter()
            .cloned()
            .chain([label])
            .collect();
    }
}

impl Caching {
    /// What the cache knows of the exchange of a slice, which is to be of `version` if that is known.
    pub fn of_slice(slice: Option<Slice>, version: Option<Version>) -> Self {
        let mut caching = Self::default();
        (caching.slice, caching.version) = (slice, version);
        caching
    }

    /// The slice that is asked for, when it is one.
    pub fn slice(&self) -> Option<Slice> {
        self.slice
    }

    /// Whether what was found is a slice of another version than the one that was begun with.
    pub(super) fn is_outdated(&self, found: &CacheMeta, now: SystemTime) -> bool {
        let (Some(slice), Some(wanted)) = (self.slice, &self.version) else {
            return false;
        };
        let head = found.response_header();
        head.status == StatusCode::PARTIAL_CONTENT
            && slice.version(head, now).as_ref() != Some(wanted)
    }
}
