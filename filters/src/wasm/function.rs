//! Functions: components that export `wasi:http/incoming-handler` and answer requests as an origin does.
//!
//! Each request has an instance of its own, in a task of its own, that is there until the response has been read and the
//! guest has returned. Whoever reads the response holds the guest on a leash: let go of early, the guest is ended.

mod body;
mod component;
mod guest;
mod leash;
mod log;
mod outgoing;
mod run;
mod troubles;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body::Body;
use rimward_config as config;
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use crate::exchange::Scheme;
use crate::outside::{Outside, Surroundings};
use crate::wasm::code::CodeId;
use crate::wasm::logs::Writer;

pub use body::{BodyError, FunctionBody};

use body::{Incoming, Reading};
use component::Loaded;
use leash::Leash;
use outgoing::Reach;
use run::{Ended, Outcome};
use troubles::Troubles;

/// Why a function can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(String);

/// Why a function gave no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// As many requests as may be are being answered already.
    #[error("the function answers as many requests as it may")]
    Busy,
    /// The response did not begin in time.
    #[error("the function took too long")]
    Timeout,
    /// It ended without one.
    #[error("the function failed: {0}")]
    Failed(String),
}

/// Where the runs of one function are counted.
pub trait Account: Send + Sync {
    /// An instance is made.
    fn begins(&self);
    /// An instance is gone: how its run ended, by a short word, and how long it was on a processor.
    fn ends(&self, outcome: &'static str, cpu: Duration);
    /// It wanted to ask somebody whom it may not ask.
    fn denied(&self);
}

/// A component that answers requests. Copies share everything.
#[derive(Clone)]
pub struct Function(Arc<Hosted>);

/// Which function it is, and in which version: by its file's digest.
struct Identity {
    name: Arc<str>,
    version: String,
}

impl Identity {
    fn new(name: &str, component: &[u8]) -> Self {
        Self {
            name: name.into(),
            version: CodeId::of(component).short(),
        }
    }
}

impl<'a> From<&'a Identity> for Writer<'a> {
    fn from(function: &'a Identity) -> Self {
        Self {
            name: &function.name,
            version: &function.version,
        }
    }
}

/// All that the runs of a function share.
struct Hosted {
    identity: Arc<Identity>,
    component: Loaded,
    settings: config::Function,
    reach: Reach,
    outside: Arc<dyn Outside>,
    account: Arc<dyn Account>,
    places: Arc<Semaphore>,
    troubles: Troubles,
}

impl Function {
    /// Compiles a component, which may take seconds and is nothing for a worker.
    ///
    /// # Errors
    /// When it can't be compiled, answers no requests, or needs what a function is not given.
    pub fn load(
        name: &str,
        component: &[u8],
        settings: &config::Function,
        around: &Surroundings,
        account: Arc<dyn Account>,
    ) -> Result<Self, LoadError> {
        let memory = settings.limits.memory;
        let identity = Identity::new(name, component).into();
        let component = component::load(component, &around.guests, memory).map_err(LoadError)?;
        Ok(Self(Arc::new(Hosted {
            identity,
            component,
            reach: Reach::new(settings, &around.known_origins),
            settings: settings.clone(),
            outside: around.outside.clone(),
            account,
            places: Arc::new(Semaphore::new(settings.limits.concurrency as usize)),
            troubles: Troubles::default(),
        })))
    }

    /// Answers a request. The response's body comes as the guest makes it; what ends before it is whole ends in an error.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn call<B>(
        &self,
        scheme: Scheme,
        request: Request<B>,
    ) -> Result<Response<FunctionBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let place = self.place()?;
        let is_head = request.method() == Method::HEAD;
        let (request, reading) = Incoming::watch(request);
        let (leash, held) = leash::new();
        let (answers, answer) = oneshot::channel();
        let running = run::run(self.0.clone(), scheme, request, answers, held, place);
        let running = tokio::spawn(running);
        match self.answered(answer, &reading).await {
            Some(Ok(response)) => self.respond(response, is_head, leash),
            // The guest is gone, and its run tells why.
            Some(Err(_)) => Err(match running.await {
                Ok(ended) => ended.into(),
                Err(error) => CallError::Failed(error.to_string()),
            }),
            None => {
                leash.cut(Outcome::Timeout);
                Err(CallError::Timeout)
            }
        }
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, CallError> {
        let place = self.0.places.clone().try_acquire_owned();
        place.map_err(|_| {
            self.0.account.begins();
            self.0.account.ends(Outcome::Busy.word(), Duration::ZERO);
            CallError::Busy
        })
    }

    /// What the guest answers, unless it takes too long.
    async fn answered<T>(
        &self,
        mut answer: oneshot::Receiver<T>,
        reading: &Reading,
    ) -> Option<Result<T, RecvError>> {
        let wall = self.0.settings.limits.wall;
        loop {
            tokio::select! {
                answered = &mut answer => return Some(answered),
                () = sleep_until(reading.deadline(wall)) => {
                    if reading.deadline(wall) <= Instant::now() {
                        return None;
                    }
                }
            }
        }
    }

    fn respond(
        &self,
        response: Response<HyperOutgoingBody>,
        is_head: bool,
        leash: Leash,
    ) -> Result<Response<FunctionBody>, CallError> {
        let limits = &self.0.settings.limits;
        let is_without = is_head || is_without_body(response.status());
        let length = length(&response).filter(|_| !is_without);
        if length.is_some_and(|length| length > limits.response_body) {
            leash.cut(Outcome::TooLong);
            return Err(Outcome::TooLong.within(limits).into());
        }
        let (head, body) = response.into_parts();
        let body = FunctionBody::new(body, leash, length, limits);
        let body = match is_without {
            // The guest may write one all the same, and is not to find out that nobody reads it.
            true => body.read_in_vain(),
            false => body,
        };
        Ok(Response::from_parts(head, body))
    }
}

fn is_without_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn length<B>(response: &Response<B>) -> Option<u64> {
    let length = response.headers().get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

impl From<Ended> for CallError {
    fn from(ended: Ended) -> Self {
        match ended.outcome {
            Outcome::Busy => Self::Busy,
            Outcome::Timeout | Outcome::Cpu => Self::Timeout,
            _ => Self::Failed(ended.told),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function")
            .field(&self.0.identity.name)
            .finish()
    }
}

#[cfg(test)]
mod tests;
