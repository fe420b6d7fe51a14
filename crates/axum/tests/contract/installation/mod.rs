//! A bound installation: registration, its life, its tokens and repositories, webhooks.

mod detach;
mod faults;
mod github_trouble;
mod large_deliveries;
mod life;
mod registration;
mod repos;
mod sweep;
mod tokens;
mod webhooks;
