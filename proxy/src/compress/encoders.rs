//! Where stored objects are encoded: beside the workers, each object once, and no more of them than there is room for.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rimward_cache::object::{Body, Object};
use rimward_cache::{Encoding, Store};
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use super::Encoder;
use crate::metrics::Metrics;

/// Encodings that are being made or wait for their turn; who would need another one gets the body as it is.
const MOST: usize = 256;
/// Bytes of the bodies that they are made of.
const MOST_BYTES: u64 = 128 << 20;
/// Longest wait of a client for an encoding.
const PATIENCE: Duration = Duration::from_millis(40);

/// Where stored objects are encoded.
pub(crate) struct Encoders {
    places: Arc<Semaphore>,
    orders: Arc<Orders>,
    metrics: Arc<Metrics>,
}

/// What was ordered and is not made yet.
#[derive(Default)]
struct Orders {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    made: HashMap<u128, watch::Receiver<()>, ahash::RandomState>,
    bytes: u64,
}

/// An encoding that is on its way.
pub(crate) struct Ordered(watch::Receiver<()>);

/// A place among the orders, held until the encoding is made; those who wait see it end.
struct Order {
    orders: Arc<Orders>,
    id: u128,
    bytes: u64,
    _made: watch::Sender<()>,
}

impl Encoders {
    /// As many at a time as there are cores.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            places: Arc::new(Semaphore::new(cores)),
            orders: Arc::default(),
            metrics,
        }
    }

    /// Orders an encoding of a stored object, unless somebody did already; `None` when too many are on their way.
    pub(crate) fn order(
        &self,
        store: &Store,
        object: &Arc<Object>,
        encoding: Encoding,
    ) -> Option<Ordered> {
        let key = object.key().encoded(encoding);
        let id = key.hash() ^ object.variance().unwrap_or_default();
        let (ordered, order) = self.orders.enter(id, object.body.len()).or_else(|| {
            self.metrics.encodings_refused.inc();
            None
        })?;
        if let Some(order) = order {
            let work = Work {
                order,
                store: store.clone(),
                object: object.clone(),
                encoding,
                metrics: self.metrics.clone(),
            };
            let places = self.places.clone();
            tokio::spawn(async move {
                // Neither can fail but when the edge ends, and then nobody waits any more.
                let Ok(place) = places.acquire_owned().await else {
                    return;
                };
                drop(spawn_blocking(move || work.run()).await);
                drop(place);
            });
        }
        Some(ordered)
    }
}

impl Ordered {
    /// Waits until it is made, but not for long.
    pub(crate) async fn wait(mut self) {
        // Nothing is ever sent: the end of the order ends the wait.
        drop(tokio::time::timeout(PATIENCE, self.0.changed()).await);
    }
}

/// One encoding to be made.
struct Work {
    order: Order,
    store: Store,
    object: Arc<Object>,
    encoding: Encoding,
    metrics: Arc<Metrics>,
}

impl Work {
    fn run(self) {
        let (object, encoding) = (&self.object, self.encoding);
        // Another order may have ended between the look into the store and this order.
        if self.store.encoded(object, encoding).is_some() {
            return;
        }
        match encode(&object.body, encoding) {
            Ok(encoded) => {
                let length = encoded.len() as u64;
                self.store
                    .store_encoded(object, encoding, Body::new(vec![encoded]));
                self.metrics
                    .encoded(encoding.as_str(), object.body.len(), length);
            }
            Err(error) => {
                let key = object.key().to_string();
                tracing::error!(%error, key, encoding = encoding.as_str(), "a body was not encoded");
            }
        }
        drop(self.order);
    }
}

fn encode(body: &Body, encoding: Encoding) -> io::Result<Bytes> {
    let mut encoder = Encoder::whole(encoding, body.len())?;
    for piece in body.read().map_err(io::Error::other)? {
        encoder.write(&piece)?;
    }
    encoder.finish()
}

impl Orders {
    /// A place for an order, and nothing but a way to wait where there is that order already.
    fn enter(self: &Arc<Self>, id: u128, bytes: u64) -> Option<(Ordered, Option<Order>)> {
        let mut table = self.table();
        if let Some(made) = table.made.get(&id) {
            return Some((Ordered(made.clone()), None));
        }
        if table.made.len() >= MOST || table.bytes.saturating_add(bytes) > MOST_BYTES {
            return None;
        }
        let (sender, receiver) = watch::channel(());
        table.made.insert(id, receiver.clone());
        table.bytes += bytes;
        let order = Order {
            orders: self.clone(),
            id,
            bytes,
            _made: sender,
        };
        Some((Ordered(receiver), Some(order)))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        let mut table = self.orders.table();
        table.made.remove(&self.id);
        table.bytes = table.bytes.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_taken_once_and_all_wait_for_it() {
        let orders = Arc::new(Orders::default());
        let (first, order) = orders.enter(1, 10).unwrap();
        let (second, none) = orders.enter(1, 10).unwrap();
        assert!(none.is_none() && first.0.has_changed().is_ok());
        drop(order);
        assert!(first.0.has_changed().is_err() && second.0.has_changed().is_err());
        assert!(orders.enter(1, 10).unwrap().1.is_some());
        let table = orders.table();
        assert_eq!((table.made.len(), table.bytes), (0, 0));
    }

    #[test]
    fn orders_are_bounded_by_number_and_by_bytes() {
        let orders = Arc::new(Orders::default());
        let held: Vec<_> = (0..).map_while(|id| orders.enter(id, 1)).collect();
        assert_eq!(held.len(), MOST);
        drop(held);
        let _large = orders.enter(0, MOST_BYTES - 1).unwrap();
        assert!(orders.enter(1, 2).is_none());
        assert!(orders.enter(1, 1).is_some());
    }
}
