//! The stores that a guest was granted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rimward_kv::{Condition, Entry, KvError, Store, Write};
use wasmtime::component::Resource;

use crate::wasm::abi::Error;
use crate::wasm::abi::rimward::filter::kv::{self, Host, HostStore, WriteMode};
use crate::wasm::state::State;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

/// The most keys of one page.
const MAX_PAGE: usize = 1000;
/// The most keys that are got at once.
const MAX_KEYS: usize = 100;

/// A store that a guest has opened.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Opened(Arc<Store>);

impl Host for State {
    fn open(&mut self, name: String) -> Answer<Resource<Opened>> {
        let Some(store) = self.version.grants.stores.get(&*name).cloned() else {
            return Ok(Err(Error::NoSuch(format!(
                "store `{}`",
                name.escape_debug()
            ))));
        };
        let opened = self.table.push(Opened(store));
        Ok(opened.map_err(|_| Error::Limit("too many handles".to_owned())))
    }
}

impl State {
    fn store(&self, opened: &Resource<Opened>) -> wasmtime::Result<Arc<Store>> {
        Ok(self.table.get(opened)?.0.clone())
    }

    /// Refuses what waits where nobody does.
    pub(super) fn check_wait(&self) -> Result<(), Error> {
        match self.may_wait() {
            true => Ok(()),
            false => Err(Error::NotAllowedInPhase),
        }
    }
}

impl HostStore for State {
    fn get(&mut self, store: Resource<Opened>, key: String) -> Answer<Option<kv::Entry>> {
        let found = self.store(&store)?.get(&key);
        Ok(found.map(|found| found.map(told)).map_err(fault))
    }

    fn get_text(&mut self, store: Resource<Opened>, key: String) -> Answer<Option<String>> {
        let found = self.store(&store)?.get(&key).map_err(fault);
        let text = |entry: Entry| {
            String::from_utf8(entry.value.into())
                .map_err(|_| Error::Other("the value is not UTF-8".to_owned()))
        };
        Ok(found.and_then(|found| found.map(text).transpose()))
    }

    fn get_many(
        &mut self,
        store: Resource<Opened>,
        keys: Vec<String>,
    ) -> Answer<Vec<Option<Vec<u8>>>> {
        if keys.len() > MAX_KEYS {
            return Ok(Err(Error::Limit(format!(
                "at most {MAX_KEYS} keys at once"
            ))));
        }
        let found = self.store(&store)?.get_many(&keys);
        let values = |found: Vec<Option<Entry>>| {
            found
                .into_iter()
                .map(|entry| entry.map(|entry| entry.value.into()))
                .collect()
        };
        Ok(found.map(values).map_err(fault))
    }

    async fn put(
        &mut self,
        store: Resource<Opened>,
        key: String,
        value: Vec<u8>,
        opts: Option<kv::Write>,
    ) -> Answer<u64> {
        let store = self.store(&store)?;
        let write = self
            .check_wait()
            .and_then(|()| opts.map_or_else(|| Ok(Write::default()), write));
        Ok(match write {
            Ok(write) => store
                .put(&key, Bytes::from(value), write)
                .await
                .map_err(fault),
            Err(error) => Err(error),
        })
    }

    async fn increment(
        &mut self,
        store: Resource<Opened>,
        key: String,
        by: i64,
        ttl_s: Option<u32>,
    ) -> Answer<i64> {
        let store = self.store(&store)?;
        if let Err(error) = self.check_wait() {
            return Ok(Err(error));
        }
        Ok(store
            .increment(&key, by, ttl_s.map(seconds))
            .await
            .map_err(fault))
    }

    async fn delete(&mut self, store: Resource<Opened>, key: String) -> Answer<bool> {
        let store = self.store(&store)?;
        if let Err(error) = self.check_wait() {
            return Ok(Err(error));
        }
        Ok(store.delete(&key).await.map_err(fault))
    }

    fn list(
        &mut self,
        store: Resource<Opened>,
        prefix: String,
        cursor: Option<String>,
        max: u32,
    ) -> Answer<kv::Page> {
        let max = usize::try_from(max).unwrap_or(usize::MAX).min(MAX_PAGE);
        let page = self.store(&store)?.list(&prefix, cursor.as_deref(), max);
        let told = |page: rimward_kv::Page| kv::Page {
            keys: page.keys,
            cursor: page.cursor,
        };
        Ok(page.map(told).map_err(fault))
    }

    fn drop(&mut self, store: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

fn told(entry: Entry) -> kv::Entry {
    kv::Entry {
        value: entry.value.into(),
        metadata: entry.metadata,
        generation: entry.generation,
        ttl_s: entry
            .ttl
            .map(|left| u32::try_from(left.as_secs()).unwrap_or(u32::MAX)),
    }
}

fn write(written: kv::Write) -> Result<Write, Error> {
    let condition = match (written.mode, written.if_generation) {
        (WriteMode::Overwrite, _) => Condition::Always,
        (WriteMode::Add, _) => Condition::Absent,
        (WriteMode::Compare, Some(generation)) => Condition::Generation(generation),
        (WriteMode::Compare, None) => {
            return Err(Error::Invalid("`compare` needs `if-generation`".to_owned()));
        }
    };
    Ok(Write {
        condition,
        ttl: written.ttl_s.map(seconds),
        metadata: written.metadata,
    })
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

fn fault(error: KvError) -> Error {
    let told = error.to_string();
    match error {
        KvError::Key(_) | KvError::Ttl | KvError::NotANumber => Error::Invalid(told),
        KvError::Value { .. } | KvError::Metadata(_) | KvError::Full => Error::Limit(told),
        error if error.is_of_the_file() => Error::Unavailable(told),
        _ => Error::Other(told),
    }
}
