#![doc = include_str!("../README.md")]

mod forwarder;
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

pub use forwarder::{ForwardOptions, OutboxSignal};
pub use metric_names::{
    FORWARD_ATTEMPT_DURATION, FORWARD_IN_FLIGHT, FORWARD_MESSAGE_DURATION, OUTBOX_BYTES, OUTBOX_MESSAGES,
    OUTBOX_OLDEST, PANICS, READY, REDELIVERIES, REDELIVERY_BEHIND, REDELIVERY_SCANS, REFRESH_QUEUE,
    REFRESHES, SWEEP_BINDINGS, SWEEP_LAST_SUCCESS, SWEEP_PAUSE, SWEEPS, describe_metrics,
};
pub use readiness::WorkerReadiness;
pub use refresher::{RefreshOptions, Refresher};
pub use sweep::{Sweep, SweepOutcome, SweepProgress, SweepTotals};
pub use sweeper::SweepOptions;
pub use worker::{Worker, WorkerBuilder};
