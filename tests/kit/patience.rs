//! The bound of every wait.

use std::future::Future;
use std::time::Duration;

/// How long a test waits for something that must happen. It passes only when a test is about to fail.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `future`, and fails the test with what it was waiting for when that doesn't come.
#[track_caller]
pub fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(value) => value,
            Err(_) => panic!("{place}: waited {PATIENCE:?} in vain for {what}"),
        }
    }
}
