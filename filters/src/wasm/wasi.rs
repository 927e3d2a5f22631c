//! The part of WASI (0.2) that runtimes of languages can't do without: output that becomes the log, clocks, chance, the environment
//! that was granted, and folders, of which there are none. There are no sockets, and nobody sleeps.

mod streams;

use std::time::{SystemTime, UNIX_EPOCH};

use wasmtime::component::{
    ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType,
};
use wasmtime::{StoreContextMut, bail};

use super::state::State;
use crate::lasting::uptime;

/// The version that is offered; guests made for others of 0.2 are given it too.
const VERSION: &str = "0.2.6";

/// The interfaces that there are, without their package and version.
const GIVEN: [&str; 20] = [
    "cli/environment",
    "cli/exit",
    "cli/stderr",
    "cli/stdin",
    "cli/stdout",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "filesystem/preopens",
    "filesystem/types",
    "io/error",
    "io/poll",
    "io/streams",
    "random/insecure",
    "random/insecure-seed",
    "random/random",
];

/// A time since 1970.
#[derive(Debug, Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// What there is none of: a handle of it can't be had.
pub(super) struct Nothing;

/// Whether an import is of an interface that there is.
pub(super) fn is_given(name: &str) -> bool {
    let Some((interface, version)) = name
        .strip_prefix("wasi:")
        .and_then(|name| name.split_once('@'))
    else {
        return false;
    };
    version.starts_with("0.2.") && GIVEN.contains(&interface)
}

/// Makes it available to guests.
pub(super) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut of = |interface: &str, add: fn(LinkerInstance<'_, State>) -> wasmtime::Result<()>| {
        add(linker.instance(&format!("wasi:{interface}@{VERSION}"))?)
    };
    of("io/error", streams::errors)?;
    of("io/poll", streams::polls)?;
    of("io/streams", streams::streams)?;
    of("cli/stdout", |at| streams::output(at, "get-stdout"))?;
    of("cli/stderr", |at| streams::output(at, "get-stderr"))?;
    of("cli/stdin", streams::input)?;
    of("cli/environment", environment)?;
    of("cli/exit", exit)?;
    for terminal in ["terminal-input", "terminal-output"] {
        let mut at = linker.instance(&format!("wasi:cli/{terminal}@{VERSION}"))?;
        at.resource(terminal, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
    }
    for (terminal, function) in [
        ("terminal-stdin", "get-terminal-stdin"),
        ("terminal-stdout", "get-terminal-stdout"),
        ("terminal-stderr", "get-terminal-stderr"),
    ] {
        let mut at = linker.instance(&format!("wasi:cli/{terminal}@{VERSION}"))?;
        at.func_wrap(function, |_, (): ()| Ok((None::<Resource<Nothing>>,)))?;
    }
    let mut of = |interface: &str, add: fn(LinkerInstance<'_, State>) -> wasmtime::Result<()>| {
        add(linker.instance(&format!("wasi:{interface}@{VERSION}"))?)
    };
    of("clocks/monotonic-clock", monotonic)?;
    of("clocks/wall-clock", wall)?;
    of("random/random", |at| {
        random(at, "get-random-bytes", "get-random-u64")
    })?;
    of("random/insecure", |at| {
        random(at, "get-insecure-random-bytes", "get-insecure-random-u64")
    })?;
    of("random/insecure-seed", |mut at| {
        at.func_wrap("insecure-seed", |_, (): ()| {
            Ok(((rand::random::<u64>(), rand::random::<u64>()),))
        })
    })?;
    of("filesystem/types", folders)?;
    of("filesystem/preopens", |mut at| {
        at.func_wrap("get-directories", |_, (): ()| {
            Ok((Vec::<(Resource<Nothing>, String)>::new(),))
        })
    })
}

fn environment(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.func_wrap(
        "get-environment",
        |store: StoreContextMut<'_, State>, (): ()| Ok((store.data().version.grants.env.clone(),)),
    )?;
    at.func_wrap("get-arguments", |_, (): ()| Ok((Vec::<String>::new(),)))?;
    at.func_wrap("initial-cwd", |_, (): ()| Ok((None::<String>,)))
}

fn exit(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.func_wrap(
        "exit",
        |_, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
            bail!(
                "it exits, {}",
                if status.is_ok() {
                    "as if all were done"
                } else {
                    "as if it had failed"
                }
            )
        },
    )
}

fn monotonic(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let now = || u64::try_from(uptime().as_nanos()).unwrap_or(u64::MAX);
    at.func_wrap("now", move |_, (): ()| Ok((now(),)))?;
    at.func_wrap("resolution", |_, (): ()| Ok((1_000_000u64,)))?;
    for subscribe in ["subscribe-instant", "subscribe-duration"] {
        at.func_wrap(
            subscribe,
            |_, _: (u64,)| -> wasmtime::Result<(Resource<Nothing>,)> {
                bail!("it wants to sleep, which filters don't")
            },
        )?;
    }
    Ok(())
}

fn wall(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    at.func_wrap("now", |_, (): ()| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok((Datetime {
            seconds: now.as_secs(),
            nanoseconds: now.subsec_nanos(),
        },))
    })?;
    at.func_wrap("resolution", |_, (): ()| {
        Ok((Datetime {
            seconds: 0,
            nanoseconds: 1_000_000,
        },))
    })
}

fn random(mut at: LinkerInstance<'_, State>, bytes: &str, number: &str) -> wasmtime::Result<()> {
    at.func_wrap(bytes, |_, (len,): (u64,)| {
        let len = usize::try_from(len).ok().filter(|len| *len <= 1 << 20);
        let Some(len) = len else {
            bail!("it wants more than a mebibyte of chance at once")
        };
        let mut bytes = vec![0u8; len];
        rand::Rng::fill(&mut rand::rng(), &mut bytes[..]);
        Ok((bytes,))
    })?;
    at.func_wrap(number, |_, (): ()| Ok((rand::random::<u64>(),)))
}

/// The types of folders, for guests that name them in what they import. No function of them can be called, since no folder can be had.
fn folders(mut at: LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    for kind in ["descriptor", "directory-entry-stream"] {
        at.resource(kind, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
    }
    for function in FOLDER_FUNCTIONS {
        at.func_new(function, move |_, _, _, _| {
            bail!("it calls `{function}`, and there are no files")
        })?;
    }
    Ok(())
}

const FOLDER_FUNCTIONS: [&str; 27] = [
    "[method]descriptor.read-via-stream",
    "[method]descriptor.write-via-stream",
    "[method]descriptor.append-via-stream",
    "[method]descriptor.advise",
    "[method]descriptor.sync-data",
    "[method]descriptor.get-flags",
    "[method]descriptor.get-type",
    "[method]descriptor.set-size",
    "[method]descriptor.set-times",
    "[method]descriptor.read",
    "[method]descriptor.write",
    "[method]descriptor.read-directory",
    "[method]descriptor.sync",
    "[method]descriptor.create-directory-at",
    "[method]descriptor.stat",
    "[method]descriptor.stat-at",
    "[method]descriptor.set-times-at",
    "[method]descriptor.link-at",
    "[method]descriptor.open-at",
    "[method]descriptor.readlink-at",
    "[method]descriptor.remove-directory-at",
    "[method]descriptor.rename-at",
    "[method]descriptor.symlink-at",
    "[method]descriptor.unlink-file-at",
    "[method]descriptor.metadata-hash",
    "[method]directory-entry-stream.read-directory-entry",
    "filesystem-error-code",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_may_be_named_and_sockets_not() {
        for (name, expected) in [
            ("wasi:cli/stdout@0.2.0", true),
            ("wasi:filesystem/types@0.2.3", true),
            ("wasi:random/random@0.2.12", true),
            ("wasi:sockets/tcp@0.2.0", false),
            ("wasi:http/types@0.2.0", false),
            ("wasi:cli/stdout@0.3.0", false),
            ("wasi:cli/stdout", false),
            ("other:cli/stdout@0.2.0", false),
        ] {
            assert_eq!(is_given(name), expected, "{name}");
        }
    }
}
