//! Objects to store, and stores that hold them.

use bytes::Bytes;
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_cache::policy::{self, Decision, Received, Rules, Terms};
use rimward_cache::store::New;
use rimward_cache::{Bounds, Clock, Key, Query, Store};

/// Where bodies come from that take no memory of their own.
static BODY: [u8; 64 * 1024] = [b'x'; 64 * 1024];

/// A store that holds so many bytes.
pub fn store(memory: u64) -> Store {
    let bounds = Bounds {
        memory,
        max_object: memory,
        disk: None,
    };
    Store::new(bounds, Clock::new())
}

/// The key of an object by number.
pub fn key(number: u64) -> Key {
    Key::builder(
        "https",
        "www.example.com",
        &format!("/articles/{number}.html"),
    )
    .query(None, Query::All)
    .finish()
}

/// The request that objects are fetched with.
///
/// # Panics
/// Never, but for a fault of the bench.
pub fn request() -> RequestHeader {
    let mut request = RequestHeader::build("GET", b"/articles/1.html", None).expect("a request");
    for (name, value) in [
        ("host", "www.example.com"),
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br"),
        ("accept-language", "de-DE,de;q=0.9,en;q=0.8"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
    ] {
        request.insert_header(name, value).expect("a field");
    }
    request
}

/// A head as origins send it, for a body of this length.
///
/// # Panics
/// Never, but for a fault of the bench.
pub fn head(length: usize) -> ResponseHeader {
    let mut head = ResponseHeader::build(200, Some(8)).expect("a response");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "public, max-age=86400"),
        ("etag", "\"5f3c9a1b\""),
        ("server", "nginx"),
    ] {
        head.insert_header(name, value).expect("a field");
    }
    head.insert_header("content-length", length.to_string())
        .expect("a field");
    head
}

/// On what terms such a response is stored now.
///
/// # Panics
/// When the policy does not store it, which would be a fault of the bench.
pub fn terms(store: &Store, response: &ResponseHeader) -> Terms {
    let now = store.now();
    let received = Received {
        request: &request(),
        response,
        asked: now,
        now,
    };
    match policy::store(&received, &Rules::default()) {
        Decision::Store(terms) => *terms,
        Decision::Pass(reason) => panic!("not stored: {}", reason.as_str()),
    }
}

/// Stores responses, all with one head.
pub struct Shelf<'s> {
    store: &'s Store,
    length: usize,
    head: ResponseHeader,
    terms: Terms,
}

impl<'s> Shelf<'s> {
    /// For bodies of this length.
    pub fn new(store: &'s Store, length: usize) -> Self {
        let head = head(length);
        Self {
            store,
            length,
            terms: terms(store, &head),
            head,
        }
    }

    /// Stores a body that takes no memory of its own.
    pub fn put(&self, key: &Key) {
        self.put_body(key, Bytes::from_static(&BODY[..self.length]));
    }

    /// Stores a body.
    ///
    /// # Panics
    /// When the store refuses it, which would be a fault of the bench.
    pub fn put_body(&self, key: &Key, body: Bytes) {
        let mut filler = self
            .store
            .begin(New {
                key: key.as_ref(),
                variance: None,
                selecting: None,
                head: self.head.clone(),
                terms: self.terms.clone(),
                born: self.store.generation(),
            })
            .expect("a place among the fills");
        filler.write(body).expect("a reader or none");
        filler.finish().expect("a whole body");
    }
}
