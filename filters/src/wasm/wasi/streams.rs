//! What guests print, line by line, into the log; what they read ends at once.

use tracing::Level;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime::{StoreContextMut, bail};

use super::Nothing;
use crate::wasm::state::State;

/// The longest line that waits for its end, and the most that is taken at once.
const MAX_LINE: usize = 4 << 10;

/// Where a guest prints.
#[derive(Debug, Default)]
pub(in crate::wasm) struct Output {
    line: Vec<u8>,
}

/// Where a guest reads: there is nothing.
pub(super) struct Input;

/// What can be wrong with a stream.
#[derive(Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<Nothing>),
    #[component(name = "closed")]
    Closed,
}

type Store<'s> = StoreContextMut<'s, State>;
type Outcome<T> = wasmtime::Result<(Result<T, StreamError>,)>;

pub(super) fn errors(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.resource("error", ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
    at.func_wrap(
        "[method]error.to-debug-string",
        |_, _: (Resource<Nothing>,)| Ok(("no error".to_owned(),)),
    )
}

pub(super) fn polls(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.resource("pollable", ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
    at.func_wrap("[method]pollable.ready", |_, _: (Resource<Nothing>,)| {
        Ok((true,))
    })?;
    at.func_wrap(
        "[method]pollable.block",
        |_, _: (Resource<Nothing>,)| Ok(()),
    )?;
    at.func_wrap("poll", |_, (polled,): (Vec<Resource<Nothing>>,)| {
        Ok(((0u32..).take(polled.len()).collect::<Vec<u32>>(),))
    })
}

pub(super) fn output(mut at: LinkerInstance<'_, State>, function: &str) -> wasmtime::Result<()> {
    at.func_wrap(function, |mut store: Store<'_>, (): ()| {
        Ok((store.data_mut().table.push(Output::default())?,))
    })
}

pub(super) fn input(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.func_wrap("get-stdin", |mut store: Store<'_>, (): ()| {
        Ok((store.data_mut().table.push(Input)?,))
    })
}

pub(super) fn streams(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.resource(
        "input-stream",
        ResourceType::host::<Input>(),
        |mut store, rep| {
            store
                .data_mut()
                .table
                .delete(Resource::<Input>::new_own(rep))?;
            Ok(())
        },
    )?;
    at.resource(
        "output-stream",
        ResourceType::host::<Output>(),
        |mut store, rep| {
            let output = store
                .data_mut()
                .table
                .delete(Resource::<Output>::new_own(rep))?;
            tell(store.data_mut(), output.line);
            Ok(())
        },
    )?;
    for read in ["read", "blocking-read"] {
        let name = format!("[method]input-stream.{read}");
        at.func_wrap(&name, |_, _: (Resource<Input>, u64)| -> Outcome<Vec<u8>> {
            Ok((Err(StreamError::Closed),))
        })?;
    }
    for skip in ["skip", "blocking-skip"] {
        let name = format!("[method]input-stream.{skip}");
        at.func_wrap(&name, |_, _: (Resource<Input>, u64)| -> Outcome<u64> {
            Ok((Err(StreamError::Closed),))
        })?;
    }
    at.func_wrap(
        "[method]input-stream.subscribe",
        |_, _: (Resource<Input>,)| Ok((Resource::<Nothing>::new_own(0),)),
    )?;
    outputs(at)
}

fn outputs(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.func_wrap(
        "[method]output-stream.check-write",
        |_, _: (Resource<Output>,)| -> Outcome<u64> { Ok((Ok(MAX_LINE as u64),)) },
    )?;
    for write in ["write", "blocking-write-and-flush"] {
        let name = format!("[method]output-stream.{write}");
        at.func_wrap(
            &name,
            |store: Store<'_>, (to, bytes): (Resource<Output>, Vec<u8>)| print(store, &to, &bytes),
        )?;
    }
    for write in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        let name = format!("[method]output-stream.{write}");
        at.func_wrap(
            &name,
            |store: Store<'_>, (to, len): (Resource<Output>, u64)| {
                let len = usize::try_from(len).unwrap_or(MAX_LINE).min(MAX_LINE);
                print(store, &to, &vec![0; len])
            },
        )?;
    }
    for flush in ["flush", "blocking-flush"] {
        let name = format!("[method]output-stream.{flush}");
        at.func_wrap(&name, |_, _: (Resource<Output>,)| -> Outcome<()> {
            Ok((Ok(()),))
        })?;
    }
    for splice in ["splice", "blocking-splice"] {
        let name = format!("[method]output-stream.{splice}");
        at.func_wrap(
            &name,
            |_, _: (Resource<Output>, Resource<Input>, u64)| -> Outcome<u64> {
                Ok((Err(StreamError::Closed),))
            },
        )?;
    }
    at.func_wrap(
        "[method]output-stream.subscribe",
        |_, _: (Resource<Output>,)| Ok((Resource::<Nothing>::new_own(0),)),
    )
}

fn print(mut store: Store<'_>, to: &Resource<Output>, bytes: &[u8]) -> Outcome<()> {
    if bytes.len() > MAX_LINE {
        bail!("it writes more at once than it was told that it may");
    }
    let state = store.data_mut();
    let line = &mut state.table.get_mut(to)?.line;
    line.extend_from_slice(bytes);
    let mut whole = Vec::new();
    while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
        whole.push(line.drain(..=end).collect::<Vec<u8>>());
    }
    if line.len() > MAX_LINE {
        whole.push(std::mem::take(line));
    }
    for line in whole {
        tell(state, line);
    }
    Ok((Ok(()),))
}

fn tell(state: &mut State, line: Vec<u8>) {
    let text = String::from_utf8_lossy(&line);
    let text = text.trim_end();
    if !text.is_empty() {
        state.log(Level::INFO, text.to_owned());
    }
}
