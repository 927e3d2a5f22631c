//! Where decoders run: in the edge, or in processes that can open nothing.

use std::sync::{Arc, OnceLock};

use rimward_images::worker::{Launch, Workers};
use rimward_images::{ImageError, Limits, Rendered, Transform, render};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::filter::BuildError;
use crate::lasting::Lasting;

static LAUNCH: OnceLock<Launch> = OnceLock::new();
static WORKERS: Lasting<Launch, Workers> = Lasting::new();

/// Where decoders run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// In a process of their own.
    Process,
    /// In the edge.
    Thread,
}

/// Says how this program starts processes in which pictures are made. Until then they are made in the edge.
pub fn make_images_in(launch: Launch) {
    LAUNCH.get_or_init(|| launch);
}

/// Makes pictures, somewhere.
#[derive(Clone)]
pub(super) enum Renderer {
    Processes(Arc<Workers>),
    Threads,
}

impl Renderer {
    /// Where `mode` says; in processes if it says nothing and the program can start them.
    pub(super) fn of(mode: Option<Mode>) -> Result<Self, BuildError> {
        match (mode, LAUNCH.get()) {
            (Some(Mode::Process), None) => {
                let message = "this program has no processes for pictures: use `thread`";
                Err(BuildError::at("mode", message))
            }
            (Some(Mode::Thread), _) | (None, None) => Ok(Self::Threads),
            (Some(Mode::Process) | None, Some(launch)) => {
                let workers = WORKERS.of(launch.clone(), || Workers::new(launch.clone()));
                Ok(Self::Processes(workers))
            }
        }
    }

    /// Makes a picture, which takes as long as it takes.
    pub(super) fn render(
        &self,
        source: &[u8],
        transform: &Transform,
        limits: &Limits,
        overlays: &[&[u8]],
    ) -> Result<Rendered, ImageError> {
        match self {
            Self::Processes(workers) => workers.render(source, transform, limits, overlays),
            Self::Threads => render(source, transform, limits, overlays),
        }
    }
}
