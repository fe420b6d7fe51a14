//! Following an installation: refreshes, webhooks, reconciliation.

mod hand_over;
mod life;
mod lives;
mod lives_compared;
mod reconcile;
mod redelivery;
mod refresh;
pub(crate) mod webhooks;
