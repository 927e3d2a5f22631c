//! A version that runs, and where its instances come from.

use std::sync::{Arc, PoisonError};

use crate::wasm::abi::Hook;
use crate::wasm::instance::{Fault, Idle, Instance};
use crate::wasm::version::{Ending, Version};

/// A version that runs, with its instances that wait for work.
pub(in crate::wasm) struct Loaded {
    pub(super) version: Arc<Version>,
    pub(super) idle: Arc<Idle>,
    /// How many exchanges one instance serves.
    exchanges: u32,
}

impl Loaded {
    pub(in crate::wasm) fn new(version: Arc<Version>, exchanges: u32) -> Self {
        Self {
            version,
            idle: Arc::default(),
            exchanges,
        }
    }

    pub(in crate::wasm) fn version(&self) -> &Arc<Version> {
        &self.version
    }

    pub(in crate::wasm) fn take_idle(&self) -> Option<Instance> {
        if self.exchanges <= 1 {
            return None;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    pub(super) fn instance(&self) -> Result<Instance, Fault> {
        if let Some(instance) = self.take_idle() {
            return Ok(instance);
        }
        let mut instance = Instance::new(&self.version)?;
        self.settle(&mut instance)?;
        Ok(instance)
    }

    pub(super) async fn instance_waiting(&self) -> Result<Instance, Fault> {
        if let Some(instance) = self.take_idle() {
            return Ok(instance);
        }
        let mut instance = Instance::new_waiting(&self.version).await?;
        self.settle(&mut instance)?;
        Ok(instance)
    }

    /// One that lives on is given its settings once.
    pub(in crate::wasm) fn settle(&self, instance: &mut Instance) -> Result<(), Fault> {
        if self.exchanges <= 1 {
            return Ok(());
        }
        instance.lives_at(&self.idle, self.exchanges - 1);
        if !self.version.hooks.has(Hook::Configure) {
            return Ok(());
        }
        instance.configure()?.map_err(|reason| Fault {
            ending: Ending::Error,
            reason,
        })
    }
}
