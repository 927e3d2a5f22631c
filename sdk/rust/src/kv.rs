//! Key-value stores of the edge.
//!
//! ```no_run
//! # use rimward_filter::{kv, Result};
//! # fn example() -> Result<()> {
//! let stock = kv::open("stock")?;
//! if stock.get_text("sku/42")?.is_none() {
//!     stock.put("sku/42", b"17", kv::Put::default().ttl(3600))?;
//! }
//! # Ok(())
//! # }
//! ```

use crate::Result;
use crate::host::kv::{self, Write, WriteMode};

/// A store.
#[derive(Debug)]
pub struct Store(kv::Store);

/// A value with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// What was kept beside it.
    pub metadata: Option<String>,
    /// A number that is another after each write of the key.
    pub generation: u64,
    /// The seconds until it is gone.
    pub ttl: Option<u32>,
}

/// Some keys of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<String>,
    /// With what to ask for the next page, if there is one.
    pub cursor: Option<String>,
}

/// How a value is written: over what is there, for good, unless said otherwise.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Put<'a> {
    condition: Condition,
    ttl: Option<u32>,
    metadata: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Condition {
    #[default]
    None,
    Absent,
    Generation(u64),
}

impl<'a> Put<'a> {
    /// Only when the key is not there.
    pub fn if_absent(mut self) -> Self {
        self.condition = Condition::Absent;
        self
    }

    /// Only when nobody has written the key since an [`Entry`] of this generation was read.
    pub fn if_generation(mut self, generation: u64) -> Self {
        self.condition = Condition::Generation(generation);
        self
    }

    /// For so many seconds.
    pub fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = Some(seconds);
        self
    }

    /// With something beside the value.
    pub fn metadata(mut self, text: &'a str) -> Self {
        self.metadata = Some(text);
        self
    }

    fn write(self) -> Write<'a> {
        let (mode, if_generation) = match self.condition {
            Condition::None => (WriteMode::Overwrite, None),
            Condition::Absent => (WriteMode::Add, None),
            Condition::Generation(generation) => (WriteMode::Compare, Some(generation)),
        };
        Write {
            mode,
            if_generation,
            ttl_s: self.ttl,
            metadata: self.metadata,
        }
    }
}

/// Opens a store by its name in the configuration.
///
/// # Errors
/// When there is none of this name, or the filter has no grant for it.
pub fn open(name: &str) -> Result<Store> {
    Ok(Store(kv::open(name)?))
}

/// All of these fail when the store does, and in phases where nothing may wait.
#[allow(clippy::missing_errors_doc, reason = "told above")]
impl Store {
    /// A value with what is known of it.
    pub fn get(&self, key: &str) -> Result<Option<Entry>> {
        let entry = self.0.get(key)?;
        Ok(entry.map(|entry| Entry {
            value: entry.value,
            metadata: entry.metadata,
            generation: entry.generation,
            ttl: entry.ttl_s,
        }))
    }

    /// A value that is text.
    pub fn get_text(&self, key: &str) -> Result<Option<String>> {
        Ok(self.0.get_text(key)?)
    }

    /// Several values at once.
    pub fn get_many(&self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(self.0.get_many(keys)?)
    }

    /// Writes a value and returns its generation. [`Put::default`] writes it over what is there.
    pub fn put(&self, key: &str, value: &[u8], how: Put<'_>) -> Result<u64> {
        Ok(self.0.put(key, value, Some(how.write()))?)
    }

    /// Adds to a number and returns the sum. A key that is not there counts as 0, and is then gone after `ttl` seconds.
    pub fn increment(&self, key: &str, by: i64, ttl: Option<u32>) -> Result<i64> {
        Ok(self.0.increment(key, by, ttl)?)
    }

    /// Deletes a key, and tells whether it was there.
    pub fn delete(&self, key: &str) -> Result<bool> {
        Ok(self.0.delete(key)?)
    }

    /// Up to `most` keys that start with `prefix`, in order, from where the page before ended.
    pub fn list(&self, prefix: &str, cursor: Option<&str>, most: u32) -> Result<Page> {
        let page = self.0.list(prefix, cursor, most)?;
        Ok(Page {
            keys: page.keys,
            cursor: page.cursor,
        })
    }
}
