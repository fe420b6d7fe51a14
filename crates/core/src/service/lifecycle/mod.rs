//! Keeps the stored facts about installations up to date: webhooks, lookups and reconciliation.

mod hand_over;
mod reconcile;
mod redeliver;
mod refresh;
mod webhook;

pub(super) use hand_over::HandOver;
pub use hand_over::HandedOver;
pub use reconcile::{Pause, PauseCause, ReconcileBatch, ReconcileReport};
pub use redeliver::RedeliveryReport;
pub(super) use refresh::Looks;
pub use refresh::RefreshOutcome;
pub use webhook::{WebhookDelivery, WebhookOutcome};
