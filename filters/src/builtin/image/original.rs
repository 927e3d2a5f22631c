//! How originals are had: through the cache of this edge, or from another site.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, HeaderValue, VIA};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Limited};
use tokio::time::timeout;

use super::asked::Source;
use crate::exchange::Exchange;
use crate::outside::{AskError, Bounds, Depth, Destination, Outside, Waits};

/// What requests for originals say of themselves in `Via`, so that no picture is asked for as the original of itself.
const MARK: &str = "rimward-image";
/// What is read of pictures, so that an origin that negotiates gives no other.
const READ: &str = "image/webp,image/png,image/jpeg,image/gif,*/*;q=0.1";

/// Whether a request is one for an original, of this edge or of another.
pub(super) fn is_for_original(exchange: &Exchange) -> bool {
    let lines = exchange.request.headers.get_all(VIA).iter();
    lines.filter_map(|line| line.to_str().ok()).any(|line| line.contains(MARK))
}

/// Whom originals are had from.
pub(super) struct Originals {
    pub(super) outside: Arc<dyn Outside>,
    pub(super) bounds: Bounds,
}

impl Originals {
    /// The response to a request for an original. What tells clients from each other beside their address is left out, since
    /// everybody gets what is made of it.
    pub(super) async fn get(&self, exchange: &Exchange, source: &Source) -> Result<Response<Bytes>, AskError> {
        match source {
            Source::Here(target) => self.enter(exchange, target).await,
            Source::Elsewhere(url) => {
                let Bounds { time, .. } = self.bounds;
                timeout(time, self.fetch(url)).await.unwrap_or(Err(AskError::Timeout(time)))
            }
        }
    }

    async fn enter(&self, exchange: &Exchange, target: &str) -> Result<Response<Bytes>, AskError> {
        let depth = exchange.notes.get().copied().unwrap_or(Depth(0)).0;
        let host = exchange.request.headers.get(HOST).cloned();
        let request = Request::get(target)
            .header(HOST, host.unwrap_or(HeaderValue::from_static("")))
            .header("x-request-id", &exchange.request_id);
        let request = marked(request).body(Bytes::new());
        let request = request.map_err(|error| AskError::Request(error.to_string()))?;
        self.outside.enter(&exchange.client, depth.saturating_add(1), request, self.bounds).await
    }

    async fn fetch(&self, url: &str) -> Result<Response<Bytes>, AskError> {
        let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = marked(Request::get(url)).body(nothing);
        let request = request.map_err(|error| AskError::Request(error.to_string()))?;
        let Bounds { time, body: most } = self.bounds;
        let waits = Waits { connect: time, first_byte: time, between_bytes: time };
        let response = self.outside.send(Destination::Public, request, waits).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, most).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                AskError::TooLong(most)
            } else {
                AskError::Broken(error.to_string())
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

fn marked(request: http::request::Builder) -> http::request::Builder {
    request.header(VIA, format!("1.1 {MARK}")).header(ACCEPT, READ)
}

/// How long an original, and then a picture, is waited for.
pub(super) fn bounds(time: Duration, most: u64) -> Bounds {
    Bounds { time, body: usize::try_from(most).unwrap_or(usize::MAX) }
}
