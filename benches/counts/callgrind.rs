//! Runs this program under callgrind.

use std::error::Error;
use std::process::Command;

use rimward_benches::hot::HotPath;

/// The function by which callgrind knows what to count. There may be a hash behind its name.
const COUNTED: &str = "--toggle-collect=counts::counted*";

/// Keeps glibc from choosing how to copy by what the processor has: counts would differ between machines, and `rep movsb`
/// counts as one for each byte.
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-ERMS,-FSRM");

/// Instructions of one run of a path.
pub(crate) fn count(path: &HotPath) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            COUNTED,
        ])
        .env(TUNABLES.0, TUNABLES.1)
        .arg(std::env::current_exe()?)
        .args(["run", path.name])
        .output()
        .map_err(|error| format!("valgrind does not run: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    match collected(&told) {
        Some(total) if output.status.success() && total > 0 => Ok(total / u64::from(path.times)),
        _ => Err(format!("`{}` can't be counted:\n{told}", path.name).into()),
    }
}

/// The total that callgrind tells at its end.
fn collected(told: &str) -> Option<u64> {
    let line = told.lines().find(|line| line.contains("Collected :"))?;
    line.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found() {
        let told = "==7== Events    : Ir\n==7== Collected : 8142907\n==7== \n";
        assert_eq!(collected(told), Some(8_142_907));
        assert_eq!(collected("==7== Command: counts\n"), None);
    }
}
