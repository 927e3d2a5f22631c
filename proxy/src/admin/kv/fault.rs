//! Why a store can't be asked what was asked, and the status that tells of it.

use http::StatusCode;
use rimward_config::Problem;
use rimward_kv::KvError;

use crate::stores::NamedStores;

#[derive(Debug, thiserror::Error)]
pub(super) enum KvFault {
    /// No store has this name; with a hint.
    #[error("there is no store `{0}`{1}")]
    Unknown(String, String),
    /// The key is not there.
    #[error("there is no key `{0}`")]
    Absent(String),
    /// It can't be asked like that.
    #[error("{0}")]
    Wrong(String),
    /// The body is longer than what is taken.
    #[error("the body is longer than {0} bytes, or was cut off")]
    TooLong(usize),
    /// The disk is too slow.
    #[error("the write is not on the disk yet, and may be written or not")]
    Timeout,
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] KvError),
    /// The store refuses one of many.
    #[error("key `{0}`: {1}")]
    OfKey(String, KvError),
}

impl KvFault {
    pub(super) fn unknown(name: &str, stores: &NamedStores) -> Self {
        let problem = Problem::new("", "").suggest(name, stores.keys().map(|name| &**name));
        let hint = problem.help.map_or_else(
            || ": the configuration has no section `[kv.NAME]`".to_owned(),
            |help| format!(": {help}"),
        );
        Self::Unknown(name.to_owned(), hint)
    }

    pub(super) fn unknown_parameter(name: &str, known: &str) -> Self {
        Self::Wrong(format!("there is no parameter `{name}` but {known}"))
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(..) | Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Store(error) | Self::OfKey(_, error) => status_of(error),
        }
    }
}

fn status_of(error: &KvError) -> StatusCode {
    match error {
        KvError::Value { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        KvError::Full => StatusCode::INSUFFICIENT_STORAGE,
        KvError::Conflict => StatusCode::PRECONDITION_FAILED,
        error if error.is_of_the_file() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}
