#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod api_version;
mod config;
mod deliveries;
mod error;
mod excerpt;
mod fault;
mod gateway;
mod host;
mod jwt;
mod key;
mod observer;
mod our_app;
mod pause;
mod prove;
mod rate;
mod repositories;
mod token;
mod transport;
mod verdict;
mod wire;

pub use api_version::ApiVersion;
pub use config::{GithubAppConfig, Issuer};
pub use error::{ConfigError, HostProblem};
pub use gateway::GithubApp;
pub use host::GithubHost;
pub use key::KeyProblem;
pub use observer::{Called, Observer, Operation, Outcome};
pub use secrecy::SecretString;
