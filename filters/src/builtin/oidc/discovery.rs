//! What is known of the provider: where it is asked for what, and the keys that it signs with.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::{IssuerUrl, ProviderMetadataWithLogout};

use super::asking::Asking;
use crate::filter::FilterError;

/// After this what is known is asked for anew, beside the requests.
const RENEWAL: Duration = Duration::from_secs(3600);
/// A provider that could not be discovered is left alone for a while.
const PAUSE: Duration = Duration::from_secs(5);
/// An unknown key has the keys asked for anew, at most this often.
const KEY_PAUSE: Duration = Duration::from_secs(60);
pub(super) type Metadata = ProviderMetadataWithLogout;

/// What is known of the provider, and how to know it.
pub(super) struct Discovery {
    pub(super) issuer: IssuerUrl,
    asking: Arc<Asking>,
    known: Mutex<Option<Known>>,
    /// Held by who discovers; the last failure.
    discovering: tokio::sync::Mutex<Option<(Instant, String)>>,
}

/// What is known of it, and since when.
#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    since: Instant,
}

impl Discovery {
    pub(super) fn new(issuer: IssuerUrl, asking: Arc<Asking>) -> Self {
        Self {
            issuer,
            asking,
            known: Mutex::default(),
            discovering: tokio::sync::Mutex::default(),
        }
    }

    /// How long it has been known, and why it could not be discovered the last time.
    pub(super) fn status(&self) -> (Option<Duration>, Option<String>) {
        let fault = self.discovering.try_lock().ok();
        let fault = fault.and_then(|last| last.as_ref().map(|(_, why)| why.clone()));
        (self.known().map(|known| known.since.elapsed()), fault)
    }

    fn known(&self) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// What is known of the provider. Only the first who needs it waits for it.
    pub(super) async fn metadata(self: &Arc<Self>) -> Result<Arc<Metadata>, FilterError> {
        if let Some(known) = self.known() {
            if known.since.elapsed() > RENEWAL {
                self.renew_beside();
            }
            return Ok(known.metadata);
        }
        let mut last = self.discovering.lock().await;
        if let Some(known) = self.known() {
            return Ok(known.metadata);
        }
        match &*last {
            Some((when, why)) if when.elapsed() < PAUSE => Err(FilterError::new(why.clone())),
            _ => self.discover(&mut last).await,
        }
    }

    fn renew_beside(self: &Arc<Self>) {
        let discovery = self.clone();
        tokio::spawn(async move {
            let Ok(mut last) = discovery.discovering.try_lock() else {
                return;
            };
            let is_new = discovery
                .known()
                .is_some_and(|known| known.since.elapsed() < RENEWAL);
            let failed = last
                .as_ref()
                .is_some_and(|(when, _)| when.elapsed() < KEY_PAUSE);
            if !is_new
                && !failed
                && let Err(error) = discovery.discover(&mut last).await
            {
                tracing::warn!(%error, "what was known of the provider holds on");
            }
        });
    }

    /// What is known once the keys were asked for anew; `None` when that was done lately.
    pub(super) async fn renewed(&self, old: &Arc<Metadata>) -> Option<Arc<Metadata>> {
        let mut last = self.discovering.lock().await;
        let known = self.known()?;
        if !Arc::ptr_eq(&known.metadata, old) {
            return Some(known.metadata);
        }
        match known.since.elapsed() < KEY_PAUSE {
            true => None,
            false => self.discover(&mut last).await.ok(),
        }
    }

    async fn discover(
        &self,
        last: &mut Option<(Instant, String)>,
    ) -> Result<Arc<Metadata>, FilterError> {
        let found = Metadata::discover_async(self.issuer.clone(), &self.asking.client()).await;
        let now = Instant::now();
        match found {
            Ok(metadata) => {
                let known = Known {
                    metadata: Arc::new(metadata),
                    since: now,
                };
                *last = None;
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
                Ok(known.metadata)
            }
            Err(error) => {
                let why = format!("the provider can't be discovered: {}", with_causes(&error));
                *last = Some((now, why.clone()));
                Err(FilterError::new(why))
            }
        }
    }
}

/// An error and what led to it.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, Response};
    use serde_json::json;

    use super::*;
    use crate::outside::{AskError, Bounds, Outside};

    /// A provider that tells of itself, unless it is down.
    #[derive(Default)]
    struct Web {
        is_down: AtomicBool,
        asked: AtomicUsize,
    }

    #[async_trait]
    impl Outside for Web {
        async fn fetch(
            &self,
            request: Request<Bytes>,
            _: Bounds,
        ) -> Result<Response<Bytes>, AskError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.is_down.load(Ordering::Relaxed) {
                return Err(AskError::Connect("nobody there".to_owned()));
            }
            let told = match request.uri().path() {
                "/keys" => json!({ "keys": [] }),
                _ => json!({
                    "issuer": "https://id.example",
                    "authorization_endpoint": "https://id.example/authorize",
                    "jwks_uri": "https://id.example/keys",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }),
            };
            Ok(Response::new(told.to_string().into()))
        }
    }

    fn provider(web: &Arc<Web>) -> Arc<Discovery> {
        let issuer = IssuerUrl::new("https://id.example".to_owned()).unwrap();
        let asking = Asking::new(web.clone(), Duration::from_secs(1), false);
        Arc::new(Discovery::new(issuer, Arc::new(asking)))
    }

    /// Lets time pass for what is known.
    fn age(provider: &Discovery, time: Duration) {
        let mut known = provider.known.lock().unwrap();
        let known = known.as_mut().unwrap();
        known.since = known.since.checked_sub(time).unwrap();
    }

    #[tokio::test]
    async fn a_provider_is_discovered_once_and_then_every_hour() {
        let web = Arc::<Web>::default();
        let provider = provider(&web);
        let first = provider.metadata().await.unwrap();
        assert!(Arc::ptr_eq(&first, &provider.metadata().await.unwrap()));
        assert_eq!(web.asked.load(Ordering::Relaxed), 2);
        age(&provider, RENEWAL + KEY_PAUSE);
        assert!(Arc::ptr_eq(&first, &provider.metadata().await.unwrap()));
        while Arc::ptr_eq(&first, &provider.known().unwrap().metadata) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_was_known_holds_while_the_provider_is_down() {
        let web = Arc::<Web>::default();
        let provider = provider(&web);
        let first = provider.metadata().await.unwrap();
        web.is_down.store(true, Ordering::Relaxed);
        age(&provider, 2 * RENEWAL);
        for _ in 0..10 {
            assert!(Arc::ptr_eq(&first, &provider.metadata().await.unwrap()));
            tokio::task::yield_now().await;
        }
        assert_eq!(
            web.asked.load(Ordering::Relaxed),
            3,
            "it is left alone for a while"
        );
    }

    #[tokio::test]
    async fn a_provider_that_is_down_is_not_asked_by_everybody() {
        let web = Arc::<Web>::default();
        web.is_down.store(true, Ordering::Relaxed);
        let provider = provider(&web);
        for _ in 0..10 {
            let error = provider.metadata().await.unwrap_err();
            assert!(error.to_string().contains("nobody there"), "{error}");
        }
        assert_eq!(web.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn an_unknown_key_has_the_keys_asked_for_once_a_minute() {
        let web = Arc::<Web>::default();
        let provider = provider(&web);
        let first = provider.metadata().await.unwrap();
        assert!(provider.renewed(&first).await.is_none());
        age(&provider, KEY_PAUSE);
        let second = provider.renewed(&first).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(
            &second,
            &provider.renewed(&first).await.unwrap()
        ));
        assert!(provider.renewed(&second).await.is_none());
        assert_eq!(web.asked.load(Ordering::Relaxed), 4);
    }
}
