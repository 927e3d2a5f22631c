//! What a server's processes used, as the kernel counted it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;

/// Processor time of a process, all its threads and all its descendants, up to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Nanoseconds by thread: exact, but what an ended thread used is gone.
    threads: BTreeMap<u32, u64>,
    /// Ticks of the processes and of the children that they waited for: coarse, but nothing is lost.
    ticks: u64,
}

impl Usage {
    /// What was used until now.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let mut usage = Self {
            threads: BTreeMap::new(),
            ticks: 0,
        };
        for process in tree(process)? {
            // One that ended meanwhile is in the ticks of its parent.
            let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else {
                continue;
            };
            usage.ticks += ticks(&stat).with_context(|| format!("process {process}"))?;
            usage.threads.extend(threads(process));
        }
        Ok(usage)
    }

    /// What was used from an earlier moment to this one: by threads, or by ticks when threads came or went.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        if self.threads.keys().eq(earlier.threads.keys()) {
            let sum = |usage: &Self| usage.threads.values().sum::<u64>();
            return Duration::from_nanos(sum(self).saturating_sub(sum(earlier)));
        }
        let ticks = self.ticks.saturating_sub(earlier.ticks);
        Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
    }
}

/// Memory of a process and its descendants; pages that they share count once.
pub(crate) fn memory(process: u32) -> Result<u64> {
    let mut sum = 0;
    for process in tree(process)? {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
        let kilobytes = match rollup {
            Ok(rollup) => field(&rollup, "Pss:"),
            Err(_) => fs::read_to_string(format!("/proc/{process}/status"))
                .ok()
                .and_then(|status| field(&status, "VmRSS:")),
        };
        sum += kilobytes.unwrap_or(0) * 1024;
    }
    Ok(sum)
}

/// A process and its descendants.
pub(crate) fn tree(process: u32) -> Result<Vec<u32>> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("cannot read `/proc`")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut tree = vec![process];
    let mut next = 0;
    while let Some(id) = tree.get(next) {
        tree.extend(children.remove(id).unwrap_or_default());
        next += 1;
    }
    Ok(tree)
}

/// When a process began, which with its id tells it from any other.
pub(crate) fn birth(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    fields(&stat).nth(19)?.parse().ok()
}

fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    fields(&stat).nth(1)?.parse().ok()
}

/// The fields behind the name, which may hold spaces and brackets: state, parent, …
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')')
        .map_or("", |(_, fields)| fields)
        .split_ascii_whitespace()
}

/// `utime`, `stime`, `cutime` and `cstime`: the fields 14 to 17 of the whole line, of which two are before ours.
fn ticks(stat: &str) -> Result<u64> {
    let times: Vec<u64> = fields(stat)
        .skip(11)
        .take(4)
        .map_while(|time| time.parse().ok())
        .collect();
    anyhow::ensure!(times.len() == 4, "`stat` has no times");
    Ok(times.iter().sum())
}

fn threads(process: u32) -> BTreeMap<u32, u64> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return BTreeMap::new();
    };
    tasks
        .flatten()
        .filter_map(|task| {
            let schedstat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            Some((
                task.file_name().to_str()?.parse().ok()?,
                on_processor(&schedstat)?,
            ))
        })
        .collect()
}

/// The first of `schedstat`'s three figures: nanoseconds on a processor.
fn on_processor(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(name)?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_begins_with_time_on_the_processor() {
        assert_eq!(on_processor("642629 44136 2\n"), Some(642_629));
        assert_eq!(on_processor(""), None);
    }

    #[test]
    fn ticks_are_read_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 12 34 5 6 20 0 1 0 100 1000";
        assert_eq!(ticks(stat).unwrap(), 57);
        assert_eq!(fields(stat).nth(1), Some("1"));
        assert!(ticks("7 (a) S 1").is_err());
    }

    #[test]
    fn ticks_count_when_threads_came_or_went() {
        let usage = |threads: &[(u32, u64)], ticks| Usage {
            threads: threads.iter().copied().collect(),
            ticks,
        };
        let before = usage(&[(1, 1000), (2, 500)], 10);
        assert_eq!(
            usage(&[(1, 1700), (2, 900)], 10).since(&before),
            Duration::from_nanos(1100)
        );
        let tick = Duration::from_secs(1) / u32::try_from(clock_ticks_per_second()).unwrap();
        assert_eq!(usage(&[(1, 1700), (3, 900)], 12).since(&before), 2 * tick);
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.threads.values().sum::<u64>() > 0);
        assert!(memory(std::process::id()).unwrap() > 100_000);
        assert!(birth(std::process::id()).unwrap() > 0);
    }

    #[test]
    fn memory_fields_are_in_kilobytes() {
        assert_eq!(
            field("Rss:  9 kB\nPss:               1234 kB\n", "Pss:"),
            Some(1234)
        );
    }
}
