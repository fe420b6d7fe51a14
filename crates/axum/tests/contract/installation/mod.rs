//! A bound installation: registration, its life, its tokens and repositories, webhooks.

mod detach;
mod faults;
mod github_trouble;
mod hand_over;
mod life;
mod registration;
mod repos;
mod repos_at_github;
mod sweep;
mod tokens;
mod webhooks;
