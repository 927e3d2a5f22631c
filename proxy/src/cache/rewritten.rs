//! A stored body that is rewritten as it is read.
//!
//! The engine tells those who rewrite a body of its end, but not when the body comes through the store while it is
//! fetched or after it was revalidated. So such a body is rewritten before the engine sees it.

use std::any::Any;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::cache::storage::HandleHit;
use pingora::cache::trace::SpanHandle;
use pingora::cache::{CacheKey, CachePhase, HitHandler, HttpCache, Storage};
use pingora::{Error, ErrorType, Result};
use rimward_filters::Rewriters;

struct Rewritten {
    /// What is read; `None` once it ended.
    body: Option<HitHandler>,
    rewriters: Rewriters,
}

/// Whatever of the response's body comes out of the store; `None` when the origin's is passed on.
pub(crate) fn stored_body(cache: &mut HttpCache) -> Option<&mut HitHandler> {
    match cache.phase() {
        CachePhase::Miss | CachePhase::Expired => cache.miss_body_reader(),
        CachePhase::Hit
        | CachePhase::Stale
        | CachePhase::StaleUpdating
        | CachePhase::Revalidated
        | CachePhase::RevalidatedNoCache(_) => Some(cache.hit_handler()),
        _ => None,
    }
}

/// Rewrites a body as it is read.
pub(crate) fn rewrite(body: &mut HitHandler, rewriters: Rewriters) {
    let rewritten = Rewritten {
        body: None,
        rewriters,
    };
    let whole = std::mem::replace(body, Box::new(rewritten));
    if let Some(rewritten) = body.as_any_mut().downcast_mut::<Rewritten>() {
        rewritten.body = Some(whole);
    }
}

/// Leaves a body out, as somebody else sends another.
pub(crate) fn leave_out(body: &mut HitHandler) {
    *body = Box::new(Rewritten {
        body: None,
        rewriters: Rewriters::default(),
    });
}

#[async_trait]
impl HandleHit for Rewritten {
    async fn read_body(&mut self) -> Result<Option<Bytes>> {
        while let Some(body) = &mut self.body {
            let piece = body.read_body().await?;
            let is_end = piece.is_none();
            if is_end {
                self.body = None;
            }
            let rewritten = self.rewriters.pass(piece, is_end).map_err(|error| {
                Error::because(ErrorType::InternalError, "rewriting a stored body", error)
            })?;
            if rewritten.is_some() {
                return Ok(rewritten);
            }
        }
        Ok(None)
    }

    async fn finish(
        self: Box<Self>,
        _: &'static (dyn Storage + Sync),
        _: &CacheKey,
        _: &SpanHandle,
    ) -> Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    fn as_any_mut(&mut self) -> &mut (dyn Any + Send + Sync) {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use rimward_filters::{BodyRewriter, FilterError};

    use super::*;

    struct Pieces(VecDeque<&'static str>);

    #[async_trait]
    impl HandleHit for Pieces {
        async fn read_body(&mut self) -> Result<Option<Bytes>> {
            Ok(self.0.pop_front().map(Bytes::from))
        }

        async fn finish(
            self: Box<Self>,
            _: &'static (dyn Storage + Sync),
            _: &CacheKey,
            _: &SpanHandle,
        ) -> Result<()> {
            Ok(())
        }

        fn as_any(&self) -> &(dyn Any + Send + Sync) {
            self
        }

        fn as_any_mut(&mut self) -> &mut (dyn Any + Send + Sync) {
            self
        }
    }

    /// Holds everything back but for what is in capitals.
    #[derive(Default)]
    struct Capitals(Vec<u8>);

    impl BodyRewriter for Capitals {
        fn chunk(&mut self, bytes: Bytes) -> std::result::Result<Bytes, FilterError> {
            if bytes[0].is_ascii_uppercase() {
                return Ok(bytes);
            }
            self.0.extend_from_slice(&bytes);
            Ok(Bytes::new())
        }

        fn end(&mut self) -> std::result::Result<Bytes, FilterError> {
            Ok(std::mem::take(&mut self.0).into())
        }
    }

    #[tokio::test]
    async fn rewriters_see_every_piece_and_the_end() {
        let pieces = Pieces(["a", "B", "c"].into());
        let mut body: HitHandler = Box::new(pieces);
        let mut rewriters = Rewriters::default();
        rewriters.push(Box::<Capitals>::default());
        rewrite(&mut body, rewriters);
        let mut read = Vec::new();
        while let Some(piece) = body.read_body().await.unwrap() {
            read.push(piece);
        }
        assert_eq!(read, ["B", "ac"]);
        assert!(body.read_body().await.unwrap().is_none());
    }
}
