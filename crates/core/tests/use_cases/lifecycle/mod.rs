//! Following an installation: refreshes, webhooks, reconciliation.

mod life;
mod lives;
mod lives_compared;
mod reconcile;
mod redelivery;
mod refresh;
mod webhooks;
