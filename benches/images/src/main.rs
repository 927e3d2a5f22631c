//! `bench-images SOURCE RESULT TIMES OPTIONS`: makes an image so many times, as one thread does, and tells what each time
//! cost. `benches/images/compare.py` calls it in turn with its peers.

use std::fs;
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use rimward_images::syntax::cloudflare;
use rimward_images::transform::Bounds;
use rimward_images::{Limits, render};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    // As the edge has it: else each buffer begins with two megabytes.
    rustix::thread::disable_transparent_huge_pages(true)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, result, times, options] = &arguments[..] else {
        return Err(anyhow!("usage: bench-images SOURCE RESULT TIMES OPTIONS"));
    };
    let times: u32 = times.parse().context("TIMES is no number")?;
    let bytes = fs::read(source).with_context(|| source.clone())?;
    let limits = Limits::default();
    let options = cloudflare::parse(options).map_err(|wrong| anyhow!("{wrong}"))?;
    let transform = options
        .resolve(&Bounds::default())
        .map_err(|wrong| anyhow!("{wrong}"))?;
    let make = || render(&bytes, &transform, &limits, &[]);
    fs::write(result, make()?.bytes)?;
    let once = peak()?;
    let (start, used) = (Instant::now(), processor_time()?);
    for _ in 0..times {
        make()?;
    }
    let (wall, used) = (start.elapsed(), processor_time()? - used);
    let each = |nanoseconds: u128| nanoseconds as f64 / f64::from(times) / 1e6;
    writeln!(
        std::io::stdout(),
        r#"{{"cpu":{},"wall":{},"peak_kib":{once}}}"#,
        each(used),
        each(wall.as_nanos()),
    )?;
    Ok(())
}

/// Nanoseconds on a processor, of all threads.
fn processor_time() -> Result<u128> {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let told = fs::read_to_string(task?.path().join("schedstat"))?;
        let first = told
            .split_whitespace()
            .next()
            .context("schedstat is empty")?;
        sum += first.parse::<u128>()?;
    }
    Ok(sum)
}

/// The most memory that the process has had, in KiB.
fn peak() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmHWM")?.parse()?)
}
