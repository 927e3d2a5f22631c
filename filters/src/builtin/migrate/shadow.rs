//! Shadows: requests that the other origin gets too, to compare what both answer. The client never waits for one.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request, Response};
use pingora_http::{RequestHeader, ResponseHeader};
use rand::Rng;
use rimward_config::OriginId;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use twox_hash::XxHash3_64;

use super::settings::{Compared, ShadowSettings};
use super::state::State;
use crate::bucket::BUCKETS;
use crate::copied::copied;
use crate::exchange::Exchange;
use crate::filter::{BodyWatcher, BuildError, Builder};
use crate::lasting::uptime;
use crate::outside::{Bounds, Outside};

/// Differences that are logged, at most one in this time.
const QUIET: Duration = Duration::from_secs(1);
/// Longest wait for the client's own answer to end.
const LONGEST: Duration = Duration::from_secs(60);
/// Fields by which a request asks for less than a whole answer.
const PARTIAL: [HeaderName; 6] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
];

/// Sends shadows and compares.
pub(super) struct Shadow {
    name: Arc<str>,
    share: u32,
    origins: [OriginId; 2],
    compare: Arc<[Compared]>,
    bounds: Bounds,
    places: Arc<Semaphore>,
    outside: Arc<dyn Outside>,
    state: Arc<State>,
}

/// An answer, as far as it is compared.
#[derive(Debug)]
struct Seen {
    status: u16,
    headers: HeaderMap,
    /// `None` when the body is too long.
    body: Option<u64>,
}

/// Where the client's own answer is waited for.
#[derive(Clone)]
struct Waiting(Arc<Mutex<Option<Wait>>>);

/// Who waits for it, and how much of a body.
struct Wait {
    sender: oneshot::Sender<Seen>,
    most: usize,
}

impl Shadow {
    pub(super) fn new(
        settings: ShadowSettings,
        origins: [OriginId; 2],
        state: &Arc<State>,
        builder: &Builder<'_>,
    ) -> Result<Self, BuildError> {
        if !(1..=1024).contains(&settings.at_once) {
            let message = format!("`{}` is out of bounds: 1 to 1024", settings.at_once);
            return Err(BuildError::at("shadow.at_once", message));
        }
        let most = usize::try_from(settings.max_body.0).ok();
        let body = most.filter(|most| *most <= 64 << 20).ok_or_else(|| {
            let message = format!(
                "`{}` is more than can be compared: at most `64MiB`",
                settings.max_body
            );
            BuildError::at("shadow.max_body", message)
        })?;
        Ok(Self {
            name: builder.name.into(),
            share: super::schedule::share(settings.percent),
            origins,
            compare: settings.compare.into(),
            bounds: Bounds {
                time: settings.timeout.0,
                body,
            },
            places: Arc::new(Semaphore::new(settings.at_once)),
            outside: builder.outside(),
            state: state.clone(),
        })
    }

    /// Sends the other origin what one of them is about to get, if chance wants it.
    pub(super) fn begin(&self, exchange: &mut Exchange, request: &RequestHeader) {
        if !self.is_due() || !is_comparable(request) {
            return;
        }
        let Some(other) = self.other(exchange) else {
            return;
        };
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.state.shadow.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let Some(copy) = copied(request) else {
            return;
        };
        let (sender, answer) = oneshot::channel();
        let waiting = Some(Wait {
            sender,
            most: self.bounds.body,
        });
        exchange
            .notes
            .insert(Waiting(Arc::new(Mutex::new(waiting))));
        let path = exchange.path().to_owned();
        tokio::spawn(self.compare(other, copy, path, answer, place));
    }

    fn is_due(&self) -> bool {
        rand::rng().random_range(0..BUCKETS) < self.share
    }

    /// The origin that is not asked; `None` when another filter chose a third one.
    fn other(&self, exchange: &Exchange) -> Option<OriginId> {
        let asked = exchange.chosen.origin.as_ref()?.origin;
        let [from, to] = self.origins;
        match asked {
            _ if asked == from => Some(to),
            _ if asked == to => Some(from),
            _ => None,
        }
    }

    /// Looks at the answer that the client gets; what comes back watches its body.
    pub(super) fn answered(
        exchange: &Exchange,
        response: &ResponseHeader,
    ) -> Option<Box<dyn BodyWatcher>> {
        let Waiting(waiting) = exchange.notes.get::<Waiting>()?;
        let taken = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // What the old origin answered in place of the new one is not what is compared.
        let Wait { sender, most } = taken.filter(|_| !exchange.chosen.fell_back)?;
        Some(Box::new(Watcher {
            sender: Some(sender),
            status: response.status.as_u16(),
            headers: response.headers.clone(),
            hash: XxHash3_64::with_seed(0),
            length: 0,
            most,
        }))
    }

    /// Asks the other origin, waits for the client's own answer, and compares.
    fn compare(
        &self,
        other: OriginId,
        request: Request<Bytes>,
        path: String,
        answer: oneshot::Receiver<Seen>,
        place: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let (outside, bounds) = (self.outside.clone(), self.bounds);
        let (state, compare, name) = (self.state.clone(), self.compare.clone(), self.name.clone());
        async move {
            let _place = place;
            let shadow = outside.ask(other, request, bounds).await;
            let own = timeout(LONGEST, answer).await;
            let counters = &state.shadow;
            let (Ok(shadow), Ok(Ok(own))) = (shadow, own) else {
                counters.failed.fetch_add(1, Ordering::Relaxed);
                return;
            };
            let shadow = Seen::of(&shadow);
            let differences = differences(&compare, &own, &shadow);
            if differences.is_empty() {
                counters.same.fetch_add(1, Ordering::Relaxed);
                return;
            }
            counters.different.fetch_add(1, Ordering::Relaxed);
            let difference = json!({ "path": path, "differences": differences });
            if may_log() {
                tracing::warn!(migration = &*name, %difference, "the two origins of a migration answer differently");
            }
            counters.remember(difference);
        }
    }
}

impl Seen {
    fn of(response: &Response<Bytes>) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: Some(XxHash3_64::oneshot(response.body())),
        }
    }
}

/// A request that asks for a whole answer and changes nothing.
fn is_comparable(request: &RequestHeader) -> bool {
    request.method == Method::GET
        && !PARTIAL
            .iter()
            .any(|name| request.headers.contains_key(name))
}

/// What differs, each with both values: the client's first.
fn differences(compare: &[Compared], own: &Seen, shadow: &Seen) -> Vec<Value> {
    let told = |what: &str, own: Value, shadow: Value| json!({ "what": what, "answered": own, "shadow": shadow });
    let differ = |compared: &Compared| match compared {
        Compared::Status => (own.status != shadow.status)
            .then(|| told("status", own.status.into(), shadow.status.into())),
        Compared::BodyHash => {
            let (own, shadow) = (own.body?, shadow.body?);
            let hex = |hash: u64| Value::from(format!("{hash:016x}"));
            (own != shadow).then(|| told("body_hash", hex(own), hex(shadow)))
        }
        Compared::Header(name) => {
            let [own, shadow] = [own, shadow].map(|seen| values(&seen.headers, &name.0));
            (own != shadow).then(|| told(name.0.as_str(), own.into(), shadow.into()))
        }
    };
    compare.iter().filter_map(differ).collect()
}

/// All values of a field.
fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// Whether one more line in the log is not too many.
fn may_log() -> bool {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = uptime().as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let last = LAST.load(Ordering::Relaxed);
    let quiet = u64::try_from(QUIET.as_millis()).unwrap_or(u64::MAX);
    (last == 0 || now.saturating_sub(last) >= quiet)
        && LAST
            .compare_exchange(last, now.max(1), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}

/// Watches the body of the client's own answer.
struct Watcher {
    sender: Option<oneshot::Sender<Seen>>,
    status: u16,
    headers: HeaderMap,
    hash: XxHash3_64,
    length: usize,
    most: usize,
}

impl BodyWatcher for Watcher {
    fn chunk(&mut self, bytes: &Bytes) {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= self.most {
            self.hash.write(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(sender) = self.sender.take() {
            let seen = Seen {
                status: self.status,
                headers: std::mem::take(&mut self.headers),
                body: (self.length <= self.most).then(|| self.hash.finish()),
            };
            // Whoever waited may have given up.
            drop(sender.send(seen));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: u16, body: Option<u64>, kind: &'static str) -> Seen {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        Seen {
            status,
            headers,
            body,
        }
    }

    #[test]
    fn what_is_compared_and_differs_is_told() {
        let compare: Vec<Compared> = ["status", "body_hash", "header:content-type"]
            .map(|text| Compared::try_from(text.to_owned()).unwrap())
            .into();
        let base = seen(200, Some(1), "text/html");
        for (other, expected) in [
            (seen(200, Some(1), "text/html"), &[][..]),
            (seen(404, Some(1), "text/html"), &["status"]),
            (
                seen(200, Some(2), "text/css"),
                &["body_hash", "content-type"],
            ),
            (seen(200, None, "text/html"), &[]),
        ] {
            let found = differences(&compare, &base, &other);
            let what: Vec<_> = found
                .iter()
                .map(|one| one["what"].as_str().unwrap())
                .collect();
            assert_eq!(what, expected, "{other:?}");
        }
        assert!(differences(&compare[..1], &base, &seen(200, Some(2), "x")).is_empty());
    }

    #[test]
    fn only_whole_answers_are_compared() {
        for (method, field, expected) in [
            ("GET", None, true),
            ("HEAD", None, false),
            ("POST", None, false),
            ("GET", Some("range"), false),
            ("GET", Some("if-none-match"), false),
        ] {
            let mut request = RequestHeader::build(method, b"/", None).unwrap();
            if let Some(field) = field {
                request.insert_header(field, "x").unwrap();
            }
            assert_eq!(is_comparable(&request), expected, "{method} {field:?}");
        }
    }
}
