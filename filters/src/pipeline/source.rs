//! Where filters that want to have a request's body get it from.

use std::convert::Infallible;

use bytes::Bytes;

use super::Failure;
use crate::exchange::{Exchange, RequestBody};
use crate::filter::{FilterError, Flow};

/// The most of a body that a filter may have, in bytes.
const MOST: usize = 16 << 20;

/// Where the body of a request comes from.
pub trait Source: Send {
    /// Why it does not come.
    type Lost: Send;

    /// The body, once it is whole, or once there is more of it than `most`: then its first `most` bytes. What filters changed in
    /// the head of the exchange stays.
    fn read(
        &mut self,
        exchange: &mut Exchange,
        most: usize,
    ) -> impl Future<Output = Result<RequestBody, Self::Lost>> + Send;
}

/// There is none.
pub struct NoBody;

impl Source for NoBody {
    type Lost = Infallible;

    async fn read(&mut self, _: &mut Exchange, _: usize) -> Result<RequestBody, Infallible> {
        Ok(RequestBody {
            bytes: Bytes::new(),
            is_whole: true,
        })
    }
}

/// Why a phase of a request can't end as filters want.
#[derive(Debug)]
pub enum Unfinished<L> {
    /// A filter failed, and may not be skipped.
    Failed(Failure),
    /// The body was lost that a filter waited for.
    Lost(L),
}

impl<L> From<Failure> for Unfinished<L> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Unfinished<Infallible> {
    /// The failure, where nothing else can be.
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Lost(never) => match never {},
        }
    }
}

/// Has so much of the body in the exchange as a filter wants to have.
pub(super) async fn fetch<S: Source>(
    source: &mut S,
    exchange: &mut Exchange,
    most: usize,
) -> Result<(), S::Lost> {
    let most = most.min(MOST);
    let is_enough = |body: &RequestBody| body.is_whole || body.bytes.len() >= most;
    if !exchange.request_body.as_ref().is_some_and(is_enough) {
        let body = source.read(exchange, most).await?;
        exchange.request_body = Some(body);
    }
    Ok(())
}

/// What a filter said in the end: one that wants the body still has failed.
pub(super) fn last_word(flow: Result<Flow, FilterError>) -> Result<Flow, FilterError> {
    match flow {
        Ok(Flow::WantsBody(_)) => Err(FilterError::new("it wants the body again and again")),
        flow => flow,
    }
}
