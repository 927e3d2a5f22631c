//! Where pictures are made: on threads of their own, so that no worker waits for one.
//!
//! How many wait is bounded, and so is the memory of those that are being made together: one goes ahead when there is room for
//! it. Those that a client waits for go first. One that is asked for several times is made once.

use std::collections::VecDeque;
use std::fs;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ahash::AHashMap;
use rimward_images::ImageError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::deadline::Deadline;
use crate::lasting::Lasting;

/// What a pool may take. Filters of equal bounds share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Bounds {
    /// How many pictures are made at a time.
    pub(super) threads: usize,
    /// How much memory they may take together, in bytes.
    pub(super) memory: u64,
    /// How many may wait.
    pub(super) queue: usize,
}

impl Bounds {
    /// As many threads as there are processors, and a quarter of the memory.
    pub(super) fn usual(queue: usize) -> Self {
        Self {
            threads: thread::available_parallelism().map_or(1, NonZero::get),
            memory: memory_of_the_machine() / 4,
            queue,
        }
    }
}

/// Bytes of memory that this machine has, or the container that the edge runs in; 1 GiB where nobody tells.
fn memory_of_the_machine() -> u64 {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|told| {
        let line = told
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        number(line.trim().strip_suffix("kB")?)?.checked_mul(1024)
    });
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let container = container.and_then(|told| number(&told));
    machine
        .into_iter()
        .chain(container)
        .min()
        .unwrap_or(1 << 30)
}

/// Makes something, on a thread of the pool, in the time that is left for it.
pub(super) type Work<T> = Box<dyn FnOnce(Duration) -> Result<T, ImageError> + Send>;
type Outcome<T> = Option<Result<Arc<T>, ImageError>>;

/// Who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// A client.
    Client,
    /// Nobody yet.
    Background,
}

/// The threads, and what waits for them. They end with it.
pub(super) struct Pool<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    /// Room for originals, in KiB: as much as for the making.
    room: Arc<Semaphore>,
    kibibytes: u32,
}

/// Room for an original, for as long as it is held.
pub(super) struct Room(OwnedSemaphorePermit);

impl Room {
    /// Gives back what `bytes` leave of it.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let unused = self
            .0
            .num_permits()
            .saturating_sub(kibibytes(bytes) as usize);
        drop(self.0.split(unused));
    }
}

fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

struct Shared<T> {
    bounds: Bounds,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<Task<T>>,
    in_background: VecDeque<Task<T>>,
    /// What is waited for or being made, by key.
    flights: AHashMap<u128, watch::Receiver<Outcome<T>>>,
    memory: u64,
    threads: usize,
    idle: usize,
    is_over: bool,
}

struct Task<T> {
    key: u128,
    cost: u64,
    /// Until when somebody waits for it.
    deadline: Deadline,
    work: Work<T>,
    told: watch::Sender<Outcome<T>>,
}

/// The pool with these bounds, which outlives reloads.
pub(super) fn of<T: Send + Sync + 'static>(
    pools: &'static Lasting<Bounds, Pool<T>>,
    bounds: Bounds,
) -> Arc<Pool<T>> {
    pools.of(bounds, || Pool::new(bounds))
}

impl<T: Send + Sync + 'static> Pool<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            in_background: VecDeque::new(),
            flights: AHashMap::new(),
            memory: bounds.memory,
            threads: 0,
            idle: 0,
            is_over: false,
        };
        let kibibytes = usize::try_from(bounds.memory).map_or(u32::MAX, kibibytes);
        let kibibytes = kibibytes.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        Self {
            shared: Arc::new(Shared {
                bounds,
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
            room: Arc::new(Semaphore::new(kibibytes as usize)),
            kibibytes,
        }
    }

    /// Room for an original of so many bytes, before anybody knows how many it has.
    ///
    /// # Errors
    /// When there is none by then.
    pub(super) async fn room(&self, bytes: usize, deadline: Deadline) -> Result<Room, ImageError> {
        let wanted = kibibytes(bytes).min(self.kibibytes);
        let room = timeout(
            deadline.left(),
            self.room.clone().acquire_many_owned(wanted),
        )
        .await;
        match room {
            Ok(Ok(permit)) => Ok(Room(permit)),
            Ok(Err(_)) | Err(_) => Err(ImageError::Busy),
        }
    }

    /// Has `work` done, which takes `cost` bytes, and tells how it went. Whoever asks for the same `key` meanwhile gets the same.
    /// When nobody waits any more before its turn has come, it is not done.
    ///
    /// # Errors
    /// When it fails, is not done by the deadline, or too many wait.
    pub(super) async fn run(
        &self,
        key: u128,
        cost: u64,
        priority: Priority,
        deadline: Deadline,
        work: Work<T>,
    ) -> Result<Arc<T>, ImageError> {
        let mut flight = self.join(key, cost, priority, deadline, work)?;
        let told = timeout(deadline.left(), flight.wait_for(Option::is_some)).await;
        match told {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(ImageError::Busy)),
            Ok(Err(_)) => Err(ImageError::Failed("nobody makes it any more".to_owned())),
            Err(_) => Err(deadline.over()),
        }
    }

    /// How many wait and how many are being made.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = self.shared.lock();
        (
            state.waiting.len() + state.in_background.len(),
            state.threads - state.idle,
        )
    }

    fn join(
        &self,
        key: u128,
        cost: u64,
        priority: Priority,
        deadline: Deadline,
        work: Work<T>,
    ) -> Result<watch::Receiver<Outcome<T>>, ImageError> {
        let shared = &self.shared;
        let mut state = shared.lock();
        if let Some(flight) = state
            .flights
            .get(&key)
            .filter(|flight| flight.has_changed().is_ok())
        {
            let flight = flight.clone();
            if priority == Priority::Client {
                state.hurry(key);
            }
            state.extend(key, deadline);
            return Ok(flight);
        }
        state.forget_the_abandoned();
        if state.waiting.len() + state.in_background.len() >= shared.bounds.queue {
            return Err(ImageError::Busy);
        }
        let (told, flight) = watch::channel(None);
        // What takes more than there is goes alone.
        let cost = cost.min(shared.bounds.memory);
        state.queue(priority).push_back(Task {
            key,
            cost,
            deadline,
            work,
            told,
        });
        state.flights.insert(key, flight.clone());
        if state.idle == 0 && state.threads < shared.bounds.threads {
            let shared = self.shared.clone();
            let started = thread::Builder::new()
                .name("images".to_owned())
                .spawn(move || shared.serve());
            match started {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    state.queue(priority).pop_back();
                    state.flights.remove(&key);
                    return Err(ImageError::Failed(format!(
                        "no thread can be started: {error}"
                    )));
                }
            }
        }
        shared.changed.notify_one();
        Ok(flight)
    }
}

impl<T: Send + Sync + 'static> Drop for Pool<T> {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
    }
}

impl<T> State<T> {
    fn queue(&mut self, priority: Priority) -> &mut VecDeque<Task<T>> {
        match priority {
            Priority::Client => &mut self.waiting,
            Priority::Background => &mut self.in_background,
        }
    }

    /// A client waits now for what was for nobody.
    fn hurry(&mut self, key: u128) {
        let place = self.in_background.iter().position(|task| task.key == key);
        if let Some(task) = place.and_then(|place| self.in_background.remove(place)) {
            self.waiting.push_back(task);
        }
    }

    /// Somebody else waits for it, perhaps longer.
    fn extend(&mut self, key: u128, deadline: Deadline) {
        let mut tasks = self.waiting.iter_mut().chain(&mut self.in_background);
        if let Some(task) = tasks.find(|task| task.key == key) {
            task.deadline = task.deadline.or_later(deadline);
        }
    }

    /// Takes out what nobody but the list of flights waits for.
    fn forget_the_abandoned(&mut self) {
        let Self {
            waiting,
            in_background,
            flights,
            ..
        } = self;
        for queue in [waiting, in_background] {
            queue.retain(|task| {
                let is_wanted = task.told.receiver_count() > 1;
                if !is_wanted {
                    flights.remove(&task.key);
                }
                is_wanted
            });
        }
    }

    /// The next one that there is room for. Those behind it wait, too: otherwise a large one would wait for ever.
    fn next(&mut self) -> Option<Task<T>> {
        self.forget_the_abandoned();
        let memory = self.memory;
        let queue = if self.waiting.is_empty() {
            &mut self.in_background
        } else {
            &mut self.waiting
        };
        let task = queue.pop_front_if(|task| task.cost <= memory)?;
        self.memory -= task.cost;
        Some(task)
    }
}

impl<T: Send + Sync> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // What is kept under it is whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does until the pool is gone.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if let Some(Task {
                key,
                cost,
                deadline,
                work,
                told,
            }) = state.next()
            {
                drop(state);
                let done = catch_unwind(AssertUnwindSafe(|| match deadline.left() {
                    Duration::ZERO => Err(deadline.over()),
                    left => work(left),
                }));
                let panicked = |_| {
                    Err(ImageError::Failed(
                        "the work on the picture broke down".to_owned(),
                    ))
                };
                let outcome = done.unwrap_or_else(panicked);
                state = self.lock();
                state.memory += cost;
                state.flights.remove(&key);
                told.send_replace(Some(outcome.map(Arc::new)));
                // There may be room for more than one now.
                self.changed.notify_all();
                continue;
            }
            if state.is_over {
                return;
            }
            state.idle += 1;
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn long() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    fn short() -> Deadline {
        Deadline::after(Duration::from_millis(5))
    }

    fn pool(threads: usize, memory: u64, queue: usize) -> Arc<Pool<usize>> {
        Arc::new(Pool::new(Bounds {
            threads,
            memory,
            queue,
        }))
    }

    /// Work that waits until it is let go, and tells that it began.
    fn gate() -> (Work<usize>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (began, begins) = mpsc::channel();
        let (go, goes) = mpsc::channel::<()>();
        let work: Work<usize> = Box::new(move |_| {
            began.send(()).unwrap();
            goes.recv().ok();
            Ok(0)
        });
        (work, begins, go)
    }

    fn spawn(
        pool: &Arc<Pool<usize>>,
        key: u128,
        cost: u64,
        priority: Priority,
        work: Work<usize>,
    ) -> tokio::task::JoinHandle<Result<Arc<usize>, ImageError>> {
        let pool = pool.clone();
        tokio::spawn(async move { pool.run(key, cost, priority, long(), work).await })
    }

    async fn loaded(pool: &Pool<usize>, load: (usize, usize)) {
        while pool.load() != load {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn what_is_asked_for_twice_is_made_once() {
        let pool = pool(2, 100, 10);
        let (work, begins, go) = gate();
        let first = spawn(&pool, 1, 1, Priority::Client, work);
        tokio::task::spawn_blocking(move || begins.recv().unwrap())
            .await
            .unwrap();
        let again = spawn(
            &pool,
            1,
            1,
            Priority::Client,
            Box::new(|_| panic!("made again")),
        );
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        assert!(Arc::ptr_eq(
            &first.await.unwrap().unwrap(),
            &again.await.unwrap().unwrap()
        ));
        // Afterwards it is made anew, and a panic is an error.
        let failed = pool
            .run(
                1,
                1,
                Priority::Client,
                long(),
                Box::new(|_| panic!("broken")),
            )
            .await;
        assert!(matches!(failed, Err(ImageError::Failed(_))), "{failed:?}");
        assert_eq!(
            pool.run(1, 1, Priority::Client, long(), Box::new(|_| Ok(7)))
                .await,
            Ok(Arc::new(7))
        );
    }

    #[tokio::test]
    async fn originals_have_so_much_room_and_no_more() {
        let pool = pool(1, 100 << 10, 10);
        let mut first = pool.room(80 << 10, long()).await.unwrap();
        let none = pool.room(30 << 10, short()).await;
        assert_eq!(none.err(), Some(ImageError::Busy));
        first.shrink(10);
        drop(pool.room(99 << 10, long()).await.unwrap());
        drop(first);
        // One that may be larger than all of it has it alone.
        drop(pool.room(1 << 30, long()).await.unwrap());
    }

    #[tokio::test]
    async fn clients_come_first_and_the_queue_is_bounded() {
        let pool = pool(1, 100, 2);
        let (work, begins, go) = gate();
        let first = spawn(&pool, 1, 1, Priority::Client, work);
        tokio::task::spawn_blocking(move || begins.recv().unwrap())
            .await
            .unwrap();
        let order = Arc::new(AtomicUsize::new(0));
        let count = |order: &Arc<AtomicUsize>| -> Work<usize> {
            let order = order.clone();
            Box::new(move |_| Ok(order.fetch_add(1, Ordering::SeqCst)))
        };
        let background = spawn(&pool, 2, 1, Priority::Background, count(&order));
        loaded(&pool, (1, 1)).await;
        let client = spawn(&pool, 3, 1, Priority::Client, count(&order));
        loaded(&pool, (2, 1)).await;
        let full = pool
            .run(4, 1, Priority::Client, long(), count(&order))
            .await;
        assert_eq!(full, Err(ImageError::Busy));
        go.send(()).unwrap();
        assert_eq!(
            (
                *client.await.unwrap().unwrap(),
                *background.await.unwrap().unwrap()
            ),
            (0, 1)
        );
        drop(first);
    }

    #[tokio::test]
    async fn work_has_the_time_that_is_left_to_whoever_waits_longest() {
        let pool = pool(1, 100, 10);
        let (work, begins, go) = gate();
        let _first = spawn(&pool, 1, 1, Priority::Client, work);
        tokio::task::spawn_blocking(move || begins.recv().unwrap())
            .await
            .unwrap();
        let left = |left: Duration| Ok(usize::try_from(left.as_millis()).unwrap());
        let impatient = {
            let pool = pool.clone();
            let work = Box::new(left);
            tokio::spawn(async move { pool.run(2, 1, Priority::Client, short(), work).await })
        };
        loaded(&pool, (1, 1)).await;
        let patient = spawn(&pool, 2, 1, Priority::Client, Box::new(|_| panic!("twice")));
        assert_eq!(impatient.await.unwrap(), Err(ImageError::Deadline(5)));
        go.send(()).unwrap();
        let left = *patient.await.unwrap().unwrap();
        assert!((1..20_000).contains(&left), "{left}");
    }

    #[tokio::test]
    async fn memory_is_shared_and_nobody_makes_what_nobody_wants() {
        let pool = pool(2, 100, 10);
        let (work, begins, go) = gate();
        let _first = spawn(&pool, 1, 70, Priority::Client, work);
        tokio::task::spawn_blocking(move || begins.recv().unwrap())
            .await
            .unwrap();
        let large = spawn(&pool, 2, 40, Priority::Client, Box::new(|_| Ok(2)));
        loaded(&pool, (1, 1)).await;
        let late = pool
            .run(
                3,
                1,
                Priority::Client,
                short(),
                Box::new(|_| panic!("wanted by nobody")),
            )
            .await;
        assert_eq!(late, Err(ImageError::Deadline(5)));
        go.send(()).unwrap();
        assert_eq!(large.await.unwrap(), Ok(Arc::new(2)));
        loaded(&pool, (0, 0)).await;
        // What takes more than there is, is made alone.
        assert_eq!(
            pool.run(4, 1000, Priority::Client, long(), Box::new(|_| Ok(4)))
                .await,
            Ok(Arc::new(4))
        );
    }
}
