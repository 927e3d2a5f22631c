//! What can go wrong with a store.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use crate::settings::{MAX_KEY, MAX_METADATA};

/// What can go wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// No such key can be.
    #[error("{0}: a key has 1 to {MAX_KEY} bytes and no control characters")]
    Key(&'static str),
    /// More keys at once than are looked up together.
    #[error("at most 1000 keys can be looked up at once")]
    TooMany,
    /// The value is larger than the store allows.
    #[error("a value of {size} bytes is too large: the store takes up to {most}")]
    Value {
        /// Its length in bytes.
        size: usize,
        /// The longest that the store takes.
        most: usize,
    },
    /// The metadata is too long.
    #[error("metadata of {0} bytes is too long: there may be {MAX_METADATA}")]
    Metadata(usize),
    /// The value would expire at once.
    #[error("a value can't last for no time: leave the TTL out for one that does not expire")]
    Ttl,
    /// There is no room left.
    #[error("the store is full")]
    Full,
    /// The condition of a write does not hold.
    #[error("the condition does not hold: somebody else has written the key, or it is gone")]
    Conflict,
    /// What is there can't be added to.
    #[error("the value is not a whole number")]
    NotANumber,
    /// The sum is out of bounds.
    #[error("the sum does not fit into 64 bits")]
    Overflow,
    /// The file can't be read or written.
    #[error("{0}")]
    Io(Arc<str>),
    /// What the file holds is not what was written.
    #[error("the file is broken: {0}")]
    Broken(Arc<str>),
    /// Another process, or another store of this one, has the file.
    #[error("the file is in use by another process")]
    InUse,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl KvError {
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io(format!("`{}`: {error}", path.display()).into())
    }

    pub(crate) fn broken(reason: impl Into<Arc<str>>) -> Self {
        Self::Broken(reason.into())
    }

    /// Whether the file is to blame, not what was asked for.
    pub fn is_of_the_file(&self) -> bool {
        matches!(
            self,
            Self::Io(_) | Self::Broken(_) | Self::InUse | Self::Closed
        )
    }
}

/// The engine panics on some pages that are not as it wrote them.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> KvError {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    KvError::broken(text.unwrap_or("what it holds makes no sense"))
}

impl From<redb::Error> for KvError {
    fn from(error: redb::Error) -> Self {
        use redb::Error as E;
        match error {
            E::DatabaseAlreadyOpen => Self::InUse,
            E::DatabaseClosed => Self::Closed,
            E::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Self::broken(error.to_string())
            }
            E::Io(error) => Self::Io(error.to_string().into()),
            E::PreviousIo => Self::Io("it could not be written before".into()),
            E::Corrupted(reason) => Self::broken(reason),
            other => Self::broken(other.to_string()),
        }
    }
}

macro_rules! from_engine {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for KvError {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_engine!(
    CommitError,
    DatabaseError,
    StorageError,
    TableError,
    TransactionError
);
