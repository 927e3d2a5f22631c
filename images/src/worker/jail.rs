//! What a worker gives up before it looks at anything that a stranger made.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// Memory for one image, beside what the program has when it begins.
const MEMORY: u64 = 2 << 30;
/// Seconds on a processor, for all images of a worker together.
const PROCESSOR_TIME: u64 = 3600;
/// How much the edge's own threads come before it.
const NICENESS: i32 = 10;

/// Closes all that is open but `stream` and the standard streams, bounds what can be had, and forbids all that making images does not
/// take.
pub(super) fn lock_in(stream: &UnixStream) -> io::Result<()> {
    nice(NICENESS)?;
    close_all_but(stream)?;
    let memory = address_space()?.saturating_add(MEMORY);
    for (resource, most) in [
        (Resource::As, memory),
        (Resource::Cpu, PROCESSOR_TIME),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        (Resource::Nofile, 0),
    ] {
        let most = Some(most);
        setrlimit(
            resource,
            Rlimit {
                current: most,
                maximum: most,
            },
        )?;
    }
    #[cfg(target_os = "linux")]
    calls::forbid()?;
    Ok(())
}

/// Bytes of address space that are taken.
#[cfg(target_os = "linux")]
fn address_space() -> io::Result<u64> {
    let told = std::fs::read_to_string("/proc/self/statm")?;
    let pages = told
        .split_whitespace()
        .next()
        .and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("`statm` tells no size"))?;
    Ok(pages.saturating_mul(rustix::param::page_size() as u64))
}

#[cfg(not(target_os = "linux"))]
fn address_space() -> io::Result<u64> {
    Ok(64 << 30)
}

#[allow(
    unsafe_code,
    reason = "what was inherited is known by its number alone; nothing in this process uses it"
)]
fn close_all_but(stream: &UnixStream) -> io::Result<()> {
    let stream = stream.as_raw_fd();
    let numbers = std::fs::read_dir("/dev/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let numbers: Vec<i32> = numbers.collect();
    for number in numbers
        .into_iter()
        .filter(|number| *number > 2 && *number != stream)
    {
        // SAFETY: nothing of ours is open but the standard streams and `stream`. The folder that was just read is in the list and
        // closed by now: then this fails, which does no harm, since no other thread opens anything.
        unsafe { libc::close(number) };
    }
    Ok(())
}

/// The calls of the system that are left.
#[cfg(target_os = "linux")]
mod calls {
    use std::io;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter_all_threads,
    };

    /// Bytes in and out, memory, locks, clocks, chance, and ending. All else fails, as if this system knew no such call.
    const ALLOWED: &[i64] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_close,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_rt_sigreturn,
        libc::SYS_rt_sigprocmask,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    pub(super) fn forbid() -> io::Result<()> {
        let filter = filter().map_err(io::Error::other)?;
        apply_filter_all_threads(&filter).map_err(io::Error::other)
    }

    fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
        // Memory is for data: nothing that was read becomes code.
        let no_code = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64),
            0,
        )?;
        let no_code = || SeccompRule::new(vec![no_code.clone()]).map(|rule| vec![rule]);
        let mut rules: Vec<(i64, Vec<SeccompRule>)> =
            ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
        rules.push((libc::SYS_mmap, no_code()?));
        rules.push((libc::SYS_mprotect, no_code()?));
        let filter = SeccompFilter::new(
            rules.into_iter().collect(),
            SeccompAction::Errno(libc::EPERM as u32),
            SeccompAction::Allow,
            std::env::consts::ARCH.try_into()?,
        )?;
        filter.try_into()
    }
}
