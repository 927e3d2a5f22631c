//! Fetches the fragments of a page, several at a time, and puts them into it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, FutureExt, try_join_all};
use pingora::proxy::Session;
use pingora::{Error, ErrorType, Result};
use rimward_filters::esi::{Include, Node, Rules};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::context::Context;
use super::super::errors::fail;
use super::fragment::{Failed, Job};

/// A piece of a page whose requests are made.
enum Piece {
    Text(Bytes),
    /// What is put in: the first of these that can be had.
    Include {
        jobs: Vec<Result<Job, Failed>>,
        may_fail: bool,
    },
    Try {
        attempt: Vec<Self>,
        except: Vec<Self>,
    },
}

/// How fragments are fetched.
struct Fetching {
    places: Semaphore,
    most: usize,
    patience: Duration,
}

/// The page with all that it includes.
///
/// # Errors
/// When a fragment can't be had that the page does not go without, or the client leaves.
pub(super) async fn gather(
    session: &mut Session,
    ctx: &Context,
    rules: &Rules,
    nodes: Vec<Node>,
) -> Result<Bytes> {
    let pieces = prepare(session, ctx, nodes);
    let fetching = Fetching {
        places: Semaphore::new(rules.at_once),
        most: rules.max_size,
        patience: rules.timeout,
    };
    let page = fetching.page(pieces);
    let page = if ctx.is_fragment {
        page.await
    } else {
        tokio::select! {
            biased;
            page = page => page,
            // A client that has sent its request says nothing more but that it leaves.
            left = session.as_downstream_mut().read_body_or_idle(true) => return Err(match left {
                Ok(_) => Error::explain(ErrorType::ConnectionClosed, "client sent more than its request"),
                Err(error) => error,
            }
            .into_down()),
        }
    };
    page.map_err(|failed| fail(502, failed.to_string()))
}

fn prepare(session: &Session, ctx: &Context, nodes: Vec<Node>) -> Vec<Piece> {
    let piece = |node| match node {
        Node::Text(text) => Piece::Text(text),
        Node::Include(Include { src, alt, may_fail }) => {
            let references = [Some(src), alt].into_iter().flatten();
            let jobs = references.map(|reference| Job::new(session, ctx, &reference));
            Piece::Include {
                jobs: jobs.collect(),
                may_fail,
            }
        }
        Node::Try { attempt, except } => Piece::Try {
            attempt: prepare(session, ctx, attempt),
            except: prepare(session, ctx, except),
        },
    };
    nodes.into_iter().map(piece).collect()
}

impl Fetching {
    fn page(&self, pieces: Vec<Piece>) -> BoxFuture<'_, Result<Bytes, Failed>> {
        async move {
            let parts = try_join_all(pieces.into_iter().map(|piece| self.piece(piece))).await?;
            let mut page = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
            parts.iter().for_each(|part| page.extend_from_slice(part));
            Ok(page.freeze())
        }
        .boxed()
    }

    async fn piece(&self, piece: Piece) -> Result<Bytes, Failed> {
        match piece {
            Piece::Text(text) => Ok(text),
            Piece::Include { jobs, may_fail } => match self.include(jobs).await {
                Err(failed) if may_fail => {
                    tracing::debug!(%failed, "a page goes without a fragment");
                    Ok(Bytes::new())
                }
                included => included,
            },
            Piece::Try { attempt, except } => match self.page(attempt).await {
                Err(_) => self.page(except).await,
                included => included,
            },
        }
    }

    /// The first of these that can be had.
    async fn include(&self, jobs: Vec<Result<Job, Failed>>) -> Result<Bytes, Failed> {
        let mut last = None;
        for job in jobs {
            let fetched = match job {
                Ok(job) => self.fetch(job).await,
                Err(failed) => Err(failed),
            };
            match fetched {
                Ok(fragment) => return Ok(fragment),
                Err(failed) => last = Some(failed),
            }
        }
        last.map_or_else(|| Ok(Bytes::new()), Err)
    }

    async fn fetch(&self, job: Job) -> Result<Bytes, Failed> {
        let target = job.target();
        let fetched = async {
            // Closed never.
            let _place = self.places.acquire().await.ok();
            job.run(self.most).await
        };
        let fetched = timeout(self.patience, fetched).await;
        fetched.unwrap_or_else(|_| Err(Job::late(target)))
    }
}
