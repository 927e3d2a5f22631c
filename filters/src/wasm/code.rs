//! Components compiled to this machine's code: once in the process, and kept on disk so that the next start need not.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use ahash::AHashMap;
use aws_lc_rs::digest::{SHA256, digest};
use twox_hash::XxHash3_64;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::component;
use super::engine::{Pool, engine};

/// How many compiled components are kept on disk.
const MAX_KEPT: usize = 64;
/// Bytes of the checksum behind the code.
const CHECKSUM: usize = 8;
/// How much of a file is looked at at once: what the processor's cache holds.
const PIECE: usize = 64 << 10;

/// A component, compiled.
pub(super) struct Code {
    pub(super) id: CodeId,
    pub(super) component: Component,
}

/// What tells one component from another: the SHA-256 of what was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CodeId([u8; 32]);

impl CodeId {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(id)
    }

    /// All of it in hexadecimal.
    pub(super) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As operators see it: long enough not to be another's.
    pub(super) fn short(&self) -> String {
        self.hex().get(..12).unwrap_or_default().to_owned()
    }
}

static CODES: LazyLock<Mutex<AHashMap<CodeId, Weak<Code>>>> = LazyLock::new(Mutex::default);

impl Code {
    /// Compiles a component, or a core module that `wit-bindgen` made, unless it was compiled before. It takes seconds for a
    /// language's runtime: nothing for a worker.
    ///
    /// # Errors
    /// When it is not WebAssembly that this engine takes.
    pub(super) fn load(
        bytes: &[u8],
        engine: &Engine,
        folder: Option<&Path>,
    ) -> Result<Arc<Self>, String> {
        let id = CodeId::of(bytes);
        let known = || {
            let codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
            codes.get(&id).and_then(Weak::upgrade)
        };
        if let Some(code) = known() {
            return Ok(code);
        }
        let file = folder.map(|folder| file_of(folder, id, engine));
        let kept = file.as_deref().and_then(|file| read(file, engine));
        let component = match kept {
            Some(component) => component,
            None => compile(bytes, engine, file.as_deref())?,
        };
        let code = Arc::new(Self { id, component });
        let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, code| code.strong_count() > 0);
        codes.insert(id, Arc::downgrade(&code));
        Ok(code)
    }
}

fn compile(bytes: &[u8], engine: &Engine, file: Option<&Path>) -> Result<Component, String> {
    let encoded = component::encode(bytes)?;
    let component =
        Component::from_binary(engine, &encoded).map_err(|error| format!("{error:#}"))?;
    if let Some(file) = file {
        let kept = component.serialize().map_err(|error| error.to_string());
        let kept = kept.and_then(|code| write(file, &code).map_err(|error| error.to_string()));
        if let Err(error) = kept {
            tracing::warn!(file = %file.display(), error, "compiled code is not kept: the next start compiles again");
        }
    }
    Ok(component)
}

/// Its name says what was compiled, and by which engine for which processor.
fn file_of(folder: &Path, id: CodeId, engine: &Engine) -> PathBuf {
    let mut hasher = XxHash3_64::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    folder
        .join("compiled")
        .join(format!("{}-{:016x}", id.hex(), hasher.finish()))
}

/// Code that was kept. Whatever is wrong with it, it is compiled again.
fn read(file: &Path, engine: &Engine) -> Option<Component> {
    match is_whole(file) {
        Ok(true) => deserialise(engine, file),
        Ok(false) => {
            tracing::warn!(file = %file.display(), "compiled code is damaged: it is compiled again");
            None
        }
        Err(_) => None,
    }
}

/// Whether a file has the checksum that was written with it.
fn is_whole(file: &Path) -> std::io::Result<bool> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    let Some(length) = length.checked_sub(CHECKSUM as u64) else {
        return Ok(false);
    };
    let (mut hasher, mut left) = (XxHash3_64::new(), length);
    let mut piece = vec![0; PIECE];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        file.read_exact(&mut piece[..most])?;
        hasher.write(&piece[..most]);
        left -= most as u64;
    }
    let mut checksum = [0; CHECKSUM];
    file.read_exact(&mut checksum)?;
    Ok(checksum == hasher.finish().to_le_bytes())
}

/// The file is mapped rather than read, so that what is never run is never looked at.
#[allow(
    unsafe_code,
    reason = "the engine has no safe way to take code that it compiled before; the folder belongs to the edge, and what is in it has the checksum that was written with it"
)]
fn deserialise(engine: &Engine, file: &Path) -> Option<Component> {
    // SAFETY: the file is what `Component::serialize` gave to an edge that may write here, byte for byte, and it stays so: files here
    // are put in their place when they are whole, and taken away, but not written to.
    unsafe { Component::deserialize_file(engine, file) }.ok()
}

/// Puts it in its place in one step, so that nobody finds half of it.
fn write(file: &Path, code: &[u8]) -> std::io::Result<()> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    let beside = file.with_extension(format!("{}.part", std::process::id()));
    let written = File::create(&beside).and_then(|mut out| {
        out.write_all(code)?;
        out.write_all(&XxHash3_64::oneshot(code).to_le_bytes())?;
        out.sync_all()
    });
    written
        .and_then(|()| fs::rename(&beside, file))
        .inspect_err(|_| {
            fs::remove_file(&beside).ok();
        })?;
    forget_oldest(folder);
    Ok(())
}

fn forget_oldest(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    let age = |file: fs::DirEntry| Some((file.metadata().ok()?.modified().ok()?, file.path()));
    let mut files: Vec<_> = files.filter_map(Result::ok).filter_map(age).collect();
    files.sort_unstable();
    for (_, file) in files.iter().rev().skip(MAX_KEPT) {
        fs::remove_file(file).ok();
    }
}

/// Code that is kept, for benches to load again and again.
#[doc(hidden)]
#[allow(missing_debug_implementations, reason = "only benches have one")]
pub struct KeptCode {
    engine: &'static Engine,
    file: PathBuf,
}

impl KeptCode {
    /// Compiles a component and keeps its code in a folder.
    ///
    /// # Errors
    /// When it is not WebAssembly that this engine takes.
    pub fn of(bytes: &[u8], folder: &Path) -> Result<Self, String> {
        let engine = engine(Pool::default())?;
        let file = file_of(folder, CodeId::of(bytes), engine);
        compile(bytes, engine, Some(&file))?;
        Ok(Self { engine, file })
    }

    /// Reads, checks and loads it; whether it was whole.
    pub fn load(&self) -> bool {
        read(&self.file, self.engine).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_code_is_found_again_and_compiled_anew_when_it_is_damaged() {
        let engine = engine(Pool::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bytes = wat::parse_str("(component (core module (func)))").unwrap();
        let load = || Code::load(&bytes, engine, Some(folder.path())).map(|code| code.id);
        let id = load().unwrap();
        let file = file_of(folder.path(), id, engine);
        assert!(read(&file, engine).is_some());
        let mut kept = fs::read(&file).unwrap();
        let last = kept.len() - 1;
        kept[last] ^= 1;
        fs::write(&file, &kept).unwrap();
        assert!(read(&file, engine).is_none());
        load().unwrap();
        assert!(read(&file, engine).is_some());
        fs::write(&file, "").unwrap();
        assert!(load().is_ok());
    }

    #[test]
    fn what_is_no_component_is_told() {
        let engine = engine(Pool::default()).unwrap();
        for bytes in [
            &b""[..],
            b"hello",
            b"\0asm\x01\0\0\0",
            b"\0asm\x0d\0\x01\0\xff",
        ] {
            assert!(Code::load(bytes, engine, None).is_err(), "{bytes:?}");
        }
    }
}
