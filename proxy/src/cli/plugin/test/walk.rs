//! One exchange on its way through a filter, with nothing in the cache: request, origin, response, and the end.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HOST, LAST_MODIFIED,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use pingora_http::{RequestHeader, ResponseHeader};
use rimward_config::OriginId;
use rimward_filters::{
    Answer, Body, BodyRewriter, Chosen, Client, Exchange, Filter, FilterError, Flow, Found, Phase,
    RequestBody, Scheme, Summary,
};

use super::case::{Reply, Request};

/// How often a phase may ask to be called again.
const MOST_ROUNDS: usize = 8;

/// What came of an exchange.
#[derive(Default)]
pub(super) struct Outcome {
    /// What the origin got.
    pub(super) request: Option<Sent>,
    /// What the filter answered itself.
    pub(super) answer: Option<Told>,
    /// What the client got.
    pub(super) response: Option<Told>,
    /// Why a phase failed.
    pub(super) error: Option<String>,
}

/// A request to the origin.
pub(super) struct Sent {
    pub(super) head: RequestHeader,
    pub(super) body: Bytes,
}

/// A response.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Told {
    fn of(head: &ResponseHeader, body: Bytes) -> Self {
        Self {
            status: head.status.as_u16(),
            headers: head.headers.clone(),
            body,
        }
    }
}

/// The exchange of a request as the file has it.
pub(super) fn exchange(request: &Request) -> Result<Exchange, String> {
    let peer = SocketAddr::new(request.client_ip, 40000);
    let head = request_head(request)?;
    Ok(Exchange {
        client: Client {
            ip: request.client_ip,
            peer,
            scheme: Scheme::Https,
            country: country(request.country.as_deref())?,
            certificate: None,
            tls: None,
            geoip: None,
        },
        site: host(&head).into(),
        request: head,
        route: "/".into(),
        params: Vec::new(),
        request_id: "00000000000000000000000000000000".to_owned(),
        notes: http::Extensions::new(),
        origin: Some(OriginId(0)),
        chosen: Chosen::default(),
        found: Found::Unknown,
        request_watchers: Vec::new(),
        request_body: None,
        request_rewriters: Vec::new(),
        outcomes: Vec::new(),
        log: Vec::new(),
        filter_nanoseconds: 0,
    })
}

fn request_head(request: &Request) -> Result<RequestHeader, String> {
    let method: Method = request
        .method
        .parse()
        .map_err(|_| format!("`{}` is no method", request.method))?;
    let uri: Uri = request
        .uri
        .parse()
        .ok()
        .filter(|_| request.uri.starts_with('/'))
        .ok_or_else(|| format!("`{}` is no target such as `/a?b=1`", request.uri))?;
    let broken = |error: Box<pingora::Error>| error.to_string();
    let mut head = RequestHeader::build(method, b"/", None).map_err(broken)?;
    head.set_uri(uri);
    for (name, value) in request.headers.parsed()? {
        head.append_header(name, value).map_err(broken)?;
    }
    if !head.headers.contains_key(HOST) {
        head.insert_header(HOST, "example.com").map_err(broken)?;
    }
    if !request.body.is_empty() && !head.headers.contains_key(CONTENT_LENGTH) {
        head.insert_header(CONTENT_LENGTH, request.body.len())
            .map_err(broken)?;
    }
    Ok(head)
}

fn host(head: &RequestHeader) -> String {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    host.unwrap_or_default().to_owned()
}

fn country(code: Option<&str>) -> Result<Option<[u8; 2]>, String> {
    let Some(code) = code else { return Ok(None) };
    match code.as_bytes() {
        [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Some([*a, *b])),
        _ => Err(format!("`{code}` is no country such as `DE`")),
    }
}

/// What an origin answers, as a filter gets it.
fn origin_head(reply: &Reply) -> Result<ResponseHeader, String> {
    let broken = |error: Box<pingora::Error>| error.to_string();
    let mut head = ResponseHeader::build(reply.status, None)
        .map_err(|_| format!("`{}` is no status", reply.status))?;
    for (name, value) in reply.headers.parsed()? {
        head.append_header(name, value).map_err(broken)?;
    }
    if has_body(head.status) && !head.headers.contains_key(CONTENT_LENGTH) {
        head.insert_header(CONTENT_LENGTH, reply.body.len())
            .map_err(broken)?;
    }
    Ok(head)
}

/// Takes an exchange through a filter.
///
/// # Errors
/// When what the file says can't be sent.
pub(super) async fn walk(
    filter: &dyn Filter,
    exchange: &mut Exchange,
    body: Bytes,
    reply: &Reply,
) -> Result<Outcome, String> {
    let head = origin_head(reply)?;
    let mut walk = Walk {
        filter,
        exchange,
        body,
        outcome: Outcome::default(),
    };
    let came = Bytes::from(reply.body.clone());
    if let Err((phase, error)) = walk.there_and_back(head, came).await {
        walk.outcome.error = Some(format!("phase {} failed: {error}", phase.name()));
    }
    walk.end();
    Ok(walk.outcome)
}

struct Walk<'a> {
    filter: &'a dyn Filter,
    exchange: &'a mut Exchange,
    /// The body of the request.
    body: Bytes,
    outcome: Outcome,
}

type Failed = (Phase, FilterError);

impl Walk<'_> {
    async fn there_and_back(
        &mut self,
        mut head: ResponseHeader,
        mut body: Bytes,
    ) -> Result<(), Failed> {
        let in_phase = |phase| move |error| (phase, error);
        let answer = self.request().await.map_err(in_phase(Phase::Request))?;
        if let Some(answer) = answer {
            let told = self.answered(*answer);
            self.outcome.response = Some(told);
            return Ok(());
        }
        self.exchange.found = Found::Miss;
        let phase = Phase::OriginRequest;
        if let Some(answer) = self.origin_request().await.map_err(in_phase(phase))? {
            head = answer.head.clone();
            body = self.answered(*answer).body;
        } else {
            let phase = Phase::OriginResponse;
            body = self
                .back(phase, &mut head, body)
                .await
                .map_err(in_phase(phase))?;
        }
        let phase = Phase::Response;
        body = self
            .back(phase, &mut head, body)
            .await
            .map_err(in_phase(phase))?;
        self.outcome.response = Some(Told::of(&head, body));
        Ok(())
    }

    fn answered(&mut self, answer: Answer) -> Told {
        let told = Told::of(&answer.head, answer.body);
        self.outcome.answer = Some(told.clone());
        told
    }

    async fn request(&mut self) -> Result<Option<Box<Answer>>, FilterError> {
        if !self.filter.phases().contains(Phase::Request) {
            return Ok(None);
        }
        let mut flow = self.filter.request(self.exchange)?;
        for _ in 0..MOST_ROUNDS {
            match flow {
                Flow::Continue => return Ok(None),
                Flow::Answer(answer) => return Ok(Some(answer)),
                Flow::WantsBody(most) => self.give_body(most),
                Flow::Later => {}
            }
            flow = self.filter.request_later(self.exchange).await?;
        }
        Ok(None)
    }

    async fn origin_request(&mut self) -> Result<Option<Box<Answer>>, FilterError> {
        let mut head = self.exchange.request.clone();
        if self.filter.phases().contains(Phase::OriginRequest) {
            let mut flow = self.filter.origin_request(self.exchange, &mut head)?;
            for _ in 0..MOST_ROUNDS {
                match flow {
                    Flow::Continue => break,
                    Flow::Answer(answer) => return Ok(Some(answer)),
                    Flow::WantsBody(most) => self.give_body(most),
                    Flow::Later => {}
                }
                flow = self
                    .filter
                    .origin_request_later(self.exchange, &mut head)
                    .await?;
            }
        }
        let rewriters = std::mem::take(&mut self.exchange.request_rewriters);
        if !rewriters.is_empty() {
            head.remove_header(&CONTENT_LENGTH);
        }
        let mut body = self.body.clone();
        for mut rewriter in rewriters {
            body = rewritten(&mut *rewriter, body)?;
        }
        self.outcome.request = Some(Sent { head, body });
        Ok(None)
    }

    /// Gives the filter the body of the request, or as much of it as it wants.
    fn give_body(&mut self, most: usize) {
        let is_whole = self.body.len() <= most;
        let end = self.body.len().min(most);
        self.exchange.request_body = Some(RequestBody {
            bytes: self.body.slice(..end),
            is_whole,
        });
    }

    /// Runs a response phase.
    async fn back(
        &mut self,
        phase: Phase,
        head: &mut ResponseHeader,
        body: Bytes,
    ) -> Result<Bytes, FilterError> {
        let (filter, exchange) = (self.filter, &mut *self.exchange);
        if !filter.phases().contains(phase) {
            return Ok(body);
        }
        let mut wish = match phase {
            Phase::OriginResponse => filter.origin_response(exchange, head)?,
            _ => filter.response(exchange, head)?,
        };
        if matches!(wish, Body::Later) {
            wish = match phase {
                Phase::OriginResponse => filter.origin_response_later(exchange, head).await?,
                _ => filter.response_later(exchange, head).await?,
            };
        }
        self.body_of(wish, head, body).await
    }

    /// What becomes of a body by a filter's wish.
    async fn body_of(
        &mut self,
        wish: Body,
        head: &mut ResponseHeader,
        body: Bytes,
    ) -> Result<Bytes, FilterError> {
        match wish {
            Body::Untouched | Body::Later => Ok(body),
            Body::Watched(mut watcher) => {
                watcher.chunk(&body);
                watcher.end();
                Ok(body)
            }
            _ if !has_body(head.status) => Ok(body),
            Body::Rewritten(mut rewriter) => {
                forget_body(head);
                rewritten(&mut *rewriter, body)
            }
            Body::Replaced(other) => {
                forget_body(head);
                Ok(other)
            }
            Body::Held(holder) => {
                let is_whole = body.len() <= holder.most();
                let shown = body.slice(..body.len().min(holder.most().saturating_add(1)));
                let other = holder.whole(self.exchange, head, &shown, is_whole).await?;
                if other.is_some() {
                    forget_body(head);
                }
                Ok(other.unwrap_or(body))
            }
        }
    }

    /// Tells the filter that all is over.
    fn end(&mut self) {
        if !self.filter.logs() {
            return;
        }
        let response = self.outcome.response.as_ref();
        let summary = Summary {
            status: response.map_or(500, |told| told.status),
            bytes_sent: response.map_or(0, |told| told.body.len() as u64),
            duration: Duration::from_millis(1),
            origin: self
                .outcome
                .request
                .is_some()
                .then_some(Duration::from_millis(1)),
            error: self.outcome.error.clone(),
        };
        self.filter.log(self.exchange, &summary);
    }
}

fn rewritten(rewriter: &mut dyn BodyRewriter, body: Bytes) -> Result<Bytes, FilterError> {
    let first = match body.is_empty() {
        true => body,
        false => rewriter.chunk(body)?,
    };
    let last = rewriter.end()?;
    Ok([first, last].concat().into())
}

fn has_body(status: StatusCode) -> bool {
    !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Takes out what a head says of a body that is gone.
fn forget_body(head: &mut ResponseHeader) {
    for name in [
        &CONTENT_LENGTH,
        &CONTENT_ENCODING,
        &CONTENT_RANGE,
        &ACCEPT_RANGES,
        &ETAG,
        &LAST_MODIFIED,
    ] {
        head.remove_header(name);
    }
}
