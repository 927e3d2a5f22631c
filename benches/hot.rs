//! The hot paths, ready to be run again and again: one table for what they take in time and in instructions.

use std::hint::black_box;

use http::HeaderMap;
use rimward::listen::head::{HeadLimits, parse};
use rimward_cache::policy::{self, Received, Rules};
use rimward_cache::store::Found;
use rimward_cache::{Key, KeyRef, Query};

use crate::objects::{self, Shelf};
use crate::whole::{self, Whole};
use crate::{routing, steps};

/// How many there are to find one among.
const MANY: usize = 10_000;
/// How many of them are asked for in turn, so that no count depends on the place of one in a hash table.
const ASKED: usize = 1000;
/// Bytes of a body.
const BODY: usize = 1024;

/// One run of a hot path.
pub type Work = Box<dyn FnMut()>;

/// What is measured.
pub struct HotPath {
    /// Its name in lists and on the command line.
    pub name: &'static str,
    /// How often it is run for a count, so that what differs between two runs does not show.
    pub times: u32,
    /// Prepares it.
    pub prepare: fn() -> Work,
}

/// All of them.
pub const HOT_PATHS: [HotPath; 11] = [
    HotPath::new("request-head", 10_000, request_head),
    HotPath::new("route", 20_000, route),
    HotPath::new("key", 20_000, key),
    HotPath::new("fresh", 20_000, fresh),
    HotPath::new("stored-fields", 10_000, stored_fields),
    HotPath::new("stored-head", 10_000, stored_head),
    HotPath::new("policy", 10_000, decision),
    HotPath::new("five-filters", 5_000, five_filters),
    HotPath::new("config", 50, config),
    HotPath::new("lane-hit", 5_000, || hit(true)),
    HotPath::new("engine-hit", 2_000, || hit(false)),
];

impl HotPath {
    const fn new(name: &'static str, times: u32, prepare: fn() -> Work) -> Self {
        Self {
            name,
            times,
            prepare,
        }
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        HOT_PATHS.iter().find(|path| path.name == name)
    }
}

/// Takes one after the other without end.
struct Turns<T> {
    all: Vec<T>,
    next: usize,
}

impl<T> Turns<T> {
    fn of(make: impl Fn(usize) -> T) -> Self {
        let numbers = (0..ASKED).map(|number| number * (MANY / ASKED));
        Self {
            all: numbers.map(make).collect(),
            next: 0,
        }
    }

    fn next(&mut self) -> &T {
        self.next = (self.next + 1) % ASKED;
        &self.all[self.next]
    }
}

/// From bytes to what the lane and the engine know of a request.
fn request_head() -> Work {
    let limits = HeadLimits {
        bytes: 32 * 1024,
        fields: 100,
        target: 8 * 1024,
        body: 100 << 20,
    };
    Box::new(move || {
        let head = parse(black_box(whole::REQUEST), &limits);
        assert!(black_box(head).is_ok());
    })
}

/// The site among ten thousand, and in one of so many routes the one with a parameter.
fn route() -> Work {
    let (hosts, paths) = (routing::hosts(MANY), routing::paths(MANY));
    let mut turns = Turns::of(|number| {
        let path = format!("/section-{}/page-{number}/42", number % 100);
        (number, format!("host-{number}.example.com"), path)
    });
    Box::new(move || {
        let (number, host, path) = turns.next();
        assert!(hosts.find(black_box(host)) == Some(number));
        assert!(routing::find(&paths, black_box(path)) == Some(*number));
    })
}

/// The key as the lane makes it: its parts and their hash.
fn key() -> Work {
    Box::new(|| {
        let builder = Key::builder(
            black_box("https"),
            black_box("www.example.com"),
            black_box("/articles/1.html"),
        );
        let parts = builder.query(black_box(Some("page=2")), Query::All);
        let parts = parts.into_parts();
        black_box(KeyRef::of(&parts).hash());
    })
}

/// A look-up by the lane among ten thousand objects.
fn fresh() -> Work {
    let store = objects::store(1 << 30);
    let shelf = Shelf::new(&store, BODY);
    (0..MANY).for_each(|number| shelf.put(&objects::key(number as u64)));
    let mut turns = Turns::of(|number| objects::key(number as u64));
    let fields = HeaderMap::new();
    Box::new(move || {
        let found = store.fresh(black_box(turns.next().as_ref()), || &fields);
        assert!(black_box(found).is_some());
    })
}

/// What is stored of a head, field by field, as the lane writes it.
fn stored_fields() -> Work {
    let object = object();
    Box::new(move || {
        let fields = black_box(&object).fields();
        let length: usize = fields.map(|(name, value)| name.len() + value.len()).sum();
        assert!(black_box(length) > 0);
    })
}

/// A head of its own for a hit, as the engine wants it.
fn stored_head() -> Work {
    let object = object();
    Box::new(move || drop(black_box(black_box(&object).head())))
}

fn object() -> std::sync::Arc<rimward_cache::Object> {
    let store = objects::store(1 << 20);
    Shelf::new(&store, BODY).put(&objects::key(1));
    match store.lookup(objects::key(1).as_ref(), None) {
        Some(Found::Object(object, _)) => object,
        _ => panic!("it was stored"),
    }
}

/// Whether a response may be stored, and on what terms.
fn decision() -> Work {
    let (request, response) = (objects::request(), objects::head(BODY));
    let (rules, now) = (Rules::default(), objects::store(1 << 20).now());
    Box::new(move || {
        let received = Received {
            request: black_box(&request),
            response: black_box(&response),
            asked: now,
            now,
        };
        drop(black_box(policy::store(&received, &rules)));
    })
}

/// Both phases that a hit goes through, as the lane runs them.
fn five_filters() -> Work {
    let pipeline = steps::pipeline(5);
    let mut exchange = steps::exchange("GET", "/", &[]);
    let mut response = objects::head(BODY);
    Box::new(move || {
        let way = pipeline.begin_request(black_box(&mut exchange));
        assert_eq!(way.came(), rimward_filters::Came::Through);
        let rewriters = pipeline.response_at_once(5, &mut exchange, black_box(&mut response));
        assert!(rewriters.is_ok());
    })
}

/// From the text of a configuration with a hundred routes to its meaning.
fn config() -> Work {
    let text = crate::routes(100);
    Box::new(move || drop(black_box(crate::config(black_box(&text)))))
}

/// All that a hit of 1 KiB takes outside of the kernel: its client, the runtime and the edge.
fn hit(fast_lane: bool) -> Work {
    let mut whole = Whole::new(fast_lane);
    Box::new(move || assert!(whole.hit() > BODY))
}
