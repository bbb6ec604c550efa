//! What a piece of work took.

use std::fs;
use std::time::Instant;

/// What a piece of work took, as the JSON of `peers` tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) wall_s: f64,
    /// Of all threads; `None` where the system does not tell.
    pub(crate) cpu_s: Option<f64>,
}

/// The result of `work`, and what it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Times) {
    let (cpu, wall) = (cpu_s(), Instant::now());
    let result = work();
    let wall_s = wall.elapsed().as_secs_f64();
    (result, Times { wall_s, cpu_s: cpu.zip(cpu_s()).map(|(from, to)| to - from) })
}

/// Processor time so far of the threads that are alive, where Linux tells.
pub(crate) fn cpu_s() -> Option<f64> {
    let mut nanos = 0.0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += text.split_whitespace().next()?.parse::<f64>().ok()?;
    }
    Some(nanos / 1e9)
}

/// The most memory that was resident so far in MiB, where Linux tells.
pub(crate) fn peak_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
