//! A host that a filter chose in place of any origin: it is asked when the origin would be, and what it says is an origin's
//! response to all behind.

use bytes::Bytes;
use pingora::{Error, Result};
use pingora_http::RequestHeader;
use rimward_filters::{Elsewhere, Exchange, Source, Unfinished, Verdict};

use super::body::{Upload, rewrite};
use super::context::Context;
use super::errors::{blame, refuse};
use crate::outside::Beyond;

/// How the origin request phase ended, and how many filters are to see the response if there is one.
type Ended = Result<(Verdict, usize), Unfinished<Box<Error>>>;

/// Whether a filter chose such a host.
pub(super) fn is_chosen(ctx: &Context) -> bool {
    let exchange = ctx.exchange.as_ref();
    exchange.is_some_and(|exchange| exchange.chosen.elsewhere.is_some())
}

/// Asks the host that was chosen, if one was and no filter has answered.
pub(super) async fn instead(
    ended: Ended,
    exchange: &mut Exchange,
    head: &RequestHeader,
    upload: &mut Upload<'_>,
) -> Ended {
    let Some(elsewhere) = exchange.chosen.elsewhere.clone() else {
        return ended;
    };
    let Ok((Verdict::Pass, depth)) = ended else {
        return ended;
    };
    let body = body(&elsewhere, exchange, upload)
        .await
        .map_err(Unfinished::Lost)?;
    let beyond = Beyond::default();
    match elsewhere.ask(&beyond, head, body).await {
        Ok(answer) => Ok((Verdict::Answered(Box::new(answer)), depth)),
        Err(error) => Err(Unfinished::Lost(blame(error.status(), error.to_string()))),
    }
}

/// All of the request's body, as filters made it.
async fn body(
    elsewhere: &Elsewhere,
    exchange: &mut Exchange,
    upload: &mut Upload<'_>,
) -> Result<Bytes> {
    let seen = exchange.request_body.clone();
    let body = match seen.filter(|body| body.is_whole) {
        Some(body) => body,
        None => upload.read(exchange, elsewhere.most).await?,
    };
    if !body.is_whole {
        let why = "the body is longer than what can be sent to a host that is no origin";
        return Err(refuse(413, why));
    }
    rewrite(&mut exchange.request_rewriters, body.bytes, true)
}
