//! Measuring programs: statistics over rounds, the CPU time and memory of processes, and probes.

mod cpu;
mod probe;
mod rounds;
mod statistics;

pub(crate) use cpu::{CpuTime, resident_bytes};
pub(crate) use probe::Probe;
pub(crate) use rounds::{Pressure, Sample, Series, in_rounds};
pub(crate) use statistics::{Summary, percentile};
