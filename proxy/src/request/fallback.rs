//! The origin that a filter chose: who is told how it does, and who is asked when it fails.

use std::sync::Arc;

use pingora::proxy::Session;
use rimward_filters::{Failures, Fallback, OriginChoice, Tried};

use super::body;
use super::context::Context;
use crate::origin::{Failure, Origin};
use crate::runtime::Route;

/// The origin of a request: the one that a filter chose, what that falls back on, or else the route's own.
pub(super) fn origin(ctx: &Context, route: &Route) -> Option<Arc<Origin>> {
    let Some(choice) = choice(ctx) else {
        return route.origin.clone();
    };
    let id = match &choice.fallback {
        Some(fallback) if fell_back(ctx) => fallback.origin,
        _ => choice.origin,
    };
    Some(ctx.runtime.origins.get(id).clone())
}

/// Whether the origin that a filter chose was asked in vain, so that its fallback is.
pub(super) fn fell_back(ctx: &Context) -> bool {
    let exchange = ctx.exchange.as_ref();
    exchange.is_some_and(|exchange| exchange.chosen.fell_back)
}

fn choice(ctx: &Context) -> Option<&Arc<OriginChoice>> {
    ctx.exchange.as_ref()?.chosen.origin.as_ref()
}

/// Tells whoever wants to know how a try at the chosen origin went.
pub(super) fn tell(ctx: &Context, status: Option<u16>) {
    if ctx.asks_shield || fell_back(ctx) {
        return;
    }
    if let Some(choice) = choice(ctx)
        && let (Some(observer), Some(asked)) = (&choice.observer, ctx.asked)
    {
        let time = asked.elapsed();
        observer.tried(choice.origin, Tried { status, time });
    }
}

/// Whether a failed request goes to the fallback, which is asked from here on then. A request with a body can as long as
/// all of it is at hand.
pub(super) fn falls_back(session: &Session, ctx: &mut Context, failure: Failure) -> bool {
    let is_first = !fell_back(ctx) && !ctx.asks_shield;
    let can_repeat = body::can_repeat(session, ctx) && session.response_written().is_none();
    if !is_first || !can_repeat || fallback_on(ctx, failure).is_none() {
        return false;
    }
    leave(ctx);
    true
}

/// Whether there is a fallback for this failure.
pub(super) fn fallback_on(ctx: &Context, failure: Failure) -> Option<&Fallback> {
    let fallback = choice(ctx)?.fallback.as_ref()?;
    counts(&fallback.on, failure).then_some(fallback)
}

/// Has the fallback asked from here on. What it answers is not the chosen origin's, and is stored for as long as the filter
/// says.
pub(super) fn leave(ctx: &mut Context) {
    let Some(choice) = choice(ctx).cloned() else {
        return;
    };
    // Its servers are others, and so is its count of tries.
    ctx.tried.clear();
    if let Some(fallback) = &choice.fallback {
        ctx.caching.store_no_longer_than(fallback.stored_for);
        if let Some(exchange) = &mut ctx.exchange {
            exchange.chosen.fell_back = true;
            exchange.outcomes.extend(fallback.tally.clone());
        }
    }
}

fn counts(on: &Failures, failure: Failure) -> bool {
    match failure {
        Failure::Connect => on.connect,
        Failure::Reset => on.reset,
        Failure::Timeout => on.timeout,
        Failure::Status(status) => on.statuses.contains(&status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_counts_if_the_filter_says_so() {
        let on = Failures {
            statuses: vec![404, 503],
            connect: true,
            ..Failures::default()
        };
        for (failure, expected) in [
            (Failure::Connect, true),
            (Failure::Reset, false),
            (Failure::Timeout, false),
            (Failure::Status(404), true),
            (Failure::Status(500), false),
        ] {
            assert_eq!(counts(&on, failure), expected, "{failure:?}");
        }
    }
}
