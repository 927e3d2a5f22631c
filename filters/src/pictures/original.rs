//! How originals are had: through the cache of this edge, or from another site.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, HOST, HeaderValue, VIA};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use rimward_config::OriginId;
use tokio::time::timeout;

use crate::exchange::{Client, Exchange};
use crate::outside::{AskError, Bounds, Depth, Destination, Outside, Stream, Waits};

/// What requests for originals say of themselves in `Via`, so that no picture is asked for as the original of itself.
const MARK: &str = "rimward-image";
/// What is read of pictures, so that an origin that negotiates gives no other.
const READ: &str = "image/webp,image/png,image/jpeg,image/gif,*/*;q=0.1";

/// Whether a request is one for an original, of this edge or of another.
pub(crate) fn is_for_original(exchange: &Exchange) -> bool {
    let lines = exchange.request.headers.get_all(VIA).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .any(|line| line.contains(MARK))
}

/// For whom originals are asked for. What tells clients from each other beside their address is left out, since everybody
/// gets what is made of them.
#[derive(Clone)]
pub(super) struct Asker {
    client: Client,
    depth: u8,
    host: HeaderValue,
    request_id: String,
}

impl Asker {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let depth = exchange.notes.get().copied().unwrap_or(Depth(0)).0;
        let host = exchange.request.headers.get(HOST).cloned();
        Self {
            client: exchange.client.clone(),
            depth: depth.saturating_add(1),
            host: host.unwrap_or(HeaderValue::from_static("")),
            request_id: exchange.request_id.clone(),
        }
    }
}

/// Whom originals are had from.
pub(super) struct Originals {
    pub(super) outside: Arc<dyn Outside>,
    pub(super) bounds: Bounds,
    /// The origin that they come from in place of this edge.
    pub(super) origin: Option<OriginId>,
}

impl Originals {
    /// The response to a request for an original, through the cache if it is not an origin's.
    pub(super) async fn get(
        &self,
        asker: &Asker,
        target: &str,
    ) -> Result<Response<Bytes>, AskError> {
        let request = here(asker, target)?;
        let Asker { client, depth, .. } = asker;
        if let Some(origin) = self.origin {
            return self.outside.ask(origin, request, self.bounds).await;
        }
        self.outside
            .enter(client, *depth, request, self.bounds)
            .await
    }

    /// What another site has at this URL.
    pub(super) async fn fetch(&self, url: &str) -> Result<Response<Bytes>, AskError> {
        let Bounds { time, .. } = self.bounds;
        let coming = fetch(self.outside.clone(), elsewhere(url)?, self.bounds);
        timeout(time, coming)
            .await
            .unwrap_or(Err(AskError::Timeout(time)))
    }
}

/// A response on its way.
type Coming = Pin<Box<dyn Future<Output = Result<Response<Bytes>, AskError>> + Send>>;

/// What another site has. In a box, since the compiler can't see of itself that it may be sent between threads.
fn fetch(outside: Arc<dyn Outside>, request: Request<Stream>, bounds: Bounds) -> Coming {
    let Bounds { time, body: most } = bounds;
    let waits = Waits {
        connect: time,
        first_byte: time,
        between_bytes: time,
    };
    Box::pin(async move {
        let response = outside.send(Destination::Public, request, waits).await?;
        let (head, mut body) = response.into_parts();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| AskError::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if data.len() > most - bytes.len() {
                return Err(AskError::TooLong(most));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Response::from_parts(head, bytes.freeze()))
    })
}

/// A request for an original of the same site.
fn here(asker: &Asker, target: &str) -> Result<Request<Bytes>, AskError> {
    let request = Request::get(target)
        .header(HOST, asker.host.clone())
        .header("x-request-id", &asker.request_id);
    let request = marked(request).body(Bytes::new());
    request.map_err(|error| AskError::Request(error.to_string()))
}

/// A request for an original of another site.
fn elsewhere(url: &str) -> Result<Request<Stream>, AskError> {
    let nothing = Empty::new().map_err(|never| match never {});
    let request = marked(Request::get(url)).body(nothing.boxed_unsync());
    request.map_err(|error| AskError::Request(error.to_string()))
}

fn marked(request: http::request::Builder) -> http::request::Builder {
    request
        .header(VIA, format!("1.1 {MARK}"))
        .header(ACCEPT, READ)
}

/// How long an original, and then a picture, is waited for.
pub(super) fn bounds(time: Duration, body: usize) -> Bounds {
    Bounds { time, body }
}
