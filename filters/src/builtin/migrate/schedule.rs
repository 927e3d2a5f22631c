//! What share of the traffic moves, and when.

use std::time::UNIX_EPOCH;

use rimward_config::Percent;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::moment::Moment;

/// A point of a ramp.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    /// From when on: a date and a time with its offset, such as `2026-12-01T08:00:00Z`.
    pub(super) at: Moment,
    /// The share from then on.
    pub(super) percent: Percent,
}

/// The share over time, in buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Schedule {
    /// Always the same.
    Fixed(u32),
    /// Points in time, in seconds since 1970, and the shares from then on; nothing before the first.
    Ramp {
        points: Vec<(i64, u32)>,
        /// Whether the share grows evenly between two points.
        smooth: bool,
    },
}

/// A share in buckets.
pub(super) fn share(percent: Percent) -> u32 {
    percent.milli() / 10
}

impl Schedule {
    /// A ramp by its points.
    ///
    /// # Errors
    /// With the key of the point that is wrong and what would have been right.
    pub(super) fn ramp(points: &[Point], smooth: bool) -> Result<Self, (String, String)> {
        if points.is_empty() {
            let message =
                "a ramp needs points, such as `{ at = 2026-12-01T08:00:00Z, percent = 5 }`";
            return Err(("ramp".to_owned(), message.to_owned()));
        }
        let mut read: Vec<(i64, u32)> = Vec::with_capacity(points.len());
        for (index, point) in points.iter().enumerate() {
            let at = seconds(point.at);
            if read.last().is_some_and(|(before, _)| *before >= at) {
                let message = "it is not later than the point before it";
                return Err((format!("ramp[{index}].at"), message.to_owned()));
            }
            read.push((at, share(point.percent)));
        }
        Ok(Self::Ramp {
            points: read,
            smooth,
        })
    }

    /// The share at a time, in seconds since 1970.
    pub(super) fn at(&self, now: i64) -> u32 {
        let (points, smooth) = match self {
            Self::Fixed(share) => return *share,
            Self::Ramp { points, smooth } => (points, *smooth),
        };
        let passed = points.partition_point(|(at, _)| *at <= now);
        let Some((begin, low)) = passed.checked_sub(1).and_then(|last| points.get(last)) else {
            return 0;
        };
        match points.get(passed) {
            Some((end, high)) if smooth => between((*begin, *low), (*end, *high), now),
            _ => *low,
        }
    }
}

/// Since 1970.
fn seconds(Moment(time): Moment) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn between((begin, low): (i64, u32), (end, high): (i64, u32), now: i64) -> u32 {
    let part = (now - begin) as f64 / (end - begin) as f64;
    let share = f64::from(low) + (f64::from(high) - f64::from(low)) * part;
    // Between two shares, so it is one.
    share.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(points: &[(&str, u8)], smooth: bool) -> Result<Schedule, (String, String)> {
        let points: Vec<Point> = points
            .iter()
            .map(|(at, percent)| Point {
                at: Moment::try_from(at.parse::<toml::value::Datetime>().unwrap()).unwrap(),
                percent: Percent::whole(*percent).unwrap(),
            })
            .collect();
        Schedule::ramp(&points, smooth)
    }

    const TWO: [(&str, u8); 2] = [
        ("1970-01-01T00:01:40Z", 10),
        ("1970-01-01T01:03:20+01:00", 50),
    ];

    #[test]
    fn a_ramp_climbs_in_steps_or_evenly() {
        let (steps, smooth) = (ramp(&TWO, false).unwrap(), ramp(&TWO, true).unwrap());
        for (now, stepped, even) in [
            (0, 0, 0),
            (99, 0, 0),
            (100, 1_000, 1_000),
            (150, 1_000, 3_000),
            (199, 1_000, 4_960),
            (200, 5_000, 5_000),
            (i64::MAX, 5_000, 5_000),
        ] {
            assert_eq!((steps.at(now), smooth.at(now)), (stepped, even), "{now}");
        }
        assert_eq!(Schedule::Fixed(25).at(0), 25);
    }

    #[test]
    fn points_have_an_order() {
        for (points, key, expected) in [
            (&[][..], "ramp", "needs points"),
            (&[TWO[1], TWO[0]], "ramp[1].at", "not later"),
        ] {
            let (at, message) = ramp(points, false).unwrap_err();
            assert!(at == key && message.contains(expected), "{at}: {message}");
        }
    }
}
