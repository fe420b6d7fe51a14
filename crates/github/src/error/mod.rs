//! Errors: each says what is wrong and what to do about it.

mod call;
mod config;
mod github;
mod problems;
mod signer;
mod texts;

pub use self::call::CallError;
pub use self::config::ConfigError;
pub(crate) use self::github::{Denial, GithubError, denied};
pub use self::problems::{HostProblem, KeyProblem, PublicKeyProblem};
pub use self::signer::SignerError;
