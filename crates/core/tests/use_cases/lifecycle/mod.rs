//! Following an installation: refreshes, webhooks, reconciliation.

mod life;
mod lives;
mod reconcile;
mod refresh;
mod webhooks;
