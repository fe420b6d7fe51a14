//! The ports and events as `serve` has them: measured and counted.

use std::sync::Arc;

use dockline::Ports;
use dockline::ports::{BindingRepo, Events, GithubGateway, KeyStore, RateLimiter, StateStore};
use dockline_axum::TracingEvents;
use dockline_telemetry::{EventCounters, FanOut, Metered};

pub(super) fn ports(ports: Ports) -> Ports {
    Ports {
        keys: Arc::new(Metered::<dyn KeyStore>::over(ports.keys)),
        states: Arc::new(Metered::<dyn StateStore>::over(ports.states)),
        bindings: Arc::new(Metered::<dyn BindingRepo>::over(ports.bindings)),
        github: Arc::new(Metered::<dyn GithubGateway>::over(ports.github)),
    }
}

pub(super) fn limiter(limiter: Arc<dyn RateLimiter>) -> Arc<dyn RateLimiter> {
    Arc::new(Metered::<dyn RateLimiter>::over(limiter))
}

/// To the log, and counted.
pub(super) fn events() -> Arc<dyn Events> {
    Arc::new(FanOut::to([Arc::new(TracingEvents) as Arc<dyn Events>, Arc::new(EventCounters)]))
}
