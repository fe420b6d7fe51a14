#![doc = include_str!("../README.md")]

mod api_version;
mod auth;
mod base_url;
mod config;
mod crypto;
mod error;
mod gateway;
mod host;
mod http;
mod identifiers;
mod observer;
mod operations;
mod proxy;
mod wire;

pub use api_version::ApiVersion;
pub use auth::{LocalSigner, PublicKey, Signature, Signer};
pub use config::{GithubAppConfig, Issuer};
pub use error::{CallError, ConfigError, HostProblem, KeyProblem, PublicKeyProblem, SignerError};
pub use gateway::GithubApp;
pub use host::GithubHost;
pub use observer::{CallOutcome, CompletedCall, Observer, Operation};
pub use operations::{AppManifests, AppSettings, CreatedApp, DeliveryRecord, WebhookConfig};
pub use proxy::HttpsProxy;
pub use secrecy::SecretString;
