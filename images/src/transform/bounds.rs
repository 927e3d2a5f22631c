//! What may be asked for.

use std::sync::Arc;

use super::number::Wrong;
use super::{Dpr, Pixels, Quality};

/// What may be asked for. Without bounds, everybody could mint as many variants of a picture as there are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The widest that may be asked for, `dpr` included.
    pub max_width: Pixels,
    /// The highest that may be asked for, `dpr` included.
    pub max_height: Pixels,
    /// The largest `dpr`; what is above counts as this.
    pub max_dpr: Dpr,
    /// The widths that there are. Others become the next larger one.
    pub widths: Ladder,
    /// The qualities that may be asked for; all when there are none.
    pub qualities: Arc<[Quality]>,
}

impl Default for Bounds {
    fn default() -> Self {
        const MOST: Pixels = Pixels::new(12_000).expect("a size");
        Self {
            max_width: MOST,
            max_height: MOST,
            max_dpr: Dpr::LARGE,
            widths: Ladder::default(),
            qualities: Arc::default(),
        }
    }
}

impl Bounds {
    /// The size within the bounds, on the ladder.
    pub(super) fn size(
        &self,
        width: Option<Pixels>,
        height: Option<Pixels>,
        dpr: Dpr,
    ) -> Result<(Option<Pixels>, Option<Pixels>), Wrong> {
        let factor = dpr.min(self.max_dpr).get();
        let width = within("width", width, factor, self.max_width)?;
        let height = within("height", height, factor, self.max_height)?;
        let Some(asked) = width else {
            return Ok((None, height));
        };
        let snapped = self.widths.snap(asked).min(self.max_width);
        // The shape of the box is kept.
        let ratio = f64::from(snapped.get()) / f64::from(asked.get());
        let height = height.map(|height| {
            height
                .times(ratio)
                .unwrap_or(self.max_height)
                .min(self.max_height)
        });
        Ok((Some(snapped), height))
    }

    pub(super) fn quality(&self, quality: Quality) -> Result<Quality, Wrong> {
        if self.qualities.is_empty() || self.qualities.contains(&quality) {
            return Ok(quality);
        }
        let allowed: Vec<String> = self.qualities.iter().map(Quality::to_string).collect();
        Err(Wrong(format!(
            "quality {quality} is not one that may be asked for: {}",
            allowed.join(", ")
        )))
    }
}

fn within(
    name: &str,
    side: Option<Pixels>,
    factor: f64,
    most: Pixels,
) -> Result<Option<Pixels>, Wrong> {
    let Some(side) = side else { return Ok(None) };
    match side.times(factor).filter(|pixels| *pixels <= most) {
        Some(pixels) => Ok(Some(pixels)),
        None => Err(Wrong(format!(
            "{name} {side} times {factor} is more than {most}, the most that may be asked for"
        ))),
    }
}

/// Widths that there are, from small to large; without any, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder(Arc<[Pixels]>);

impl Ladder {
    /// The rungs, in any order.
    pub fn new(rungs: impl IntoIterator<Item = Pixels>) -> Self {
        let mut rungs: Vec<Pixels> = rungs.into_iter().collect();
        rungs.sort_unstable();
        rungs.dedup();
        Self(rungs.into())
    }

    /// What widths that clients' devices tell become: 15 rungs, of which each is about a quarter more than the one before.
    pub fn of_devices() -> Self {
        const RUNGS: [u32; 15] = [
            160, 240, 320, 400, 480, 640, 768, 960, 1200, 1440, 1680, 1920, 2400, 3000, 3840,
        ];
        Self(RUNGS.into_iter().filter_map(Pixels::new).collect())
    }

    /// The next rung that is at least so wide, else the highest.
    pub fn snap(&self, width: Pixels) -> Pixels {
        let above = self.0.iter().find(|rung| **rung >= width);
        match above {
            Some(rung) => *rung,
            None => self.0.last().copied().unwrap_or(width),
        }
    }
}
