#![doc = include_str!("../README.md")]

mod api_version;
mod auth;
mod config;
mod crypto;
mod error;
mod gateway;
mod github_error;
mod host;
mod http;
mod observer;
mod operations;
mod proxy;
mod slug;
mod wire;

pub use api_version::ApiVersion;
pub use auth::{KeyProblem, LocalSigner, PublicKey, PublicKeyProblem, Signature, Signer, SignerError};
pub use config::{GithubAppConfig, Issuer};
pub use error::{ConfigError, HostProblem};
pub use gateway::GithubApp;
pub use host::GithubHost;
pub use observer::{CallOutcome, CompletedCall, Observer, Operation};
pub use operations::{AppSettings, DeliveryRecord, WebhookConfig};
pub use proxy::HttpsProxy;
pub use secrecy::SecretString;
