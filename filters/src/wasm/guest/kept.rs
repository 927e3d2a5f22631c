//! What is noted of a guest's versions for the next start.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::wasm::code::CodeId;
use crate::wasm::version::Version;
use crate::wasm::versions::{Source, Versions};

/// What is noted when a guest takes over.
pub(super) struct Kept {
    pub(super) versions: Arc<Versions>,
    /// The file that stands in the configuration, until it is noted.
    pub(super) file: Mutex<Option<Bytes>>,
}

impl Kept {
    /// Notes it for the next start, beside the workers.
    pub(super) fn taken_out(&self, failed: &Version, next: &Version) {
        let versions = self.versions.clone();
        let (failed, next) = (failed.code.hex(), next.code.hex());
        let note = std::thread::Builder::new().name("versions".to_owned());
        let noted = note.spawn(move || versions.taken_out(&failed, &next));
        if let Err(error) = noted {
            tracing::warn!(%error, "that a guest failed is not kept: the next start runs it again");
        }
    }

    pub(super) fn took_over(&self, active: &str, file: &Bytes) {
        let sha256 = CodeId::of(file).hex();
        let index = self.versions.index();
        if index.file.as_ref() == Some(&sha256) && index.active.as_deref() == Some(active) {
            return;
        }
        if let Err(error) = self.versions.keep(file, Source::File) {
            tracing::warn!(%error, "the version of a guest is not kept");
        }
        self.versions.took_over(active, &sha256);
    }
}
