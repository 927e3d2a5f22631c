//! The filter that is a guest: which version runs, in which phases, and what becomes of what it says.

mod answers;
mod bodies;
mod failing;
mod kept;
mod live;
mod loaded;
mod pictures;

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use pingora_http::{RequestHeader, ResponseHeader};

use super::abi::rimward::filter::types::BodyWant;
use super::abi::{Hook, Verdict};
use super::instance::{Fault, Head, Instance};
use super::state::Picture;
use super::version::Ending;
use super::versions::Versions;
use crate::bucket::{BUCKETS, Dealer};
use crate::exchange::Exchange;
use crate::filter::{Body, Filter, FilterError, Flow, Phase, Phases, Summary};
use kept::Kept;
use live::Live;
pub(super) use loaded::Loaded;
use pictures::Names;

/// A filter in WebAssembly.
pub(crate) struct Guest {
    /// What tells it from other filters while an exchange is on its way.
    id: usize,
    /// What most clients get.
    current: ArcSwap<Loaded>,
    /// What takes its place when it fails too often.
    before: Option<Arc<Loaded>>,
    /// What some clients get.
    candidate: Option<Candidate>,
    /// Where its versions are kept.
    kept: Option<Kept>,
    /// What its wishes for pictures go by, if any version may have some.
    pictures: Option<Names>,
}

/// A version that part of the clients get, always the same.
struct Candidate {
    loaded: Arc<Loaded>,
    /// Of ten thousand; none once it failed too often.
    share: AtomicU32,
    dealer: Dealer,
}

/// How a call for a head goes on.
enum Next {
    /// The head is done.
    Done(Verdict),
    /// The body is wanted first, so many bytes of it.
    Body(usize),
    /// The head is done, and the body is to become a picture.
    Picture(Picture),
}

impl Guest {
    pub(super) fn of(
        current: Loaded,
        before: Option<Loaded>,
        candidate: Option<(Loaded, u32)>,
    ) -> Self {
        static GUESTS: AtomicUsize = AtomicUsize::new(0);
        let name = current.version.name.clone();
        let candidate = candidate.map(|(loaded, share)| Candidate {
            loaded: Arc::new(loaded),
            share: share.into(),
            dealer: Dealer::new(&name),
        });
        let guest = Self {
            id: GUESTS.fetch_add(1, Ordering::Relaxed),
            current: ArcSwap::from_pointee(current),
            before: before.map(Arc::new),
            candidate,
            kept: None,
            pictures: None,
        };
        let wants_pictures = guest.all().any(|loaded| loaded.version.wants_pictures);
        Self {
            pictures: wants_pictures.then(|| Names::of(&name)).flatten(),
            ..guest
        }
    }

    /// The same, whose versions are kept. `file` is what stands in the configuration.
    pub(super) fn kept_by(self, versions: Arc<Versions>, file: Bytes) -> Self {
        let file = Mutex::new(Some(file));
        Self {
            kept: Some(Kept { versions, file }),
            ..self
        }
    }

    /// The version for whoever asks.
    fn pick(&self, exchange: &Exchange) -> Arc<Loaded> {
        if let Some(candidate) = &self.candidate {
            let key = exchange.client.ip.to_string();
            if candidate.dealer.bucket(key.as_bytes()) < candidate.share.load(Ordering::Relaxed) {
                return candidate.loaded.clone();
            }
        }
        self.current.load_full()
    }

    fn all(&self) -> impl Iterator<Item = Arc<Loaded>> {
        let candidate = self
            .candidate
            .as_ref()
            .map(|candidate| candidate.loaded.clone());
        [
            Some(self.current.load_full()),
            self.before.clone(),
            candidate,
        ]
        .into_iter()
        .flatten()
    }

    /// Whether any version has one of these hooks.
    fn has(&self, hooks: &[Hook]) -> bool {
        self.all()
            .any(|loaded| hooks.iter().any(|hook| loaded.version.hooks.has(*hook)))
    }

    /// Runs a hook at once; `None` when it has to be called by whoever may wait.
    fn at_once(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        mut head: Head<'_>,
    ) -> Result<Option<Next>, FilterError> {
        let loaded = self.pick(exchange);
        if !loaded.version.hooks.has(hook) {
            return Ok(Some(Next::Done(Verdict::Next)));
        }
        if loaded.version.waits {
            return Ok(None);
        }
        let instance = match Live::take(exchange, self.id) {
            Some(instance) => Ok(instance),
            None => loaded.instance(),
        };
        let called = instance.and_then(|mut instance| {
            let told = instance.head(hook, exchange, &mut head)?;
            Ok((instance, told))
        });
        self.told(&loaded, hook, exchange, called).map(Some)
    }

    /// Runs a hook of a guest that may wait.
    async fn waiting(
        &self,
        hook: Hook,
        exchange: &mut Exchange,
        mut head: Head<'_>,
    ) -> Result<Next, FilterError> {
        let loaded = self.pick(exchange);
        let instance = match Live::take(exchange, self.id) {
            Some(instance) => Ok(instance),
            None => loaded.instance_waiting().await,
        };
        let called = match instance {
            Ok(mut instance) => {
                let told = instance.head_waiting(hook, exchange, &mut head).await;
                told.map(|told| (instance, told))
            }
            Err(fault) => Err(fault),
        };
        self.told(&loaded, hook, exchange, called)
    }

    /// Counts a call, and keeps its instance for the phases to come.
    fn told(
        &self,
        loaded: &Arc<Loaded>,
        hook: Hook,
        exchange: &mut Exchange,
        called: Result<(Instance, Result<Verdict, String>), Fault>,
    ) -> Result<Next, FilterError> {
        let (mut instance, told) = match called {
            Ok(called) => called,
            Err(fault) => return Err(self.failed(loaded, hook, exchange, fault)),
        };
        let version = &loaded.version;
        let verdict = match told {
            Ok(verdict) => verdict,
            Err(reason) => {
                version.counters.count(hook, Ending::Error);
                version.health.ended(Ending::Error);
                Live::put(exchange, self.id, instance, version, hook);
                return Err(FilterError::new(format!("it says: {reason}")));
            }
        };
        version.counters.count(hook, Ending::Ok);
        version.health.ended(Ending::Ok);
        let is_next = matches!(verdict, Verdict::Next);
        let wants = instance.state().wants;
        let picture = instance.state().picture.take();
        let next = match (wants, picture) {
            (Some(BodyWant::Buffered(most)), None) if is_next => {
                Next::Body(usize::try_from(most).unwrap_or(usize::MAX))
            }
            (None | Some(BodyWant::None), Some(picture)) if is_next => Next::Picture(picture),
            (Some(_), Some(_)) if is_next => {
                return Err(pictures::one_of_two());
            }
            _ => Next::Done(verdict),
        };
        Live::put(exchange, self.id, instance, version, hook);
        Ok(next)
    }
}

#[async_trait]
impl Filter for Guest {
    fn phases(&self) -> Phases {
        use Hook as H;
        Phases::NONE
            .and_if(self.has(&[H::Request]), Phase::Request)
            .and_if(
                self.has(&[H::OriginRequest]) || self.wants_pictures(&[H::Request]),
                Phase::OriginRequest,
            )
            .and_if(self.has(&[H::OriginResponse]), Phase::OriginResponse)
            .and_if(
                self.has(&[H::Response]) || self.wants_pictures(&[H::Request, H::OriginResponse]),
                Phase::Response,
            )
    }

    fn rewrites(&self) -> Phases {
        let edits_pages = self.all().any(|loaded| loaded.version.edits_pages);
        let rewrites = |body, head| self.has(&[body]) || edits_pages && self.has(&[head]);
        Phases::NONE
            .and_if(
                rewrites(Hook::OriginResponseBody, Hook::OriginResponse),
                Phase::OriginResponse,
            )
            .and_if(
                rewrites(Hook::ResponseBody, Hook::Response),
                Phase::Response,
            )
    }

    fn holds(&self) -> bool {
        self.has(&[Hook::ResponseBody])
            || self.wants_pictures(&[Hook::OriginResponse, Hook::Response])
    }

    fn runs_in_lane(&self) -> bool {
        let waits = self.all().any(|loaded| loaded.version.waits);
        !(waits && self.has(&[Hook::Response]))
    }

    fn logs(&self) -> bool {
        self.has(&[Hook::Log])
    }

    fn request(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        match self.at_once(Hook::Request, exchange, Head::None)? {
            Some(next) => self.request_goes_on(exchange, next),
            None => Ok(Flow::Later),
        }
    }

    async fn request_later(&self, exchange: &mut Exchange) -> Result<Flow, FilterError> {
        if let Some(verdict) = self.request_body(exchange, &mut Head::None).await? {
            return self.request_goes_on(exchange, Next::Done(verdict));
        }
        let next = self.waiting(Hook::Request, exchange, Head::None).await?;
        self.request_goes_on(exchange, next)
    }

    fn origin_request(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        match self.at_once(Hook::OriginRequest, exchange, Head::Request(request))? {
            Some(next) => {
                let flow = self.request_goes_on(exchange, next)?;
                Ok(self.or_picture(exchange, flow))
            }
            None => Ok(Flow::Later),
        }
    }

    async fn origin_request_later(
        &self,
        exchange: &mut Exchange,
        request: &mut RequestHeader,
    ) -> Result<Flow, FilterError> {
        if let Some(flow) = self.picture(exchange, request).await? {
            return Ok(flow);
        }
        let head = &mut Head::Request(request);
        let next = match self.request_body(exchange, head).await? {
            Some(verdict) => Next::Done(verdict),
            None => {
                let head = Head::Request(request);
                self.waiting(Hook::OriginRequest, exchange, head).await?
            }
        };
        let flow = self.request_goes_on(exchange, next)?;
        Ok(self.or_picture(exchange, flow))
    }

    fn origin_response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.forget_picture(response);
        match self.at_once(Hook::OriginResponse, exchange, Head::Response(response))? {
            Some(next) => self.response_goes_on(Hook::OriginResponse, exchange, response, next),
            None => Ok(Body::Later),
        }
    }

    async fn origin_response_later(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let head = Head::Response(response);
        let next = self.waiting(Hook::OriginResponse, exchange, head).await?;
        self.response_goes_on(Hook::OriginResponse, exchange, response, next)
    }

    fn response(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        self.look_for_pictures(exchange, response)?;
        match self.at_once(Hook::Response, exchange, Head::Response(response))? {
            Some(next) => self.response_goes_on(Hook::Response, exchange, response, next),
            None => Ok(Body::Later),
        }
    }

    async fn response_later(
        &self,
        exchange: &mut Exchange,
        response: &mut ResponseHeader,
    ) -> Result<Body, FilterError> {
        let head = Head::Response(response);
        let next = self.waiting(Hook::Response, exchange, head).await?;
        self.response_goes_on(Hook::Response, exchange, response, next)
    }

    fn log(&self, exchange: &mut Exchange, summary: &Summary) {
        self.over(exchange, summary);
    }

    fn opens(&self) {
        let Some(kept) = &self.kept else { return };
        let file = kept
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(file) = file {
            kept.took_over(&self.current.load().version.code.hex(), &file);
        }
    }

    fn versions(&self) -> Option<Arc<Versions>> {
        self.kept.as_ref().map(|kept| kept.versions.clone())
    }

    fn status(&self) -> Option<serde_json::Value> {
        let told = |loaded: &Loaded| {
            let version = &loaded.version;
            serde_json::json!({ "version": &*version.id, "sha256": version.code.hex() })
        };
        let current = self.current.load();
        let mut status = told(&current);
        if let Some(candidate) = &self.candidate {
            let percent =
                f64::from(candidate.share.load(Ordering::Relaxed)) * 100.0 / f64::from(BUCKETS);
            let mut candidate = told(&candidate.loaded);
            candidate["percent"] = percent.into();
            status["candidate"] = candidate;
        }
        Some(status)
    }
}

#[cfg(test)]
mod tests;
