//! What the making of pictures may take.

use std::time::Duration;

use rimward_images::Limits;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::filter::BuildError;

const MOST_REDIRECTS: u8 = 20;

/// What the making of pictures may take, and where it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    /// An origin that originals are asked of in place of this edge.
    pub(crate) origin: Option<String>,
    /// How many redirects lead to an original.
    pub(crate) redirects: u8,
    /// Whether other sites may be at addresses of private networks.
    pub(crate) private_sources: bool,
    /// Bytes of an original.
    pub(crate) max_source: u64,
    /// Pixels of an original, those of all frames together.
    pub(crate) max_pixels: u64,
    /// Frames of an animation.
    pub(crate) max_frames: u32,
    /// Pixels of a result.
    pub(crate) max_output_pixels: u64,
    /// Pixels of a result that is written as AVIF.
    pub(crate) max_avif_pixels: u64,
    /// From the request on.
    pub(crate) timeout: Duration,
    /// What the program can do, if it is not said.
    pub(crate) mode: Option<Mode>,
    /// How many pictures are made at a time.
    pub(crate) threads: Option<usize>,
    /// Bytes that those may take together.
    pub(crate) memory: Option<u64>,
    /// How many may wait.
    pub(crate) queue: usize,
}

/// Where pictures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    Process,
    Thread,
}

/// What clients get when no picture can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Failing {
    Original,
    Error,
}

impl Default for Work {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            origin: None,
            redirects: 3,
            private_sources: false,
            max_source: limits.bytes as u64,
            max_pixels: limits.pixels,
            max_frames: limits.frames,
            max_output_pixels: limits.output_pixels,
            max_avif_pixels: limits.avif_pixels,
            timeout: limits.time,
            mode: None,
            threads: None,
            memory: None,
            queue: 256,
        }
    }
}

impl Work {
    /// Whether anything can be made so.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        if self.timeout.is_zero() {
            let wrong = "nothing is made in no time: give a second or more";
            return Err(BuildError::at("timeout", wrong));
        }
        let positive = [
            ("threads", self.threads.map_or(1, |threads| threads as u64)),
            ("queue", self.queue as u64),
            ("memory", self.memory.unwrap_or(1)),
            ("max_source", self.max_source),
            ("max_pixels", self.max_pixels),
            ("max_frames", self.max_frames.into()),
            ("max_output_pixels", self.max_output_pixels),
        ];
        if self.redirects > MOST_REDIRECTS {
            let wrong = format!("{} is more than {MOST_REDIRECTS}", self.redirects);
            return Err(BuildError::at("redirects", wrong));
        }
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(BuildError::at(*key, "it has to be more than 0")),
            None => Ok(()),
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            bytes: usize::try_from(self.max_source).unwrap_or(usize::MAX),
            pixels: self.max_pixels,
            frames: self.max_frames,
            output_pixels: self.max_output_pixels,
            avif_pixels: self.max_avif_pixels,
            time: self.timeout,
            ..Limits::default()
        }
    }
}
