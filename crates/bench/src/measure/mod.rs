//! Measuring programs: statistics over rounds, and the CPU time and memory of processes.

mod cpu;
mod rounds;
mod statistics;

pub(crate) use cpu::{CpuTime, resident_bytes};
pub(crate) use rounds::{Sample, Series, in_rounds};
pub(crate) use statistics::{Summary, percentile};
