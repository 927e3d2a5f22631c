//! The stores of `[kv.NAME]`: each is opened once, goes on over reloads, and is closed when nobody has it any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rimward_cache::Clock;
use rimward_config::{Config, KvStore, Problem};
use rimward_kv::{KvError, Settings, Store};

/// Stores by their names in a configuration.
pub type NamedStores = BTreeMap<Arc<str>, Arc<Store>>;

/// Where stores come from.
#[derive(Debug)]
pub struct Stores {
    /// What time it is for them; `None` when they are only thought of.
    clock: Option<Clock>,
    /// Those that are open, by file. A store that gets another name stays what it is.
    open: Mutex<BTreeMap<PathBuf, Weak<Store>>>,
}

impl Stores {
    /// Stores in their files.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock: Some(clock),
            open: Mutex::default(),
        }
    }

    /// Empty ones, for whoever looks at a configuration without running it: the files may belong to an edge that runs.
    pub fn detached() -> Self {
        Self {
            clock: None,
            open: Mutex::default(),
        }
    }

    /// The stores of a configuration. Those that are open already stay as they are, with the bounds that they have.
    pub(crate) fn of(&self, config: &Config, problems: &mut Vec<Problem>) -> NamedStores {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, store| store.strong_count() > 0);
        let mut stores = NamedStores::new();
        for written in &config.stores {
            match self.one(written, &mut open) {
                Ok(store) => drop(stores.insert(written.name.as_str().into(), store)),
                Err(error) => problems.push(unusable(config, written, &error)),
            }
        }
        stores
    }

    fn one(
        &self,
        written: &KvStore,
        open: &mut BTreeMap<PathBuf, Weak<Store>>,
    ) -> Result<Arc<Store>, KvError> {
        let Some(clock) = self.clock.clone() else {
            return Store::in_memory(&settings(written)).map(Arc::new);
        };
        if let Some(store) = open.get(&one_path(&written.path)).and_then(Weak::upgrade) {
            return Ok(store);
        }
        let settings = Settings {
            clock: rimward_kv::Clock::new(move || clock.now()),
            ..settings(written)
        };
        let store = Arc::new(Store::open(&settings)?);
        open.insert(one_path(&written.path), Arc::downgrade(&store));
        Ok(store)
    }
}

/// Gives stores the bounds of the configuration that takes over.
pub(crate) fn adopt(config: &Config, stores: &NamedStores) {
    for written in &config.stores {
        if let Some(store) = stores.get(&*written.name) {
            store.adopt(&settings(written));
        }
    }
}

fn settings(written: &KvStore) -> Settings {
    let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
    Settings {
        max_size: written.max_size,
        max_value: size(written.max_value),
        memory: size(written.memory),
        ..Settings::at(&written.path)
    }
}

/// The same path for all that lead to one file.
fn one_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn unusable(config: &Config, written: &KvStore, error: &KvError) -> Problem {
    let path = written.path.display();
    let message = match error {
        KvError::Io(error) => error.to_string(),
        error => format!("`{path}`: {error}"),
    };
    let problem = config.problem(&format!("kv.{}.path", written.name), message);
    match error {
        KvError::Broken(_) => problem
            .with_help("put a copy in its place, or move it away to begin with an empty store"),
        KvError::InUse => problem.with_help("give each edge a file of its own"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let text = format!("{text}\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
        rimward_config::parse(&text, "pop.toml").unwrap()
    }

    /// The only store of the file `path`, or what is wrong with it.
    fn only(stores: &Stores, path: &Path) -> Result<Arc<Store>, String> {
        let config = config(&format!("[kv.a]\npath = {path:?}\nmax_value = \"3B\""));
        let mut problems = Vec::new();
        let found = stores.of(&config, &mut problems).remove("a");
        match problems.pop() {
            None => Ok(found.unwrap()),
            Some(problem) => Err(format!(
                "{}: {} ({})",
                problem.key,
                problem.message,
                problem.help.unwrap()
            )),
        }
    }

    #[test]
    fn a_store_is_opened_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.kv");
        let stores = Stores::new(Clock::new());
        let first = only(&stores, &path).unwrap();
        let again = only(&stores, &folder.path().join("./a.kv")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(first.max_value(), 3);
        drop((first, again));
        only(&stores, &path).unwrap();
    }

    #[test]
    fn a_file_that_can_not_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.kv");
        let _store = only(&Stores::new(Clock::new()), &path).unwrap();
        let told = only(&Stores::new(Clock::new()), &path).unwrap_err();
        assert!(
            told.starts_with("kv.a.path: ") && told.contains("in use by another process"),
            "{told}"
        );
        only(&Stores::detached(), &path).unwrap();
        let broken = folder.path().join("b.kv");
        std::fs::write(&broken, "text").unwrap();
        let told = only(&Stores::new(Clock::new()), &broken).unwrap_err();
        assert!(
            told.contains("broken") && told.contains("move it away"),
            "{told}"
        );
    }
}
