#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod api_version;
mod app_settings;
mod config;
mod deliveries;
mod error;
mod excerpt;
mod fault;
mod gateway;
mod host;
mod jwt;
mod key;
mod our_app;
mod pause;
mod prove;
mod public_key;
mod rate;
mod repositories;
mod settings;
mod signer;
mod token;
mod transport;
mod verdict;
mod wire;

pub use api_version::ApiVersion;
pub use app_settings::{AppSettings, DeliveryRecord, WebhookConfig};
pub use config::{GithubAppConfig, Issuer};
pub use error::{ConfigError, HostProblem};
pub use gateway::GithubApp;
pub use host::GithubHost;
pub use key::KeyProblem;
pub use public_key::{PublicKey, PublicKeyProblem};
pub use secrecy::SecretString;
pub use signer::{LocalSigner, Signature, Signer, SignerError};
