//! One run of a function: an instance, from its making to its end.

use std::fmt::Write;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use rimward_config::{ByteSize, FunctionLimits, Span};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime::component::Resource;
use wasmtime::{PoolConcurrencyLimitError, Store, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme as WasiScheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::HostResponseOutparam;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use super::Hosted;
use super::guest::Guest;
use super::leash::{End, Held, Standing};
use crate::exchange::Scheme;
use crate::wasm::engine;
use crate::wasm::limits::{Meter, is_near};

/// What a host call may copy out of a guest.
const COPIED: usize = 16 << 20;
/// Frames of a guest's stack that are told of a trap.
const FRAMES: usize = 8;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    /// The guest did what can't be done, or gave up.
    Trap,
    /// It was on a processor for too long.
    Cpu,
    /// It wanted more memory than it may have, and gave up.
    Memory,
    /// It kept others waiting for too long.
    Timeout,
    /// Its response is too long.
    TooLong,
    /// It returned without a response.
    NoResponse,
    /// It answered that it has an error.
    Error,
    /// It gave up its response.
    Unfinished,
    /// Nobody wanted its response any more.
    Left,
    /// There is no place for another instance.
    Busy,
}

impl Outcome {
    /// What it is called in metrics and logs.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Trap => "trap",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Timeout => "timeout",
            Self::TooLong => "too_long",
            Self::NoResponse => "no_response",
            Self::Error => "error",
            Self::Unfinished => "unfinished",
            Self::Left => "left",
            Self::Busy => "busy",
        }
    }

    /// Whether it says something about the function.
    fn is_trouble(self) -> bool {
        !matches!(self, Self::Ok | Self::Left | Self::Busy)
    }
}

/// How a run ended, and in words.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) told: String,
}

/// A guest's answer, on its way to whoever called.
pub(super) type Answer = oneshot::Sender<Response<HyperOutgoingBody>>;

/// Answers one request by an instance of its own.
pub(super) async fn run(
    hosted: Arc<Hosted>,
    scheme: Scheme,
    request: Request<WasiBody>,
    answer: Answer,
    held: Held,
    place: OwnedSemaphorePermit,
) -> Ended {
    hosted.account.begins();
    let id = request.headers().get("x-request-id").cloned();
    let meter = Arc::new(Meter::default());
    let standing = held.standing();
    let guest = serve(
        hosted.clone(),
        scheme,
        request,
        answer,
        standing,
        meter.clone(),
    );
    let limits = &hosted.settings.limits;
    let mut end = held.end;
    let mut ended = {
        let mut guest = pin!(meter.run(ticking(guest)));
        tokio::select! {
            biased;
            ended = &mut guest => ended,
            end = &mut end => match broken(end) {
                Some(outcome) => outcome.within(limits),
                None => {
                    let rest = tokio::time::timeout(limits.wall, guest).await;
                    rest.unwrap_or_else(|_| Outcome::Timeout.within(limits))
                }
            },
        }
    };
    drop(place);
    // Whether what the guest has made is a whole response shows as it is read.
    if ended.outcome == Outcome::Ok
        && !end.is_terminated()
        && let Some(outcome) = broken(end.await)
    {
        ended = outcome.within(limits);
    }
    hosted.account.ends(ended.outcome.word(), meter.spent());
    if ended.outcome.is_trouble() {
        let id = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or("");
        hosted
            .troubles
            .tell(&hosted.identity, id, ended.outcome.word(), &ended.told);
    }
    ended
}

/// How a run ended whose response was not read to its end; `None` if it was.
fn broken(end: Result<End, oneshot::error::RecvError>) -> Option<Outcome> {
    match end {
        Ok(End::Whole) => None,
        Ok(End::Cut(outcome)) => Some(outcome),
        Err(_) => Some(Outcome::Left),
    }
}

/// Says each time that a guest goes on that it does, for the sake of the clock that interrupts it.
async fn ticking<T>(guest: impl Future<Output = T>) -> T {
    let mut guest = pin!(guest);
    poll_fn(|context| {
        engine::runs();
        guest.as_mut().poll(context)
    })
    .await
}

async fn serve(
    hosted: Arc<Hosted>,
    scheme: Scheme,
    request: Request<WasiBody>,
    answer: Answer,
    standing: Standing,
    meter: Arc<Meter>,
) -> Ended {
    let limits = &hosted.settings.limits;
    let answered = Answered::default();
    let mut store = Store::new(
        hosted.component.pre.engine(),
        Guest::new(&hosted, request.headers()),
    );
    // After the store, to be dropped before it.
    let mut standing = standing;
    store.limiter(|guest| guest.memory());
    store.set_hostcall_fuel(COPIED);
    let cpu = limits.cpu;
    let counting = meter.clone();
    store.epoch_deadline_callback(move |_| {
        engine::runs();
        match counting.look() >= cpu {
            true => Err(TooLongOnCpu.into()),
            false => Ok(UpdateDeadline::Yield(1)),
        }
    });
    store.set_epoch_deadline(1);
    let result = handle(
        &hosted,
        &mut store,
        scheme,
        request,
        answered.sender(answer),
    )
    .await;
    match result {
        Ok(()) => standing.returned(),
        Err(_) => drop(standing),
    }
    let guest = store.data_mut();
    let refused = guest.memory().refused;
    if result.is_ok() {
        near_limits(&hosted, meter.look(), guest.memory().held());
    }
    judge(result, &answered, refused, limits)
}

async fn handle(
    hosted: &Hosted,
    store: &mut Store<Guest>,
    scheme: Scheme,
    request: Request<WasiBody>,
    answer: Callback,
) -> wasmtime::Result<()> {
    let scheme = match scheme {
        Scheme::Http => WasiScheme::Http,
        Scheme::Https => WasiScheme::Https,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let out: Resource<HostResponseOutparam> = http.new_response_outparam_from_callback(answer)?;
    let proxy = hosted.component.pre.instantiate_async(&mut *store).await?;
    let handler = proxy.wasi_http_incoming_handler();
    handler.call_handle(&mut *store, request, out).await
}

/// Marks a guest that was ended for the time it took.
#[derive(Debug, thiserror::Error)]
#[error("it was on a processor for too long")]
struct TooLongOnCpu;

type Callback = Box<dyn FnOnce(Result<Response<HyperOutgoingBody>, ErrorCode>) + Send + Sync>;

/// What the guest has answered.
#[derive(Default, Clone)]
struct Answered {
    at_all: Arc<AtomicBool>,
    error: Arc<std::sync::OnceLock<ErrorCode>>,
}

impl Answered {
    fn sender(&self, answer: Answer) -> Callback {
        let this = self.clone();
        Box::new(move |given| {
            this.at_all.store(true, Ordering::Relaxed);
            match given {
                // Nobody may be waiting for it any more.
                Ok(response) => drop(answer.send(response)),
                Err(code) => drop(this.error.set(code)),
            }
        })
    }
}

fn judge(
    result: wasmtime::Result<()>,
    answered: &Answered,
    memory_refused: bool,
    limits: &FunctionLimits,
) -> Ended {
    let error = match result {
        Ok(()) => {
            if let Some(code) = answered.error.get() {
                return Ended {
                    outcome: Outcome::Error,
                    told: format!("it answered with the error {code:?}"),
                };
            }
            return match answered.at_all.load(Ordering::Relaxed) {
                true => Outcome::Ok.within(limits),
                false => Outcome::NoResponse.within(limits),
            };
        }
        Err(error) => error,
    };
    if error.is::<TooLongOnCpu>() {
        return Outcome::Cpu.within(limits);
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Outcome::Busy.within(limits);
    }
    let (outcome, mut told) = match memory_refused {
        true => (Outcome::Memory, Outcome::Memory.within(limits).told + ": "),
        false => (Outcome::Trap, String::new()),
    };
    told.push_str(&trap(&error));
    Ended { outcome, told }
}

impl Outcome {
    pub(super) fn within(self, limits: &FunctionLimits) -> Ended {
        let told = match self {
            Self::Ok => String::new(),
            Self::Trap => "it trapped".to_owned(),
            Self::Cpu => {
                let cpu = Span(limits.cpu);
                format!("it was on a processor for more than {cpu} (`limits.cpu`)")
            }
            Self::Memory => {
                let memory = ByteSize(limits.memory);
                format!("it wanted more memory than {memory} (`limits.memory`)")
            }
            Self::Timeout => {
                let wall = Span(limits.wall);
                format!("it kept others waiting for more than {wall} (`limits.wall`)")
            }
            Self::TooLong => {
                let body = ByteSize(limits.response_body);
                format!("its response is longer than {body} (`limits.response_body`)")
            }
            Self::NoResponse => "it returned without a response".to_owned(),
            Self::Error => "it answered with an error".to_owned(),
            Self::Unfinished => "it did not finish its response".to_owned(),
            Self::Left => "nobody waits for its response".to_owned(),
            Self::Busy => "there is no place for another instance".to_owned(),
        };
        Ended {
            outcome: self,
            told,
        }
    }
}

/// What a trap was and where, in one line.
fn trap(error: &wasmtime::Error) -> String {
    let mut told = error.root_cause().to_string();
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        let names = backtrace
            .frames()
            .iter()
            .filter_map(|frame| frame.func_name());
        for (number, name) in names.take(FRAMES).enumerate() {
            let before = if number == 0 { "; in" } else { ", from" };
            // Writing to a `String` can't fail.
            write!(told, "{before} `{name}`").ok();
        }
    }
    told
}

/// Warns of a function that does what it should, but with little to spare.
fn near_limits(hosted: &Hosted, cpu: Duration, memory: usize) {
    let limits = &hosted.settings.limits;
    if is_near(cpu.as_nanos(), limits.cpu.as_nanos()) {
        let told = format!(
            "it took {cpu:?} on a processor, of {} (`limits.cpu`)",
            Span(limits.cpu)
        );
        hosted.troubles.warn(&hosted.identity, &told);
    }
    if is_near(memory as u128, limits.memory.into()) {
        let (held, limit) = (ByteSize(memory as u64), ByteSize(limits.memory));
        let told = format!("it has {held} of memory, of {limit} (`limits.memory`)");
        hosted.troubles.warn(&hosted.identity, &told);
    }
}
