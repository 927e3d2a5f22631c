//! Why calls end badly, in words for the log.

use wasmtime::{Store, Trap};

use crate::filter::FilterError;
use crate::wasm::state::State;
use crate::wasm::version::Ending;

/// Why a call did not end well.
#[derive(Debug)]
pub(in crate::wasm) struct Fault {
    pub(in crate::wasm) ending: Ending,
    pub(in crate::wasm) reason: String,
}

impl From<Fault> for FilterError {
    fn from(fault: Fault) -> Self {
        match fault.ending {
            Ending::Full => Self::unavailable(fault.reason),
            _ => Self::new(fault.reason),
        }
    }
}

/// Its time is over.
#[derive(Debug, thiserror::Error)]
#[error("the call took too long")]
pub(super) struct TooLate;

/// Its time on a processor is over.
#[derive(Debug, thiserror::Error)]
#[error("the call used up its time on a processor")]
pub(super) struct UsedUp;

/// What went wrong, in words for the log.
pub(super) fn fault(store: &Store<State>, error: &wasmtime::Error) -> Fault {
    let limits = &store.data().version.limits;
    let told = |ending, reason| Fault { ending, reason };
    if error.is::<UsedUp>() {
        return told(
            Ending::Cpu,
            format!("it used up the {:?} of `limits.cpu`", limits.cpu),
        );
    }
    if error.is::<TooLate>() {
        return told(
            Ending::Wall,
            format!("it took longer than the {:?} of `limits.wall`", limits.wall),
        );
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        let full = "all of the `instances` of `[guests]` are in use".to_owned();
        return told(Ending::Full, full);
    }
    if store.data().memory.refused {
        let most = rimward_config::ByteSize(limits.memory as u64);
        return told(
            Ending::Memory,
            format!("it wanted more memory than the {most} of `limits.memory`"),
        );
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => told(
            Ending::Trap,
            "it panicked, or threw what nobody caught".to_owned(),
        ),
        Some(trap) => told(Ending::Trap, format!("it trapped: {trap}")),
        None => told(Ending::Trap, format!("it trapped: {}", error.root_cause())),
    }
}
