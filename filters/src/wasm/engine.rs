//! The engine that all guests of the process share, and the clock by which they are interrupted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often a guest that runs is looked at.
const TICK: Duration = Duration::from_millis(1);

/// Elements of one table: QuickJS and CPython stay far below.
pub(super) const TABLE_ELEMENTS: usize = 40_000;
/// Ticks without a guest after which the clock rests.
const IDLE_TICKS: u32 = 64;

/// What all guests of the process may take together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pool {
    /// Guests alive at once.
    pub(super) instances: u32,
    /// Bytes of the largest memory that one of them may have.
    pub(super) memory: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            instances: 1000,
            memory: 128 << 20,
        }
    }
}

/// The engine; made when the first guest is loaded, with the pool that is wanted then.
///
/// # Errors
/// When this machine can't run one.
pub(super) fn engine(pool: Pool) -> Result<&'static Engine, String> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    let made = ENGINE.get_or_init(|| {
        let engine = pooled(pool)
            .or_else(|error| {
                tracing::warn!(%error, "guests are given memory one by one: no pool could be reserved");
                Engine::new(&common())
            })
            .map_err(|error| format!("{error:#}"))?;
        CLOCK.start(engine.clone());
        Ok(engine)
    });
    made.as_ref().map_err(Clone::clone)
}

fn common() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true);
    config
}

fn pooled(pool: Pool) -> wasmtime::Result<Engine> {
    let mut config = common();
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_component_instances(pool.instances)
        .total_core_instances(pool.instances.saturating_mul(40))
        .total_memories(pool.instances.saturating_mul(3))
        .total_tables(pool.instances.saturating_mul(8))
        .total_stacks(pool.instances)
        .max_memory_size(pool.memory)
        .table_elements(TABLE_ELEMENTS)
        .max_component_instance_size(4 << 20);
    // Without the kernel's help, finding out what a guest wrote costs more than giving its pages back.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pooling
            .pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(4 << 20)
            .table_keep_resident(1 << 20)
            .async_stack_keep_resident(64 << 10);
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
    Engine::new(&config)
}

/// Moves the engine's epoch on while guests run, and rests while none does.
struct Clock {
    ticker: OnceLock<Thread>,
    /// Whether a guest ran since it was last looked.
    is_used: AtomicBool,
    rests: AtomicBool,
}

static CLOCK: Clock = Clock {
    ticker: OnceLock::new(),
    is_used: AtomicBool::new(false),
    rests: AtomicBool::new(false),
};

/// Says that a guest runs. Called at the beginning of each call and at each tick within one.
pub(super) fn runs() {
    if !CLOCK.is_used.load(Ordering::Relaxed) {
        CLOCK.is_used.store(true, Ordering::SeqCst);
    }
    if CLOCK.rests.load(Ordering::SeqCst)
        && let Some(ticker) = CLOCK.ticker.get()
    {
        ticker.unpark();
    }
}

impl Clock {
    fn start(&'static self, engine: Engine) {
        let ticking = std::thread::Builder::new().name("guests".to_owned());
        let ticker = ticking.spawn(move || self.tick(&engine));
        match ticker {
            Ok(ticker) => {
                self.ticker.get_or_init(|| ticker.thread().clone());
            }
            Err(error) => tracing::error!(%error, "guests can't be interrupted"),
        }
    }

    fn tick(&self, engine: &Engine) {
        loop {
            for _ in 0..IDLE_TICKS {
                std::thread::park_timeout(TICK);
                engine.increment_epoch();
            }
            if !self.is_used.swap(false, Ordering::SeqCst) {
                self.rest();
            }
        }
    }

    /// Until a guest runs. Who says so after it was looked for the last time unparks, which is not lost.
    fn rest(&self) {
        self.rests.store(true, Ordering::SeqCst);
        while !self.is_used.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.rests.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_on_after_a_rest() {
        let engine = engine(Pool::default()).unwrap();
        let mut store = wasmtime::Store::new(engine, ());
        let code = "(module (func (export \"spin\") (loop (br 0))))";
        let module = wasmtime::Module::new(engine, wat::parse_str(code).unwrap()).unwrap();
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let spin = instance
            .get_typed_func::<(), ()>(&mut store, "spin")
            .unwrap();
        for _ in 0..2 {
            store.set_epoch_deadline(2);
            runs();
            let error = spin.call(&mut store, ()).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&wasmtime::Trap::Interrupt));
            let waited = std::time::Instant::now();
            while !CLOCK.rests.load(Ordering::SeqCst) && waited.elapsed() < Duration::from_secs(5) {
                std::thread::park_timeout(TICK);
            }
        }
    }
}
