//! How much memory this process has used.

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
