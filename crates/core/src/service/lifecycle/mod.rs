//! Following an installation's life at GitHub: webhooks, single look-ups, and the periodic reconciliation.

mod reconcile;
mod refresh;
mod webhook;

pub use reconcile::{Pause, PauseCause, ReconcileBatch, ReconcileReport};
pub use refresh::RefreshOutcome;
pub use webhook::{WebhookDelivery, WebhookOutcome};
