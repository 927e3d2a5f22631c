//! The signal by which a listener lets go of its connections.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use pingora::server::ShutdownWatch;
use tokio::sync::{Notify, watch};

/// How far a listener is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Requests are welcome.
    Open,
    /// Requests in flight are finished, then the connection ends.
    Draining,
    /// The connection ends now.
    Cut,
}

/// One for all connections of a listener.
#[derive(Debug)]
pub(super) struct Gate {
    phase: watch::Sender<Phase>,
    /// The same signal in the engine's form.
    engine: watch::Sender<bool>,
    /// Read by connections on every wake-up, where the lock of a watch would be a waste.
    draining: AtomicBool,
    open: AtomicUsize,
    all_gone: Notify,
}

impl Gate {
    /// A gate that is open.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            phase: watch::Sender::new(Phase::Open),
            engine: watch::Sender::new(false),
            draining: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            all_gone: Notify::new(),
        })
    }

    /// Tells idle connections to go and busy ones to finish.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.engine.send_replace(true);
        self.phase
            .send_if_modified(|phase| raise(phase, Phase::Draining));
    }

    /// Ends all connections now.
    pub(super) fn cut(&self) {
        self.phase
            .send_if_modified(|phase| raise(phase, Phase::Cut));
    }

    /// Whether connections are to end after the request they have.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The signal as the engine wants it.
    pub(super) fn watch(&self) -> ShutdownWatch {
        self.engine.subscribe()
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Resolves when no connection is open.
    pub(super) async fn empty(&self) {
        loop {
            let mut gone = pin!(self.all_gone.notified());
            gone.as_mut().enable();
            if self.open() == 0 {
                return;
            }
            gone.await;
        }
    }

    /// Resolves when connections are to end now.
    pub(super) async fn until_cut(&self) {
        // The sender lives in `self`, so this can't fail.
        let mut phase = self.phase.subscribe();
        drop(phase.wait_for(|phase| *phase == Phase::Cut).await);
    }

    /// A connection that is counted, woken up when the listener drains and dropped when it is cut. The signal is listened
    /// to once for the connection's whole life, so requests pay nothing for it.
    pub(super) fn run<C: Future<Output = ()>>(
        self: &Arc<Self>,
        connection: C,
    ) -> impl Future<Output = ()> + use<C> {
        // Counted before the task first runs, so that no shutdown overlooks it.
        let counted = Counted::new(self.clone());
        async move {
            let mut signal = counted.0.phase.subscribe();
            let mut connection = pin!(connection);
            while *signal.borrow_and_update() != Phase::Cut {
                let mut changed = pin!(signal.changed());
                let either = Either {
                    signal: changed.as_mut(),
                    connection: connection.as_mut(),
                };
                if either.await == Ended::Connection {
                    return;
                }
            }
        }
    }
}

/// Raises the phase, never lowers it.
fn raise(phase: &mut Phase, to: Phase) -> bool {
    let raised = *phase < to;
    *phase = (*phase).max(to);
    raised
}

/// A connection among those that a shutdown waits for.
struct Counted(Arc<Gate>);

impl Counted {
    fn new(gate: Arc<Gate>) -> Self {
        gate.open.fetch_add(1, Ordering::AcqRel);
        Self(gate)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.all_gone.notify_waiters();
        }
    }
}

/// A connection and the signal it listens to, in one task.
struct Either<'a, S, C> {
    signal: Pin<&'a mut S>,
    connection: Pin<&'a mut C>,
}

/// Which of the two has ended.
#[derive(PartialEq)]
enum Ended {
    Signal,
    Connection,
}

impl<S: Future, C: Future> Future for Either<'_, S, C> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        if self.signal.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ended::Signal);
        }
        self.connection.as_mut().poll(cx).map(|_| Ended::Connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn cut_ends_connections_and_drain_does_not() {
        let gate = Gate::new();
        let task = tokio::spawn(gate.run(std::future::pending()));
        tokio::task::yield_now().await;
        assert_eq!(gate.open(), 1);
        gate.drain();
        tokio::task::yield_now().await;
        assert!(gate.is_draining());
        assert_eq!(gate.open(), 1);
        gate.cut();
        gate.empty().await;
        task.await.unwrap();
        assert_eq!(gate.open(), 0);
    }

    #[tokio::test]
    async fn cut_is_never_taken_back() {
        let gate = Gate::new();
        gate.cut();
        gate.drain();
        assert_eq!(*gate.phase.borrow(), Phase::Cut);
    }
}
