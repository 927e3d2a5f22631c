//! What answers within the process, at the other end of a pipe.

use std::sync::Arc;

use rimward_filters::wasm::function::Function;

use super::dial::Told;
use super::directory::Files;
use super::function;
use super::pool::Io;
use super::server::Address;

/// What answers within the process.
#[derive(Debug, Clone)]
pub(super) enum Inside {
    /// The files of a directory.
    Files(Arc<Files>),
    /// A function.
    Function(Function),
}

impl Inside {
    /// A new connection that speaks HTTP/1.1.
    pub(super) fn connect(&self, told: &Arc<Told>) -> Box<dyn Io> {
        match self {
            Self::Files(files) => files.connect(),
            Self::Function(function) => function::connect(function, told),
        }
    }

    pub(super) fn address(&self) -> Address {
        match self {
            Self::Files(_) => Address::Files,
            Self::Function(_) => Address::Function,
        }
    }
}
