//! What is made of stored objects: their bodies in other encodings.
//!
//! It has a key of its own, and so a place, a weight and an eviction of its own, but no life of its own: who found and
//! judged an object asks for it, and gets only what was made of exactly that one. So it is as fresh as the object, and a
//! purge or another response that takes the object takes it as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::SystemTime;

use super::Store;
use crate::encoding::{self, Encoding};
use crate::key::KeyRef;
use crate::object::{Body, Object, StoredHead};
use crate::purge::Verdict;

impl Store {
    /// An object that was found, in an encoding, if somebody made that of it.
    pub fn encoded(&self, object: &Object, encoding: Encoding) -> Option<Arc<Object>> {
        let key = parts(object).encoded(encoding);
        let slot = self.0.memory.get(key.as_ref())?;
        let mut variants = slot.variants(key.as_ref()).iter();
        let encoded = variants.find(|encoded| is_of(encoded, object))?;
        encoded.count_hit();
        Some(encoded.clone())
    }

    /// The object under a key that arrived at this instant, if it is in memory.
    pub fn arrived(&self, key: KeyRef<'_>, stored: SystemTime) -> Option<Arc<Object>> {
        let slot = self.0.memory.get(key)?;
        let mut variants = slot.variants(key).iter();
        variants
            .find(|object| object.terms.arrived_at(stored))
            .cloned()
    }

    /// Stores what an object's body is in an encoding; whether it was: a purge that took the object meanwhile stands
    /// against it, and so does the bound of what is stored.
    pub fn store_encoded(&self, object: &Object, encoding: Encoding, body: Body) -> bool {
        let verdict = self
            .0
            .purges
            .verdict(parts(object), &object.labels, object.born);
        if verdict == Verdict::Gone || body.len() > self.max_object() {
            return false;
        }
        let encoded = Arc::new(derived(object, encoding, body));
        self.0.memory.insert(encoded.key(), encoded.clone());
        true
    }

    /// What was made of an object holds on when that is renewed, since its body stays.
    pub(super) fn renew_encoded(&self, object: &Object, renewed: &Object) {
        for encoding in Encoding::ALL {
            if let Some(encoded) = self.encoded(object, encoding) {
                let renewed = Arc::new(derived(renewed, encoding, encoded.body.clone()));
                self.0
                    .memory
                    .replace(renewed.key(), &encoded, Some(renewed.clone()));
            }
        }
    }
}

fn derived(object: &Object, encoding: Encoding, body: Body) -> Object {
    let mut head = object.head();
    encoding::describe(&mut head, encoding, Some(body.len()));
    Object {
        key: parts(object).encoded(encoding).parts().clone(),
        varying: object.varying.clone(),
        born: object.born,
        labels: object.labels.clone(),
        head: StoredHead::of(&head),
        body,
        terms: object.terms.clone(),
        hits: AtomicU64::new(0),
        // It is made anew after a restart, so it need not go to disk.
        written: AtomicBool::new(true),
        superseded: AtomicBool::new(false),
    }
}

/// Whether this was made of that object: no two responses under one key arrive at one instant.
fn is_of(encoded: &Object, object: &Object) -> bool {
    encoded.terms.arrived_with(&object.terms) && encoded.variance() == object.variance()
}

/// The object's key without its hash, which nobody needs here.
fn parts(object: &Object) -> KeyRef<'_> {
    KeyRef::from_parts(0, &object.key)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use pingora_http::ResponseHeader;

    use super::*;
    use crate::key::Key;
    use crate::policy::{Basis, Terms};
    use crate::purge::{Mode, Purge};
    use crate::store::{Bounds, Choice, Clock, Found, New};

    fn store(clock: &Clock) -> Store {
        let bounds = Bounds {
            memory: 1 << 20,
            max_object: 1 << 10,
            disk: None,
        };
        Store::new(bounds, clock.clone())
    }

    fn key() -> Key {
        let key = Key::builder("http", "a.example", "/p");
        key.header("x", Some("1")).finish()
    }

    fn terms(store: &Store) -> Terms {
        let now = store.now();
        Terms {
            stored: now,
            epoch: now,
            fresh_until: now + Duration::from_secs(60),
            basis: Basis::MaxAge,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            stale_if_unreachable: Duration::ZERO,
            must_revalidate: false,
            cost: Duration::ZERO,
            withheld: Arc::default(),
            surrogate_keys: [Box::from("news")].into(),
        }
    }

    fn put(store: &Store) -> Arc<Object> {
        let mut head = ResponseHeader::build(200, None).unwrap();
        head.insert_header("etag", "\"1\"").unwrap();
        let filler = store.begin(New {
            key: key().as_ref(),
            variance: Some(7),
            selecting: None,
            head,
            terms: terms(store),
            born: store.generation(),
        });
        let mut filler = filler.unwrap();
        filler.write(Bytes::from_static(b"whole")).unwrap();
        assert_eq!(filler.finish(), Ok(None));
        found(store).unwrap()
    }

    fn found(store: &Store) -> Option<Arc<Object>> {
        match store.lookup(key().as_ref(), Some(7)) {
            Some(Found::Object(object, _)) => Some(object),
            _ => None,
        }
    }

    fn short() -> Body {
        Body::new(vec![Bytes::from_static(b"br")])
    }

    #[test]
    fn it_is_found_by_the_object_that_it_was_made_of() {
        let clock = Clock::standing();
        let store = store(&clock);
        let object = put(&store);
        assert!(store.encoded(&object, Encoding::Br).is_none());
        assert!(store.store_encoded(&object, Encoding::Br, short()));
        let encoded = store.encoded(&object, Encoding::Br).unwrap();
        assert_eq!(encoded.body.from(0), short().from(0));
        assert_eq!(encoded.head().headers["content-encoding"], "br");
        assert_eq!(encoded.head().headers["content-length"], "2");
        assert_eq!(encoded.head().headers["etag"], "W/\"1\"");
        assert!(store.encoded(&object, Encoding::Gzip).is_none());
        clock.pass(Duration::from_secs(1));
        let next = put(&store);
        assert!(store.encoded(&next, Encoding::Br).is_none());
        assert!(store.store_encoded(&next, Encoding::Br, short()));
        assert!(store.encoded(&object, Encoding::Br).is_none());
    }

    #[test]
    fn it_holds_on_when_the_object_is_renewed() {
        let clock = Clock::standing();
        let store = store(&clock);
        let object = put(&store);
        store.store_encoded(&object, Encoding::Gzip, short());
        clock.pass(Duration::from_secs(90));
        let mut head = object.head();
        head.insert_header("x-new", "1").unwrap();
        let born = store.generation();
        assert!(store.renew(&object, head, terms(&store), born));
        let renewed = found(&store).unwrap();
        let encoded = store.encoded(&renewed, Encoding::Gzip).unwrap();
        assert_eq!(encoded.terms(), renewed.terms());
        assert_eq!(encoded.head().headers["x-new"], "1");
        assert!(store.encoded(&object, Encoding::Gzip).is_none());
    }

    #[test]
    fn every_purge_of_the_object_takes_it_and_wins_against_its_making() {
        let url = Key::builder("http", "a.example", "/p").finish();
        let prefix = Purge::Prefix {
            host: "a.example",
            path: "/",
        };
        for purge in [
            Purge::Url(url.as_ref()),
            Purge::Host("a.example"),
            Purge::SurrogateKey("news"),
            Purge::Everything,
            prefix,
        ] {
            let store = store(&Clock::standing());
            let object = put(&store);
            assert!(store.store_encoded(&object, Encoding::Br, short()));
            store.purge(&purge, Mode::Hard);
            assert!(!store.store_encoded(&object, Encoding::Zstd, short()));
            let left = store.list(Choice::Prefix(""), 10).objects;
            assert!(left.is_empty(), "{purge:?}");
        }
    }

    #[test]
    fn it_is_no_larger_than_what_may_be_stored() {
        let store = store(&Clock::standing());
        let object = put(&store);
        let large = Body::new(vec![Bytes::from(vec![0; 1025])]);
        assert!(!store.store_encoded(&object, Encoding::Br, large));
    }
}
