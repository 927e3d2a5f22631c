//! Who is asked next: an edge of the route's shield, or a server of its origin.
//!
//! A request that has been at this edge before goes straight to the origin, so that edges which shield each other end
//! with an answer; one that keeps coming back is refused (RFC 8586).

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, Result};
use rimward_config::Fallback;

use super::caching;
use super::context::Context;
use super::errors::fail;
use super::fallback;
use super::outgoing;
use crate::origin::{Failure, NoServer, Origin, Pick, Picked};
use crate::runtime::{Route, Shield};

/// How often a request may pass through one edge before it is held for a loop.
const MAX_HOPS: usize = 8;

/// Who is asked next.
pub(super) enum Next {
    /// A server of this origin, or an edge of a shield.
    Server(Arc<Origin>, Picked),
    /// Nobody: a filter gave the response.
    Given(Box<HttpPeer>),
}

/// Picks who is asked next. Before that is an origin, filters see the request that goes there.
///
/// # Errors
/// 502 when the route has no origin, 503 when none of the servers can take the request, 508 for a loop, and when a filter
/// fails and may not be skipped.
pub(super) async fn pick(session: &mut Session, ctx: &mut Context, route: &Route) -> Result<Next> {
    let hops = hops(&session.req_header().headers, &ctx.runtime.config.pop.name);
    if hops >= MAX_HOPS {
        return Err(fail(508, "the request came through this edge too often"));
    }
    if let Some(shield) = route
        .shield
        .as_ref()
        .filter(|_| hops == 0 && !ctx.past_shield)
    {
        match pick_edge(session, ctx, shield) {
            Ok(picked) => return Ok(Next::Server(shield.edges.clone(), picked)),
            Err(_) if shield.fallback == Fallback::Origin => leave(shield, ctx),
            Err(none) => return Err(unavailable(&shield.edges, none)),
        }
    }
    outgoing::filter(session, ctx, route).await?;
    if let Some(given) = &ctx.given {
        return Ok(Next::Given(given.peer()));
    }
    let (origin, picked) = pick_server(session, ctx, route, hops)?;
    Ok(Next::Server(origin, picked))
}

fn pick_server(
    session: &mut Session,
    ctx: &mut Context,
    route: &Route,
    hops: usize,
) -> Result<(Arc<Origin>, Picked)> {
    let Some(origin) = fallback::origin(ctx, route) else {
        return Err(match hops {
            0 => fail(502, "the route has no origin and no filter answered"),
            _ => fail(
                508,
                "the request came back to this edge, which has no origin",
            ),
        });
    };
    let hash = ctx
        .with_exchange(session, |_, exchange, _| origin.hash_key(exchange))
        .flatten();
    let pick = Pick {
        hash,
        tried: &ctx.tried,
    };
    match origin.pick(&pick) {
        Ok(picked) => Ok((origin, picked)),
        Err(_)
            if !fallback::fell_back(ctx)
                && fallback::fallback_on(ctx, Failure::Connect).is_some() =>
        {
            fallback::leave(ctx);
            pick_server(session, ctx, route, hops)
        }
        Err(none) => Err(unavailable(&origin, none)),
    }
}

fn pick_edge(
    session: &Session,
    ctx: &mut Context,
    shield: &Shield,
) -> std::result::Result<Picked, NoServer> {
    let key = caching::key_of(session, ctx, None);
    let request = session.req_header();
    let picked = shield.edges.pick(&Pick {
        hash: Some(match &key {
            Some(key) => Origin::hash_of(key),
            None => Origin::hash_of_target(ctx.host.as_ref(), &request.uri),
        }),
        tried: &ctx.tried,
    })?;
    ctx.asks_shield = true;
    shield.requests.inc();
    Ok(picked)
}

/// Has the origin asked in place of a shield from here on.
pub(super) fn leave(shield: &Shield, ctx: &mut Context) {
    ctx.asks_shield = false;
    ctx.past_shield = true;
    // The origin's servers are others, and so is its count of tries.
    ctx.tried.clear();
    shield.fallbacks.inc();
}

/// An origin's failure, so that a stale object may be served instead.
fn unavailable(origin: &Origin, none: NoServer) -> Box<Error> {
    fail(503, format!("origin `{}`: {none}", origin.name())).into_up()
}

/// How often this edge's name stands in `CDN-Loop`.
pub(crate) fn hops(headers: &HeaderMap, pop: &str) -> usize {
    headers
        .get_all("cdn-loop")
        .iter()
        .map(|value| count(value, pop))
        .sum()
}

fn count(cdn_loop: &HeaderValue, pop: &str) -> usize {
    let members = cdn_loop.to_str().unwrap_or("").split(',');
    members
        .filter(|member| member.split(';').next().is_some_and(|id| id.trim() == pop))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_finds_itself_among_all_members_of_cdn_loop() {
        let mut request = HeaderMap::new();
        assert_eq!(hops(&request, "fra1"), 0);
        for value in ["fra1", "muc1, fra1; v=1 ,fra10", "x; fra1", "\"fra1\""] {
            request.append("cdn-loop", HeaderValue::from_static(value));
        }
        assert_eq!(hops(&request, "fra1"), 2);
        assert_eq!(hops(&request, "fra10"), 1);
    }
}
