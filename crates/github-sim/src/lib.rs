#![doc = include_str!("../README.md")]

mod api;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod clock;
mod config;
mod control;
mod error;
mod fixture;
mod git;
mod json;
mod model;
mod random;
mod server;
mod sim;
mod traffic;
mod urls;
mod web;
mod webhook;

pub use config::Config;
pub use error::SimError;
pub use model::account::{AccountKind, MembershipState, Role};
pub use model::app::{AppCredentials, NewApp};
pub use model::hook::{ContentType, WebhookSettings};
pub use model::installation::InstallationRequest;
pub use model::installation_token::{TokenFormat, TokenLag};
pub use model::repository::NewRepository;
pub use server::RunningSim;
pub use sim::{GithubSim, InstallationSummary};
pub use traffic::fault::{Fault, FaultRule, Garbage};
pub use traffic::rate_limit::RateLimitCaller;
pub use traffic::request_log::RecordedRequest;
pub use webhook::delivery::{Delivery, DeliveryMode, DeliveryOutcome};
