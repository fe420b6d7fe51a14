#![doc = include_str!("../README.md")]

mod github_probe;
mod housekeeper;
mod jitter;
mod metric_names;
mod probe;
mod readiness;
mod redeliverer;
mod refresher;
mod supervise;
mod sweep;
mod sweeper;
mod worker;

pub use metric_names::{
    PANICS, READY, REDELIVERIES, REDELIVERY_BEHIND, REDELIVERY_SCANS, REFRESH_QUEUE, REFRESHES,
    SWEEP_BINDINGS, SWEEP_LAST_SUCCESS, SWEEP_PAUSE, SWEEPS, describe_metrics,
};
pub use readiness::WorkerReadiness;
pub use refresher::{RefreshOptions, Refresher};
pub use sweep::{Sweep, SweepOutcome, SweepProgress, SweepTotals};
pub use sweeper::SweepOptions;
pub use worker::{Worker, WorkerBuilder};
