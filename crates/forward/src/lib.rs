#![doc = include_str!("../README.md")]

mod client;
mod crypto;
mod endpoint;
mod envelope;
mod error;
mod secret;
mod sender;

pub use endpoint::Endpoint;
pub use error::{ConfigError, UnreachableEndpoint};
pub use secrecy::SecretString;
pub use secret::{SigningSecret, SigningSecrets};
pub use sender::HttpSender;
