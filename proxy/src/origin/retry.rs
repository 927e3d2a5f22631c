//! What is tried again: which failures of which requests, and how many at most.

use std::sync::Mutex;
use std::time::Duration;

use http::Method;
use pingora::ErrorType;
use rimward_config::{Retries, RetryOn};
use tokio::time::Instant;

/// How a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection could be made, so nothing was sent.
    Connect,
    /// The connection ended, or what came over it was not HTTP, before the response was whole.
    Reset,
    /// A wait was too long.
    Timeout,
    /// The server answered with this status: of 500–599, or one that a filter does not want.
    Status(u16),
}

impl Failure {
    /// What a failed try is called in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
        }
    }

    /// What the engine's error about a server means.
    pub(super) fn of(error: &ErrorType) -> Self {
        match error {
            ErrorType::ConnectTimedout
            | ErrorType::ConnectRefused
            | ErrorType::ConnectNoRoute
            | ErrorType::ConnectError
            | ErrorType::TLSHandshakeFailure
            | ErrorType::TLSHandshakeTimedout
            | ErrorType::InvalidCert
            | ErrorType::SocketError
            | ErrorType::BindError
            | ErrorType::ConnectProxyFailure => Self::Connect,
            ErrorType::ReadTimedout | ErrorType::WriteTimedout => Self::Timeout,
            ErrorType::HTTPStatus(status) if (500..=599).contains(status) => Self::Status(*status),
            _ => Self::Reset,
        }
    }
}

/// A request that failed, as far as it matters for trying it again.
#[derive(Debug, Clone, Copy)]
pub struct FailedTry<'a> {
    /// How it failed.
    pub failure: Failure,
    /// Its method.
    pub method: &'a Method,
    /// How many tries there were, this one included.
    pub tries: u32,
    /// Whether its connection had served a request before ([`super::Picked::reused`]).
    pub reused: bool,
    /// Whether its body, if any, can be sent again from the beginning.
    pub body_replayable: bool,
    /// Whether anything of a response has been passed on to the client.
    pub response_begun: bool,
}

/// Whether the rule of the file wants this request tried again; the budget is asked separately.
pub(super) fn wanted(rule: &Retries, request: &FailedTry<'_>) -> bool {
    // A server may close an idle connection at the moment it is used again; RFC 9110, section 9.2.2 has clients repeat
    // what is idempotent then. It needs no word in the file, and can't repeat, since the next connection is new.
    if request.reused
        && request.failure == Failure::Reset
        && request.method.is_idempotent()
        && request.tries == 1
    {
        return is_repeatable(request);
    }
    request.tries <= rule.max && may_repeat(rule, request)
}

fn is_repeatable(request: &FailedTry<'_>) -> bool {
    !request.response_begun && request.body_replayable
}

/// Whether the failure is one of those that the file wants tried again, and can be.
pub(super) fn may_repeat(rule: &Retries, request: &FailedTry<'_>) -> bool {
    if !is_repeatable(request) {
        return false;
    }
    rule.on.iter().any(|on| match (on, request.failure) {
        (RetryOn::Connect, Failure::Connect) => true,
        (RetryOn::Reset, Failure::Reset) | (RetryOn::Timeout, Failure::Timeout) => {
            request.method.is_safe()
        }
        (RetryOn::Status(on), Failure::Status(status)) => *on == status && request.method.is_safe(),
        _ => false,
    })
}

/// Seconds that the budget looks back.
const WINDOW: u64 = 10;
/// Retries that are always allowed in a window: ten a second.
const FLOOR: u64 = 10 * WINDOW;

/// Keeps retries from multiplying the load on an origin that is failing.
#[derive(Debug)]
pub struct RetryBudget {
    percent: u64,
    start: Instant,
    window: Mutex<[Second; WINDOW as usize]>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Second {
    number: u64,
    requests: u64,
    retries: u64,
}

impl RetryBudget {
    /// A budget of `percent` of the requests of the last ten seconds, or ten a second if that is more.
    pub fn new(percent: u8) -> Self {
        Self {
            percent: percent.into(),
            start: Instant::now(),
            window: Mutex::default(),
        }
    }

    /// Counts a first try.
    pub fn request(&self) {
        self.with(|second, _| second.requests += 1);
    }

    /// Whether one more retry is allowed; counts it if so.
    pub fn allow(&self) -> bool {
        self.with(|second, (requests, retries)| {
            let allowed = (requests * self.percent / 100).max(FLOOR);
            let ok = retries < allowed;
            second.retries += u64::from(ok);
            ok
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Second, (u64, u64)) -> T) -> T {
        let number = self.start.elapsed().as_secs();
        let mut window = self
            .window
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let sums = window
            .iter()
            .filter(|second| second.number + WINDOW > number)
            .fold((0, 0), |(requests, retries), second| {
                (requests + second.requests, retries + second.retries)
            });
        let second = &mut window[(number % WINDOW) as usize];
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        act(second, sums)
    }
}

/// How long to wait before the same server is asked again by the same request for the `again`th time.
///
/// A server that restarts is back within a second or so; asking it again at once would only use up the tries.
pub(super) fn pause(again: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(1);
    match again {
        0 => Duration::ZERO,
        _ => FIRST
            .saturating_mul(4_u32.saturating_pow(again - 1))
            .min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Retries {
        Retries {
            max: 2,
            on: vec![RetryOn::Connect, RetryOn::Reset, RetryOn::Status(503)],
            budget_percent: 20,
        }
    }

    fn check(
        failure: Failure,
        method: &Method,
        expected: bool,
        change: impl FnOnce(&mut FailedTry<'_>),
    ) {
        let mut request = FailedTry {
            failure,
            method,
            tries: 1,
            reused: false,
            body_replayable: true,
            response_begun: false,
        };
        change(&mut request);
        assert_eq!(wanted(&rule(), &request), expected, "{request:?}");
    }

    #[test]
    fn only_what_cannot_do_harm_is_tried_again() {
        use Failure::*;
        check(Connect, &Method::POST, true, |_| ());
        check(Connect, &Method::POST, false, |request| {
            request.body_replayable = false
        });
        check(Reset, &Method::GET, true, |_| ());
        check(Reset, &Method::GET, true, |request| request.tries = 2);
        check(Reset, &Method::GET, false, |request| request.tries = 3);
        check(Reset, &Method::GET, false, |request| {
            request.response_begun = true
        });
        check(Reset, &Method::POST, false, |_| ());
        check(Reset, &Method::PUT, false, |_| ());
        check(Reset, &Method::PUT, true, |request| request.reused = true);
        check(Reset, &Method::POST, false, |request| request.reused = true);
        check(Timeout, &Method::GET, false, |_| ());
        check(Status(503), &Method::GET, true, |_| ());
        check(Status(502), &Method::GET, false, |_| ());
        check(Status(503), &Method::POST, false, |_| ());
    }

    #[tokio::test(start_paused = true)]
    async fn ten_retries_a_second_are_always_allowed() {
        let budget = RetryBudget::new(20);
        assert_eq!((0..1000).filter(|_| budget.allow()).count(), 100);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!budget.allow());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((0..1000).filter(|_| budget.allow()).count(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn busy_origins_have_a_share_of_their_requests() {
        let budget = RetryBudget::new(20);
        (0..10_000).for_each(|_| budget.request());
        assert_eq!((0..10_000).filter(|_| budget.allow()).count(), 2000);
    }

    #[test]
    fn pauses_cover_a_restart_of_a_second() {
        assert_eq!(pause(0), Duration::ZERO);
        assert!((1..=2).map(pause).sum::<Duration>() > Duration::from_secs(1));
        assert_eq!(pause(u32::MAX), Duration::from_secs(1));
    }
}
