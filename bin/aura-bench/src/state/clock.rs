//! CPU time, and the core that it is measured on.

use crate::figures::spread;
use eyre::{Result, WrapErr};
use rustix::{
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};
use std::time::Instant;

/// Milliseconds of work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// CPU time of the calling thread.
    pub(crate) thread: f64,
    /// CPU time of all threads.
    pub(crate) process: f64,
    /// Time on the wall.
    pub(crate) wall: f64,
}

/// CPU time so far, in milliseconds.
fn cpu(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Does `work` and measures it.
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let wall = Instant::now();
    let process = cpu(ClockId::ProcessCPUTime);
    let thread = cpu(ClockId::ThreadCPUTime);
    let value = work();
    let took = Took {
        thread: cpu(ClockId::ThreadCPUTime) - thread,
        process: cpu(ClockId::ProcessCPUTime) - process,
        wall: wall.elapsed().as_secs_f64() * 1e3,
    };
    (value, took)
}

/// Keeps this thread, and those that it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).wrap_err_with(|| format!("core {core} cannot be used"))
}

/// The middle of `values`; zero without any.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    spread(values).map_or(0.0, |(middle, ..)| middle)
}

/// The mean of `values`; zero without any.
pub(crate) fn mean(values: Vec<f64>) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
