//! `[kv.NAME]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::KvStore;
use crate::document;
use crate::load::Loaded;
use crate::problem::Problem;
use crate::value::ByteSize;

use super::{Names, Scope};

const LARGEST: ByteSize = ByteSize(1 << 40);
/// The share of the file that one value may take.
const VALUES_IN_FILE: u64 = 8;

/// The stores in the order of their names, but for those that could not be read.
pub(crate) fn stores(
    files: &mut [Loaded],
    names: &Names,
    problems: &mut Vec<Problem>,
) -> Vec<KvStore> {
    let mut written: BTreeMap<String, document::Kv> = BTreeMap::new();
    for file in files.iter_mut().rev() {
        // Backwards, so that of two with one name the first is taken; the second is told by `Names`.
        written.append(&mut file.document.kv);
    }
    let mut stores: Vec<KvStore> = Vec::new();
    for (name, source) in names.iter() {
        let mut scope = Scope::new(source.clone(), problems);
        let Some(store) = written
            .remove(name)
            .and_then(|written| store(name, written, &mut scope))
        else {
            continue;
        };
        if let Some(other) = stores.iter().find(|other| other.path == store.path) {
            let message = format!(
                "the store `{}` has this file: give each one of its own",
                other.name
            );
            scope.tell("path", message);
        }
        stores.push(store);
    }
    stores
}

fn store(name: &str, written: document::Kv, scope: &mut Scope<'_>) -> Option<KvStore> {
    let path = scope.required("path", written.path);
    let path: Option<PathBuf> = path.map(|path| scope.path("path", &path));
    let max_size = scope.size(
        "max_size",
        written.max_size,
        ByteSize(1 << 20)..=LARGEST,
        ByteSize(1 << 30),
    );
    let most = max_size / VALUES_IN_FILE;
    let max_value = scope.size(
        "max_value",
        written.max_value,
        ByteSize(1)..=ByteSize(64 << 20),
        ByteSize(most.min(1 << 20)),
    );
    if max_value > most {
        scope.tell(
            "max_value",
            format!(
                "`{}` is more than an eighth of `max_size`, which is `{}`",
                ByteSize(max_value),
                ByteSize(most)
            ),
        );
    }
    let memory = scope.size(
        "memory",
        written.memory,
        ByteSize(1 << 20)..=LARGEST,
        ByteSize(32 << 20),
    );
    Some(KvStore {
        name: name.to_owned(),
        path: path?,
        max_size,
        max_value,
        memory,
    })
}
