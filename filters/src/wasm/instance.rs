//! One instance of a guest, and the calling of it: what the call is about is swapped in, and swapped out again however it ends.

mod fault;
mod runtime;

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use pingora_http::{RequestHeader, ResponseHeader};
use wasmtime::component::{self, ComponentNamedList, Lift, Lower, TypedFunc};
use wasmtime::{Store, StoreContextMut, UpdateDeadline};

use super::abi::{ChunkVerdict, Hook, Summary, Verdict};
use super::engine;
use super::state::State;
use super::version::{Ending, Version};
use crate::exchange::Exchange;

pub(super) use fault::Fault;
use fault::{TooLate, UsedUp, fault};
use runtime::Program;

/// How many instances that are used again wait for work, at most.
const MAX_IDLE: usize = 256;

/// Instances that wait for the next exchange.
pub(super) type Idle = Mutex<Vec<Instance>>;

/// One instance of a guest.
pub(super) struct Instance {
    store: Store<State>,
    inner: component::Instance,
    /// Where it goes when its exchange is over, if it is used again.
    home: Weak<Idle>,
    /// How many more exchanges it may serve.
    left: u32,
    /// Its hooks for heads that were called before, if it is used again: to find one takes as long as a small call.
    heads: Vec<(Hook, TypedFunc<(), Told<Verdict>>)>,
}

/// What a call is about, beside the exchange.
pub(super) enum Head<'h> {
    None,
    Request(&'h mut RequestHeader),
    Response(&'h mut ResponseHeader),
}

/// What a guest answers with: nothing but a text for the log when it failed.
type Told<T> = (Result<T, String>,);

impl Instance {
    /// An instance of a guest that does not wait.
    pub(super) fn new(version: &Arc<Version>) -> Result<Self, Fault> {
        let mut store = store(version);
        store.data().meter.begin();
        match version.pre.instantiate(&mut store) {
            Ok(inner) => Ok(Self::of(store, inner)),
            Err(error) => Err(fault(&store, &error)),
        }
    }

    /// An instance of a guest that may wait.
    pub(super) async fn new_waiting(version: &Arc<Version>) -> Result<Self, Fault> {
        let mut store = store(version);
        let meter = store.data().meter.clone();
        match meter.run(version.pre.instantiate_async(&mut store)).await {
            Ok(inner) => Ok(Self::of(store, inner)),
            Err(error) => Err(fault(&store, &error)),
        }
    }

    fn of(store: Store<State>, inner: component::Instance) -> Self {
        Self {
            store,
            inner,
            home: Weak::new(),
            left: 0,
            heads: Vec::new(),
        }
    }

    /// Has it used again for so many more exchanges.
    pub(super) fn lives_at(&mut self, home: &Arc<Idle>, exchanges: u32) {
        self.home = Arc::downgrade(home);
        self.left = exchanges;
    }

    pub(super) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// Its exchange is over: it waits for the next one, or ends.
    pub(super) fn retire(mut self) {
        let Some(home) = self.home.upgrade().filter(|_| self.left > 0) else {
            return;
        };
        self.left -= 1;
        self.state().renew();
        let mut idle = home.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(self);
        }
    }

    /// Calls a hook for a head. An instance that failed must not be called again.
    pub(super) fn head(
        &mut self,
        hook: Hook,
        exchange: &mut Exchange,
        head: &mut Head<'_>,
    ) -> Result<Result<Verdict, String>, Fault> {
        let function = self.head_function(hook)?;
        self.swap(exchange, head);
        let called = self.run(hook, function, ());
        self.swap(exchange, head);
        called.map(|(told,)| told)
    }

    /// The same for a guest that may wait.
    pub(super) async fn head_waiting(
        &mut self,
        hook: Hook,
        exchange: &mut Exchange,
        head: &mut Head<'_>,
    ) -> Result<Result<Verdict, String>, Fault> {
        self.swap(exchange, head);
        let called = self.call_waiting::<(), Told<Verdict>>(hook, ()).await;
        self.swap(exchange, head);
        called.map(|(told,)| told)
    }

    /// Calls a hook for a body, in which no guest waits.
    pub(super) fn body(
        &mut self,
        hook: Hook,
        exchange: &mut Exchange,
        head: &mut Head<'_>,
    ) -> Result<Result<ChunkVerdict, String>, Fault> {
        self.swap(exchange, head);
        let called = self.call_at_once::<(), Told<ChunkVerdict>>(hook, ());
        self.swap(exchange, head);
        called.map(|(told,)| told)
    }

    /// The same for a guest that may wait, where it may.
    pub(super) async fn body_waiting(
        &mut self,
        hook: Hook,
        exchange: &mut Exchange,
        head: &mut Head<'_>,
    ) -> Result<Result<ChunkVerdict, String>, Fault> {
        self.swap(exchange, head);
        let called = self.call_waiting::<(), Told<ChunkVerdict>>(hook, ()).await;
        self.swap(exchange, head);
        called.map(|(told,)| told)
    }

    /// Tells it that the exchange is over.
    pub(super) fn log(&mut self, exchange: &mut Exchange, summary: Summary) -> Result<(), Fault> {
        self.swap(exchange, &mut Head::None);
        let called = self.call_at_once::<(Summary,), ()>(Hook::Log, (summary,));
        self.swap(exchange, &mut Head::None);
        called
    }

    /// Whether all that it exports can be called.
    ///
    /// # Errors
    /// With the hook that has another type than the interface.
    pub(super) fn check_hooks(&mut self) -> Result<(), String> {
        let version = self.state().version.clone();
        for hook in Hook::ALL
            .into_iter()
            .filter(|hook| version.hooks.has(*hook))
        {
            let found = match hook {
                Hook::Configure => self.function::<(String,), Told<()>>(hook).map(drop),
                Hook::Log => self.function::<(Summary,), ()>(hook).map(drop),
                Hook::Handle => self.function::<(String,), Told<String>>(hook).map(drop),
                Hook::Compile => self
                    .function::<(String, String), Told<Vec<u8>>>(hook)
                    .map(drop),
                Hook::Prepare => self.function::<Program, Told<Vec<u8>>>(hook).map(drop),
                Hook::Load => self.function::<Program, Told<()>>(hook).map(drop),
                Hook::RequestBody | Hook::OriginResponseBody | Hook::ResponseBody => {
                    self.function::<(), Told<ChunkVerdict>>(hook).map(drop)
                }
                _ => self.function::<(), Told<Verdict>>(hook).map(drop),
            };
            found.map_err(|fault| fault.reason)?;
        }
        Ok(())
    }

    /// Gives it its settings.
    pub(super) fn configure(&mut self) -> Result<Result<(), String>, Fault> {
        let config = self.state().version.config.text.clone();
        let called = self.call_at_once::<(String,), Told<()>>(Hook::Configure, (config,));
        called.map(|(told,)| told)
    }

    fn swap(&mut self, exchange: &mut Exchange, head: &mut Head<'_>) {
        let state = self.store.data_mut();
        std::mem::swap(&mut state.exchange, exchange);
        match head {
            Head::None => {}
            Head::Request(request) => {
                std::mem::swap(&mut state.sent, request);
                state.is_sent = !state.is_sent;
            }
            Head::Response(response) => std::mem::swap(&mut state.response, response),
        }
    }

    fn call_at_once<P: Params, R: Results>(&mut self, hook: Hook, params: P) -> Result<R, Fault> {
        if !self.state().version.waits {
            return self.call(hook, params);
        }
        let called = pin!(self.call_waiting(hook, params));
        match called.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(called) => called,
            Poll::Pending => Err(Fault {
                ending: Ending::Trap,
                reason: "the guest waits where it may not".to_owned(),
            }),
        }
    }

    fn call<P: Params, R: Results>(&mut self, hook: Hook, params: P) -> Result<R, Fault> {
        let function = self.function::<P, R>(hook)?;
        self.run(hook, function, params)
    }

    fn run<P: Params, R: Results>(
        &mut self,
        hook: Hook,
        function: TypedFunc<P, R>,
        params: P,
    ) -> Result<R, Fault> {
        self.begin(hook);
        self.store.data().meter.begin();
        let called = function.call(&mut self.store, params);
        self.store.data().meter.end();
        self.end(hook, called)
    }

    async fn call_waiting<P: Params, R: Results>(
        &mut self,
        hook: Hook,
        params: P,
    ) -> Result<R, Fault> {
        if !self.state().version.waits {
            return self.call(hook, params);
        }
        let function = self.function::<P, R>(hook)?;
        self.begin(hook);
        let meter = self.state().meter.clone();
        let (wall, may_wait) = (self.state().version.limits.wall, self.state().may_wait());
        let call = meter.run(function.call_async(&mut self.store, params));
        // A timer needs a runtime, and what may not wait needs no timer.
        let called = match may_wait {
            true => tokio::time::timeout(wall, call).await.ok(),
            false => Some(call.await),
        };
        match called {
            Some(called) => self.end(hook, called),
            None => self.end(hook, Err(wasmtime::Error::new(TooLate))),
        }
    }

    fn head_function(&mut self, hook: Hook) -> Result<TypedFunc<(), Told<Verdict>>, Fault> {
        if let Some((_, function)) = self.heads.iter().find(|(known, _)| *known == hook) {
            return Ok(*function);
        }
        let function = self.function(hook)?;
        if self.left > 0 {
            self.heads.push((hook, function));
        }
        Ok(function)
    }

    fn function<P: Params, R: Results>(&mut self, hook: Hook) -> Result<TypedFunc<P, R>, Fault> {
        let lacks = |error: String| Fault {
            ending: Ending::Trap,
            reason: format!("`{}` can't be called: {error}", hook.name()),
        };
        let index = self.store.data().version.hooks.get(hook).copied();
        let index = index.ok_or_else(|| lacks("it is not there".to_owned()))?;
        let function = self.inner.get_typed_func(&mut self.store, index);
        function.map_err(|error| lacks(format!("{error:#}")))
    }

    fn begin(&mut self, hook: Hook) {
        self.state().begin(hook);
        self.store.set_epoch_deadline(1);
        engine::runs();
    }

    fn end<R>(&mut self, hook: Hook, called: wasmtime::Result<R>) -> Result<R, Fault> {
        let state = self.store.data();
        let (spent, held) = (state.meter.spent(), state.memory.held());
        state.version.warn_near(hook, spent, held);
        called.map_err(|error| fault(&self.store, &error))
    }
}

/// What a hook takes.
pub(super) trait Params: ComponentNamedList + Lower + Send + Sync + 'static {}
impl<P: ComponentNamedList + Lower + Send + Sync + 'static> Params for P {}

/// What a hook gives.
pub(super) trait Results: ComponentNamedList + Lift + Send + Sync + 'static {}
impl<R: ComponentNamedList + Lift + Send + Sync + 'static> Results for R {}

fn store(version: &Arc<Version>) -> Store<State> {
    let mut store = Store::new(version.pre.engine(), State::new(version.clone()));
    store.limiter(|state| &mut state.memory);
    store.epoch_deadline_callback(tick);
    store.set_epoch_deadline(1);
    engine::runs();
    store
}

/// A millisecond or so went by: whether the guest may go on.
#[allow(clippy::needless_pass_by_value, reason = "the engine's signature")]
fn tick(store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    engine::runs();
    let state = store.data();
    let limits = &state.version.limits;
    if state.meter.look() >= limits.cpu {
        return Err(wasmtime::Error::new(UsedUp));
    }
    if state.meter.elapsed() >= limits.wall {
        return Err(wasmtime::Error::new(TooLate));
    }
    // Others have their turn, where the call can be left for a while.
    let is_left = state.version.waits && state.may_wait();
    Ok(match is_left {
        true => UpdateDeadline::Yield(1),
        false => UpdateDeadline::Continue(1),
    })
}
