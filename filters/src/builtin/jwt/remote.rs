//! Keys at a URL, fetched in the background.

mod freshness;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, Response, StatusCode, Uri};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::keys::KeySet;
use crate::lasting::Lasting;
use crate::outside::{AskError, Bounds, Outside};

/// The keys at a URL. Filters with the same URL share them, also over a reload.
pub(super) struct Remote {
    url: Uri,
    keys: RwLock<Option<Arc<KeySet>>>,
    generation: AtomicU64,
    state: Mutex<State>,
    /// Counts the fetches that ended.
    ended: watch::Sender<u64>,
    wanted: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// When the last fetch ended.
    last: Option<Instant>,
    /// What it brought.
    body: Option<[u8; 32]>,
    /// Who can fetch, as long as their filter is there.
    outsides: Vec<Weak<dyn Outside>>,
    task: Option<JoinHandle<()>>,
}

/// What a fetch may take.
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(10),
    body: 1 << 20,
};
/// How often the URL is asked for a `kid` that is not there.
const AT_MOST_EVERY: Duration = Duration::from_secs(60);
/// How long a request waits for keys.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many may wait at once, for all URLs.
static WAITING: Semaphore = Semaphore::const_new(1024);

impl Remote {
    /// The keys at `url`, which `outside` can fetch.
    pub(super) fn of(url: &str, outside: &Arc<dyn Outside>) -> Result<Arc<Self>, String> {
        static REMOTES: Lasting<Uri, Remote> = Lasting::new();
        let wrong = || format!("`{url}` is not a URL such as `https://id.example.com/jwks.json`");
        let url: Uri = url.parse().map_err(|_| wrong())?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.authority().is_none() {
            return Err(wrong());
        }
        let remote = REMOTES.of(url.clone(), || Self::new(url));
        let mut state = lock(&remote.state);
        state.outsides.retain(|known| known.strong_count() > 0);
        let outside = Arc::downgrade(outside);
        if !state.outsides.iter().any(|known| known.ptr_eq(&outside)) {
            state.outsides.push(outside);
        }
        drop(state);
        Ok(remote)
    }

    fn new(url: Uri) -> Self {
        Self {
            url,
            keys: RwLock::default(),
            generation: AtomicU64::new(0),
            state: Mutex::default(),
            ended: watch::Sender::new(0),
            wanted: Arc::default(),
        }
    }

    /// The keys that were there last.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.clone()
    }

    /// Counts up whenever the keys change.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Starts fetching, unless that goes on already.
    pub(super) fn tend(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if state.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let task = keep_fresh(Arc::downgrade(self), self.wanted.clone());
            state.task = Some(runtime.spawn(task));
        }
    }

    /// Whether there may soon be keys that are not here: nobody has asked yet, or not for a minute.
    pub(super) fn may_learn(&self) -> bool {
        let last = lock(&self.state).last;
        last.is_none_or(|last| last.elapsed() >= AT_MOST_EVERY)
    }

    /// Has the URL asked and waits for the end of that, for a short time.
    pub(super) async fn learn(self: &Arc<Self>) {
        let Ok(_place) = WAITING.try_acquire() else {
            return;
        };
        let mut ended = self.ended.subscribe();
        if !self.may_learn() {
            return;
        }
        self.tend();
        if lock(&self.state).last.is_some() {
            self.wanted.notify_one();
        }
        // When the time is over, what is known by then has to do.
        drop(timeout(PATIENCE, ended.changed()).await);
    }

    /// Fetches the keys and tells how long they are fresh.
    async fn fetch(&self) -> Result<Duration, AskError> {
        let response = self.ask().await?;
        let keys = match response.status() {
            StatusCode::OK => KeySet::fetched(response.body()),
            status => Err(format!("its status is {status}")),
        };
        let keys = keys.map_err(AskError::Broken)?;
        let mut body = [0; 32];
        for (byte, digest) in body
            .iter_mut()
            .zip(digest(&SHA256, response.body()).as_ref())
        {
            *byte = *digest;
        }
        if lock(&self.state).body.replace(body) != Some(body) {
            let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            *held = Some(Arc::new(keys));
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(freshness::of(response.headers()))
    }

    /// Asks by the configuration that came last, or else by one that still serves.
    async fn ask(&self) -> Result<Response<Bytes>, AskError> {
        let outsides = lock(&self.state).outsides.clone();
        for outside in outsides.iter().rev().filter_map(Weak::upgrade) {
            let request = Request::get(self.url.clone())
                .header(ACCEPT, "application/jwk-set+json, application/json")
                .body(Bytes::new())
                .map_err(|error| AskError::Request(error.to_string()))?;
            match outside.fetch(request, BOUNDS).await {
                Err(AskError::NotServing) => {}
                other => return other,
            }
        }
        Err(AskError::NotServing)
    }

    fn ends(&self) {
        lock(&self.state).last = Some(Instant::now());
        self.ended
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.state).task.take() {
            task.abort();
        }
    }
}

/// Fetches again and again, as long as anybody wants the keys: when they are no longer fresh, sooner after a failure, and
/// when somebody has a `kid` that is not there.
async fn keep_fresh(remote: Weak<Remote>, wanted: Arc<Notify>) {
    let mut failures = 0_u32;
    while let Some(held) = remote.upgrade() {
        let pause = match held.fetch().await {
            Ok(fresh) => {
                failures = 0;
                fresh
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::warn!(url = %held.url, %error, "keys of tokens could not be fetched");
                Duration::from_secs(1 << failures.min(6)).min(AT_MOST_EVERY)
            }
        };
        held.ends();
        drop(held);
        let soonest = pause.min(AT_MOST_EVERY);
        sleep(soonest).await;
        // What was wanted before has been answered by this fetch.
        drop(timeout(Duration::ZERO, wanted.notified()).await);
        drop(timeout(pause - soonest, wanted.notified()).await);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
