//! A page that an origin has, fetched before it is needed and kept while the origin is down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use rimward_config::OriginId;
use tokio::runtime::Handle;

use crate::filter::Builder;
use crate::outside::{AskError, Bounds, Outside};

const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(10),
    body: 1 << 20,
};

/// How long a page is good, whatever it says of itself.
const SHORTEST: u64 = 10;
const LONGEST: u64 = 3600;
const UNTOLD: u64 = 60;

/// Until the origin is asked again after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Until it is asked again when the configuration does not serve yet.
const BEFORE_SERVING: Duration = Duration::from_millis(100);

/// A page that an origin has. Fetched by a task that ends when this is dropped.
pub(super) struct Kept {
    filter: String,
    origin: OriginId,
    target: Uri,
    outside: Arc<dyn Outside>,
    page: Mutex<Option<(HeaderValue, Bytes)>>,
    is_fetched: AtomicBool,
}

impl Kept {
    /// A page that is fetched from now on, or from the first time on that it is needed if nothing can run yet.
    pub(super) fn start(origin: OriginId, target: Uri, builder: &Builder<'_>) -> Arc<Self> {
        let kept = Arc::new(Self {
            filter: builder.name.to_owned(),
            origin,
            target,
            outside: builder.outside(),
            page: Mutex::default(),
            is_fetched: AtomicBool::new(false),
        });
        kept.fetch_from_now_on();
        kept
    }

    /// The page, if it was there at any time.
    pub(super) fn page(self: &Arc<Self>) -> Option<(HeaderValue, Bytes)> {
        self.fetch_from_now_on();
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(HeaderValue, Bytes)>> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch_from_now_on(self: &Arc<Self>) {
        if self.is_fetched.load(Ordering::Relaxed) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if !self.is_fetched.swap(true, Ordering::Relaxed) {
            drop(runtime.spawn(fetch_again_and_again(Arc::downgrade(self))));
        }
    }

    /// Fetches it once, and tells how long to wait before the next time.
    async fn fetch(&self) -> Duration {
        let told = match self.ask().await {
            Ok(response) => match good(&response) {
                Ok(content_type) => {
                    let lifetime = lifetime(&response);
                    *self.lock() = Some((content_type, response.into_body()));
                    return lifetime;
                }
                Err(told) => told,
            },
            Err(AskError::NotServing) => return BEFORE_SERVING,
            Err(error) => error.to_string(),
        };
        tracing::warn!(filter = %self.filter, path = %self.target, error = %told, "error page could not be fetched");
        AFTER_FAILURE
    }

    async fn ask(&self) -> Result<Response<Bytes>, AskError> {
        let request = Request::get(self.target.clone())
            .header(ACCEPT_ENCODING, "identity")
            .body(Bytes::new())
            .map_err(|error| AskError::Request(error.to_string()))?;
        self.outside.ask(self.origin, request, BOUNDS).await
    }
}

async fn fetch_again_and_again(kept: Weak<Kept>) {
    loop {
        let Some(held) = kept.upgrade() else {
            return;
        };
        let wait = held.fetch().await;
        drop(held);
        tokio::time::sleep(wait).await;
    }
}

/// The type of a page that can be put in place of others.
fn good(response: &Response<Bytes>) -> Result<HeaderValue, String> {
    let fields = response.headers();
    if response.status() != StatusCode::OK {
        return Err(format!("its status is {}", response.status().as_u16()));
    }
    let encoding = fields.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding != "identity") {
        return Err("it is encoded".to_owned());
    }
    let kind = fields.get(CONTENT_TYPE).cloned();
    kind.ok_or_else(|| "it has no `content-type`".to_owned())
}

fn lifetime(response: &Response<Bytes>) -> Duration {
    let lines = response.headers().get_all(CACHE_CONTROL).iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let age = texts
        .flat_map(|text| text.split(','))
        .find_map(|directive| {
            let (name, value) = directive.trim().split_once('=')?;
            let is_age = name.eq_ignore_ascii_case("max-age");
            is_age.then(|| value.trim_matches('"').parse::<u64>().ok())?
        });
    Duration::from_secs(age.unwrap_or(UNTOLD).clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::path::Path;

    use async_trait::async_trait;

    use super::*;
    use crate::outside::Surroundings;

    /// Gives one answer after another.
    struct Script(Mutex<VecDeque<Result<Response<Bytes>, AskError>>>);

    #[async_trait]
    impl Outside for Script {
        async fn ask(
            &self,
            origin: OriginId,
            request: Request<Bytes>,
            _: Bounds,
        ) -> Result<Response<Bytes>, AskError> {
            assert_eq!((origin, request.uri().path()), (OriginId(3), "/sorry"));
            self.0.lock().unwrap().pop_front().unwrap()
        }
    }

    fn answer(status: u16, fields: &[(&str, &str)], body: &'static str) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        response.body(body.into()).unwrap()
    }

    const HTML: (&str, &str) = ("content-type", "text/html");

    #[test]
    fn a_page_is_kept_until_there_is_a_newer_one() {
        let answers = [
            (Err(AskError::NotServing), BEFORE_SERVING, None),
            (
                Err(AskError::Connect("refused".to_owned())),
                AFTER_FAILURE,
                None,
            ),
            (
                Ok(answer(200, &[HTML], "1")),
                Duration::from_secs(60),
                Some("1"),
            ),
            (Ok(answer(503, &[HTML], "2")), AFTER_FAILURE, Some("1")),
            (Ok(answer(200, &[], "2")), AFTER_FAILURE, Some("1")),
            (
                Ok(answer(200, &[HTML, ("content-encoding", "gzip")], "2")),
                AFTER_FAILURE,
                Some("1"),
            ),
            (
                Ok(answer(
                    200,
                    &[HTML, ("cache-control", "public, max-age=600")],
                    "2",
                )),
                Duration::from_secs(600),
                Some("2"),
            ),
            (
                Ok(answer(200, &[HTML, ("cache-control", "max-age=0")], "3")),
                Duration::from_secs(SHORTEST),
                Some("3"),
            ),
        ];
        let script = answers.iter().map(|(answer, ..)| match answer {
            Ok(response) => Ok(response.clone()),
            Err(error) => Err(error.clone()),
        });
        let around = Surroundings {
            outside: Arc::new(Script(Mutex::new(script.collect()))),
            ..Surroundings::default()
        };
        let builder = Builder::new(Path::new("."), "test").within(around);
        let kept = Kept::start(OriginId(3), "/sorry".parse().unwrap(), &builder);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for (index, (_, wait, body)) in answers.iter().enumerate() {
            assert_eq!(runtime.block_on(kept.fetch()), *wait, "answer {index}");
            let held = kept.page().map(|(_, body)| body);
            assert_eq!(held.as_deref(), body.map(str::as_bytes), "answer {index}");
        }
    }

    #[tokio::test]
    async fn a_page_is_fetched_beforehand() {
        let script = Script(Mutex::new([Ok(answer(200, &[HTML], "1"))].into()));
        let around = Surroundings {
            outside: Arc::new(script),
            ..Surroundings::default()
        };
        let builder = Builder::new(Path::new("."), "test").within(around);
        let kept = Kept::start(OriginId(3), "/sorry".parse().unwrap(), &builder);
        let fetched = async {
            while kept.page().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), fetched)
            .await
            .unwrap();
    }
}
