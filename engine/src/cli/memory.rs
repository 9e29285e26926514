//! How much memory this process has used, and how little it gets along with.

/// How many heaps the C library of GNU may keep.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: &str = "MALLOC_ARENA_MAX";

/// Starts the program again with one heap for all its threads, unless somebody has chosen.
///
/// By default the C library gives threads heaps of their own, eight for each processor, and what
/// is free in one is of no use to another. Lines are made by one thread and dropped by the next,
/// so a load ten times as long as the real file would hold 196 MiB instead of 142. The number is
/// read when a process starts; the process stays the same one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn share_one_heap() {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    if std::env::var_os(HEAPS).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut words = std::env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = words.next() {
        again.arg0(name);
    }
    // It comes back only when it fails. Then the load goes on as well, with more memory.
    drop(again.args(words).env(HEAPS, "1").exec());
}

/// Elsewhere there is nothing to choose.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn share_one_heap() {}

/// The most memory that was resident at a time, bytes; `None` where the system does not say.
pub(crate) fn peak_bytes() -> Option<u64> {
    // Linux only; elsewhere there is no such file.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
