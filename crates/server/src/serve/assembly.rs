//! `Dockline` as `serve` has it: on PostgreSQL and the real GitHub, every port measured, every event counted and logged.

use std::sync::Arc;

use dockline::error::BuildError;
use dockline::ports::Events;
use dockline::{ClaimPolicy, Dockline, Ports, WebhookSecrets};
use dockline_axum::TracingEvents;
use dockline_github::GithubApp;
use dockline_postgres::{Database, PgBindingRepo, PgKeyStore, PgKeyUsage, PgRateLimiter, PgStateStore};
use dockline_telemetry::{EventCounters, FanOut, Metered};

/// Puts it together.
///
/// # Errors
/// Where the policy needs an OAuth client and there is none.
pub(super) fn dockline(
    database: &Database,
    github: Arc<GithubApp>,
    policy: ClaimPolicy,
    webhook_secrets: WebhookSecrets,
    usage: PgKeyUsage,
) -> Result<Dockline, BuildError> {
    let limiter = PgRateLimiter::new(database);
    let events = [Arc::new(TracingEvents) as Arc<dyn Events>, Arc::new(EventCounters)];
    Dockline::builder(Ports {
        states: Arc::new(Metered::over(PgStateStore::new(database))),
        bindings: Arc::new(Metered::over(PgBindingRepo::new(database))),
        github: Arc::new(Metered::over(github)),
    })
    .with_api_keys(Arc::new(Metered::over(PgKeyStore::new(database))))
    .with_policy(policy)
    .with_rate_limiter(Arc::new(Metered::over(limiter)))
    .with_events(Arc::new(FanOut::to(events)))
    .with_key_usage(Arc::new(usage))
    .with_webhook_secrets(webhook_secrets)
    .build()
}
