//! Reload when files change: editors that replace a file, and the symbolic links that Kubernetes swaps.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use rimward_config::{Credentials, Origin, OriginKind};
use tokio::sync::mpsc::{Receiver, channel};

use crate::edge::{Edge, folder};
use crate::runtime::Runtime;

/// Changes closer together than this are one.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// How long events gather in the system after one that is no change of the configuration.
const PAUSE: Duration = Duration::from_millis(100);

/// How often files are looked at even when nothing was reported: not every file system tells of changes.
const FALLBACK: Duration = Duration::from_secs(5);

/// How a file was before it was read: a change while the edge starts is not to be lost.
pub struct Before {
    file: Fingerprint,
    since: SystemTime,
}

/// Looks at a file that is about to be read.
pub fn look(file: &Path) -> Before {
    Before {
        file: fingerprint(&[file.to_owned()]),
        since: SystemTime::now(),
    }
}

/// Whether a file was written, or put in its place, since then.
fn changed_since(path: &Path, since: SystemTime) -> bool {
    let changed = path.metadata().ok().filter(Metadata::is_file);
    let changed = changed.and_then(|metadata| {
        let seconds = u64::try_from(metadata.ctime()).ok()?;
        let nanoseconds = u32::try_from(metadata.ctime_nsec()).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
    });
    changed.is_some_and(|changed| changed > since)
}

/// Reloads `file` whenever it, or a file that it names, changes. Never ends.
pub async fn watch(edge: Arc<Edge>, file: PathBuf, before: Before) {
    let (sender, mut changes) = channel::<()>(1);
    let names = Arc::new(ArcSwap::from_pointee(names_of(&edge.files())));
    let followed = names.clone();
    let watcher = notify::recommended_watcher(move |event| {
        if concerns(&event, &followed.load()) {
            // One that waits already is enough.
            sender.try_send(()).ok();
        } else {
            // The watcher's own thread: what is written a thousand times a second is told ten times.
            std::thread::park_timeout(PAUSE);
        }
    });
    let mut watcher = watcher
        .inspect_err(|error| tracing::warn!(%error, "file changes are noticed by looking only"))
        .ok();
    let mut watched = Vec::new();
    let mut seen = fingerprint(&edge.files());
    // A file that the configuration names may have changed since it was read.
    seen.retain(|path, _| !changed_since(path, before.since));
    seen.extend(before.file);
    let mut first = true;
    loop {
        let files = edge.files();
        names.store(Arc::new(names_of(&files)));
        follow(&mut watcher, &mut watched, &files);
        if !std::mem::take(&mut first) {
            next_change(&mut changes).await;
        }
        let files = edge.files();
        let now = fingerprint(&files);
        if now == seen {
            continue;
        }
        // As they were before they are read: what changes meanwhile is a change to come.
        seen = now;
        report(edge.reload_file(file.clone()).await, &file);
        // A file that only the new configuration names is seen as it is now.
        seen.extend(
            fingerprint(&edge.files())
                .into_iter()
                .filter(|(path, _)| !files.contains(path)),
        );
    }
}

/// Logs how a reload ended.
pub fn report(result: Result<(), rimward_config::Problems>, file: &Path) {
    match result {
        Ok(()) => tracing::info!(file = %file.display(), "configuration reloaded"),
        Err(problems) => {
            tracing::error!(file = %file.display(), "configuration rejected, the one before goes on:\n{problems}");
        }
    }
}

async fn next_change(changes: &mut Receiver<()>) {
    let fallback = tokio::time::sleep(FALLBACK);
    tokio::select! {
        changed = changes.recv() => {
            if changed.is_none() {
                tokio::time::sleep(FALLBACK).await;
            }
        }
        () = fallback => return,
    }
    let quiet = async {
        while tokio::time::timeout(DEBOUNCE, changes.recv())
            .await
            .is_ok_and(|change| change.is_some())
        {}
    };
    // What goes on changing is looked at all the same.
    drop(tokio::time::timeout(FALLBACK, quiet).await);
}

/// The names of files, whatever folders they are in.
fn names_of(files: &[PathBuf]) -> BTreeSet<OsString> {
    let names = files.iter().filter_map(|file| file.file_name());
    names.map(OsString::from).collect()
}

/// Whether an event may change the configuration. What is written into other files of its folders does not, and a log
/// that lies there is written all the time.
fn concerns(event: &notify::Result<Event>, names: &BTreeSet<OsString>) -> bool {
    let Ok(event) = event else { return true };
    let is_content = matches!(
        event.kind,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_))
    );
    let mut named = event.paths.iter().filter_map(|path| path.file_name());
    !is_content || named.any(|name| names.contains(name))
}

/// Watches the folders of files rather than the files: a file that is replaced is another one.
fn follow(watcher: &mut Option<RecommendedWatcher>, watched: &mut Vec<PathBuf>, files: &[PathBuf]) {
    let Some(watcher) = watcher else { return };
    let folders = files.iter().map(|file| {
        if file.is_dir() {
            file.as_path()
        } else {
            folder(file)
        }
    });
    for folder in folders {
        if !watched.iter().any(|known| known == folder)
            && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok()
        {
            watched.push(folder.to_owned());
        }
    }
}

/// What tells one state of files from another: where each path leads and what stands there.
type Fingerprint = BTreeMap<PathBuf, Option<(PathBuf, SystemTime, u64, u64)>>;

fn fingerprint(files: &[PathBuf]) -> Fingerprint {
    let look = |path: &PathBuf| {
        let target = path.canonicalize().ok()?;
        let metadata = target.metadata().ok()?;
        Some((
            target,
            metadata.modified().ok()?,
            metadata.len(),
            metadata.ino(),
        ))
    };
    files
        .iter()
        .map(|path| (path.clone(), look(path)))
        .collect()
}

/// The files and folders that a configuration depends on, those of its filters included.
pub(crate) fn files(runtime: &Runtime) -> Vec<PathBuf> {
    let config = &runtime.config;
    let certificates = config
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref());
    let clients = certificates.clone().flat_map(|tls| &tls.clients);
    let certificates = certificates.flat_map(|tls| &tls.certificates);
    let pages = config
        .sites
        .iter()
        .flat_map(|site| site.error_pages.values());
    let mut files = config.files.clone();
    files.extend(config.include_folders.iter().cloned());
    files.extend(
        certificates.flat_map(|certificate| [certificate.chain.clone(), certificate.key.clone()]),
    );
    files.extend(clients.flat_map(|clients| clients.crl.iter().chain([&clients.ca]).cloned()));
    files.extend(pages.cloned());
    files.extend(config.geoip.iter().flat_map(|geoip| geoip.files().cloned()));
    files.extend(
        config
            .admin
            .iter()
            .filter_map(|admin| admin.token_file.clone()),
    );
    let shields = config.shields.iter().flat_map(|shield| &shield.purge);
    files.extend(shields.filter_map(|admin| admin.token_file.clone()));
    files.extend(config.origins.iter().filter_map(file_of).cloned());
    files.extend(runtime.filter_files.iter().cloned());
    files.sort_unstable();
    files.dedup();
    files
}

/// The file with the keys of a bucket, or with a function.
fn file_of(origin: &Origin) -> Option<&PathBuf> {
    let servers = match &origin.kind {
        OriginKind::Servers(servers) => servers,
        OriginKind::Function(function) => return Some(&function.file),
        OriginKind::Directory(_) => return None,
    };
    match &servers.s3.as_ref()?.credentials {
        Credentials::File { path, .. } => Some(path),
        Credentials::Env | Credentials::Anonymous => None,
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, RenameMode};

    use super::*;

    #[test]
    fn a_log_beside_the_configuration_is_no_change_of_it() {
        let names = names_of(&["pop.toml".into(), "/etc/rimward/users".into()]);
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        for (kind, path, expected) in [
            (written, "./access.log", false),
            (written, "./pop.toml", true),
            (written, "/etc/rimward/users", true),
            (EventKind::Create(CreateKind::File), "./new.toml", true),
            (
                EventKind::Modify(ModifyKind::Name(RenameMode::To)),
                "./..data",
                true,
            ),
        ] {
            let event = Event::new(kind).add_path(path.into());
            assert_eq!(concerns(&Ok(event), &names), expected, "{kind:?} {path}");
        }
    }
}
