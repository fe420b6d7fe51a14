//! The claim policy, as an option.

use clap::ValueEnum;
use dockline::ClaimPolicy;

/// The least proof for a first binding, as an option.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// A live state of the caller's organization and nothing else: whoever guesses an unbound installation's number can
    /// bind it.
    State,
    /// The person in the browser can see the installation.
    Visible,
    /// The person in the browser administers the account, or is the one who installed the App.
    #[default]
    Controlled,
}

impl From<Policy> for ClaimPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::State => Self::State,
            Policy::Visible => Self::Visible,
            Policy::Controlled => Self::Controlled,
        }
    }
}
