//! How the provider is asked: the library's requests over the edge's own client.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openidconnect::{HttpRequest, HttpResponse};
use tokio::sync::Semaphore;

use crate::outside::{AskError, Bounds, Outside};

/// Bytes of a provider's answer; key sets are the longest.
const MAX_ANSWER: usize = 1 << 20;
/// Questions to a provider that are on their way at once.
const MAX_QUESTIONS: usize = 200;

/// An answer on its way.
type Asked = Pin<Box<dyn Future<Output = Result<HttpResponse, AskError>> + Send>>;

/// How the provider is asked.
pub(super) struct Asking {
    outside: Arc<dyn Outside>,
    bounds: Bounds,
    may_be_http: bool,
    places: Arc<Semaphore>,
}

impl Asking {
    pub(super) fn new(outside: Arc<dyn Outside>, time: Duration, may_be_http: bool) -> Self {
        Self {
            outside,
            bounds: Bounds {
                time,
                body: MAX_ANSWER,
            },
            may_be_http,
            places: Arc::new(Semaphore::new(MAX_QUESTIONS)),
        }
    }

    /// What the library asks with.
    pub(super) fn client(self: &Arc<Self>) -> impl Fn(HttpRequest) -> Asked + Send + Sync + use<> {
        let asking = self.clone();
        move |request| {
            let asking = asking.clone();
            Box::pin(async move { asking.ask(request).await })
        }
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, AskError> {
        if request.uri().scheme_str() != Some("https") && !self.may_be_http {
            let message = format!("`{}` is not an `https` URL", request.uri());
            return Err(AskError::Request(message));
        }
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| AskError::Connect("too many ask already".to_owned()))?;
        let response = self
            .outside
            .fetch(request.map(Bytes::from), self.bounds)
            .await?;
        Ok(response.map(|body| body.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::Surroundings;

    #[tokio::test]
    async fn nothing_is_asked_in_the_clear_unless_it_may_be() {
        for (url, may_be_http, expected) in [
            (
                "http://id.example/keys",
                false,
                "`http://id.example/keys` is not an `https` URL",
            ),
            ("http://id.example/keys", true, "does not serve"),
            ("https://id.example/keys", false, "does not serve"),
        ] {
            let outside = Surroundings::default().outside;
            let asking = Arc::new(Asking::new(outside, Duration::from_secs(1), may_be_http));
            let request = http::Request::get(url).body(Vec::new()).unwrap();
            let error = asking.client()(request).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
