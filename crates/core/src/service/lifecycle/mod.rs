//! Keeps the stored facts about installations up to date: webhooks, lookups and reconciliation.

mod reconcile;
mod redeliver;
mod refresh;
mod webhook;

pub use reconcile::{Pause, PauseCause, ReconcileBatch, ReconcileReport};
pub use redeliver::RedeliveryReport;
pub(super) use refresh::Looks;
pub use refresh::RefreshOutcome;
pub use webhook::{WebhookDelivery, WebhookOutcome};
