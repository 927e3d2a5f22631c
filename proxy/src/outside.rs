//! Whom filters can ask: servers of the origins of their configuration, URLs, and the edge itself.

mod place;
mod public;
mod room;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri};
use rimward_config::OriginId;
use rimward_filters::{AskError, Bounds, Client, Destination, Outside, ServerName, Stream, Waits};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::origin::{Origin, ask_once, send_once};
use crate::request::enter::{Entrance, Errand};
use crate::runtime::Runtime;

pub(crate) use room::Room;

use place::{Connected, Place};

/// What filters of one configuration are given before there is a runtime to ask.
#[derive(Default)]
pub(crate) struct Beyond {
    runtime: OnceLock<Weak<Runtime>>,
    entrance: OnceLock<Entrance>,
}

impl Beyond {
    /// From now on there are origins to ask. Called once.
    pub(crate) fn opens(&self, runtime: &Arc<Runtime>) {
        self.runtime.get_or_init(|| Arc::downgrade(runtime));
    }

    /// From now on requests can be made to the edge itself. Called once.
    pub(crate) fn admits(&self, entrance: Entrance) {
        self.entrance.get_or_init(|| entrance);
    }

    fn origin(&self, id: OriginId) -> Option<Arc<Origin>> {
        let runtime = self.runtime.get()?.upgrade()?;
        Some(runtime.origins.get(id).clone())
    }
}

#[async_trait]
impl Outside for Beyond {
    fn is_usable(&self, origin: OriginId) -> bool {
        self.origin(origin).is_some_and(|origin| origin.is_usable())
    }

    async fn ask(
        &self,
        origin: OriginId,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let origin = self.origin(origin).ok_or(AskError::NotServing)?;
        origin.ask(request, bounds).await
    }

    async fn send(
        &self,
        to: Destination,
        mut request: Request<Stream>,
        waits: Waits,
    ) -> Result<Response<Stream>, AskError> {
        match to {
            Destination::Origin { id, .. } => {
                let origin = self.origin(id).ok_or(AskError::NotServing)?;
                in_origin_form(&mut request)?;
                origin.send(request, waits).await
            }
            Destination::Public => send(request, waits, public::is_public).await,
            Destination::Listed => send(request, waits, public::is_public_or_private).await,
        }
    }

    async fn fetch(
        &self,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let fetched = timeout(bounds.time, fetch(request, bounds.body)).await;
        fetched.unwrap_or(Err(AskError::Timeout(bounds.time)))
    }

    async fn enter(
        &self,
        client: &Client,
        depth: u8,
        request: Request<Bytes>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, AskError> {
        let runtime = self.runtime.get().and_then(Weak::upgrade);
        let (Some(runtime), Some(entrance)) = (runtime, self.entrance.get()) else {
            return Err(AskError::NotServing);
        };
        let errand = Errand {
            client,
            depth,
            request,
            most: bounds.body,
        };
        let entered = timeout(bounds.time, entrance.enter(runtime, errand)).await;
        entered.unwrap_or(Err(AskError::Timeout(bounds.time)))
    }
}

/// Asks an absolute URL over a connection of its own: such questions are rare.
async fn fetch(mut request: Request<Bytes>, most: usize) -> Result<Response<Bytes>, AskError> {
    let uri = in_origin_form(&mut request)?;
    let name = request.extensions_mut().remove::<ServerName>();
    let place = Place::of(&uri)?.certified_as(name.as_ref());
    place.name_host(&mut request)?;
    let stream = TcpStream::connect((place.host, place.port))
        .await
        .map_err(|error| AskError::Connect(format!("`{}`: {error}", place.authority)))?;
    match place.secured(stream).await? {
        Connected::Plain(stream) => ask_once(stream, request, most).await,
        Connected::Tls(stream) => ask_once(stream, request, most).await,
    }
}

/// Sends a request to the host of its URL, at an address that may be connected to, over a connection of its own.
async fn send(
    mut request: Request<Stream>,
    waits: Waits,
    may_be: fn(IpAddr) -> bool,
) -> Result<Response<Stream>, AskError> {
    let uri = in_origin_form(&mut request)?;
    let place = Place::of(&uri)?;
    place.name_host(&mut request)?;
    let connecting = async { place.secured(public::connect(&place, may_be).await?).await };
    let connected = timeout(waits.connect, connecting).await;
    match connected.unwrap_or(Err(AskError::Timeout(waits.connect)))? {
        Connected::Plain(stream) => send_once(stream, request, waits).await,
        Connected::Tls(stream) => send_once(stream, request, waits).await,
    }
}

/// Takes the absolute URL of a request, and leaves the path in its place.
fn in_origin_form<B>(request: &mut Request<B>) -> Result<Uri, AskError> {
    let uri = std::mem::take(request.uri_mut());
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = target
        .parse()
        .map_err(|_| AskError::Request(format!("`{uri}` has no path")))?;
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use rimward_filters::Cut;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        time: Duration::from_secs(5),
        body: 16,
    };

    async fn asked(
        answer: &'static str,
        path: &str,
    ) -> (Result<Response<Bytes>, AskError>, String) {
        asked_for(None, answer, path).await
    }

    /// Answers one request with these bytes, and gives what was asked.
    async fn asked_for(
        cut: Option<Cut>,
        answer: &'static str,
        path: &str,
    ) -> (Result<Response<Bytes>, AskError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request[..read].to_vec()).unwrap()
        });
        let mut request = Request::get(url).body(Bytes::new()).unwrap();
        if let Some(cut) = cut {
            request.extensions_mut().insert(cut);
        }
        let response = Beyond::default().fetch(request, BOUNDS).await;
        (response, served.await.unwrap())
    }

    #[tokio::test]
    async fn a_url_is_asked_for_what_it_names() {
        let (response, request) =
            asked("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "/a?b").await;
        assert_eq!(response.unwrap().body(), "ok");
        assert!(
            request.starts_with("GET /a?b HTTP/1.1\r\nhost: 127.0.0.1:"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn half_a_response_and_one_too_long_are_none() {
        let (cut, _) = asked("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", "/").await;
        assert!(matches!(cut, Err(AskError::Broken(_))), "{cut:?}");
        let long = "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n12345678901234567";
        assert_eq!(asked(long, "/").await.0.unwrap_err(), AskError::TooLong(16));
    }

    #[tokio::test]
    async fn who_wants_the_beginning_gets_that_of_a_longer_body() {
        for (answer, body, is_cut) in [
            (
                "content-length: 17\r\n\r\n12345678901234567",
                "1234567890123456",
                true,
            ),
            (
                "content-length: 16\r\n\r\n1234567890123456",
                "1234567890123456",
                false,
            ),
            (
                "transfer-encoding: chunked\r\n\r\n14\r\n12345678901234567890\r\n",
                "1234567890123456",
                true,
            ),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\n{answer}").leak();
            let (response, _) = asked_for(Some(Cut), answer, "/").await;
            let response = response.unwrap();
            assert_eq!(response.body(), body);
            assert_eq!(response.extensions().get::<Cut>().is_some(), is_cut);
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_before_there_is_a_runtime() {
        let beyond = Beyond::default();
        assert!(!beyond.is_usable(OriginId(0)));
        let request = Request::get("/").body(Bytes::new()).unwrap();
        let asked = beyond.ask(OriginId(0), request, BOUNDS).await;
        assert_eq!(asked.unwrap_err(), AskError::NotServing);
    }
}
