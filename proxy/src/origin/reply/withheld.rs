//! Errors of buckets, which say in their bodies what their status means: they are handed out when they are whole.

use bytes::{Bytes, BytesMut};

/// Bytes of an error that are waited for; what is longer is handed out as it comes.
const MOST: usize = 16 * 1024;

/// Whether answers are watched for errors, and what came of one.
#[derive(Debug, Default)]
pub(super) enum Withheld {
    /// Answers flow by.
    #[default]
    Nothing,
    /// The next error is withheld.
    Watching,
    /// What came of an error.
    Error(BytesMut),
}

impl Withheld {
    /// The head of the answer came.
    pub(super) fn head(&mut self, status: u16) {
        if matches!(self, Self::Watching) && status >= 300 && status != 304 {
            *self = Self::Error(BytesMut::new());
        }
    }

    pub(super) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// Keeps more of an error; all of it when it is `whole` or too long to wait for.
    pub(super) fn keep(&mut self, bytes: &[u8], whole: bool) -> Option<Bytes> {
        let Self::Error(kept) = self else { return None };
        kept.extend_from_slice(bytes);
        match whole || kept.len() > MOST {
            true => self.release(),
            false => None,
        }
    }

    /// What was kept, once no more will be.
    pub(super) fn release(&mut self) -> Option<Bytes> {
        match std::mem::take(self) {
            Self::Error(kept) => Some(kept.freeze()),
            _ => None,
        }
    }
}
