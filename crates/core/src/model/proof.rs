use std::fmt;

use super::{AccountId, InstalledOn};

/// What was shown for the claim to an installation, recorded with each binding (`design.md` §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The caller holds a live state of its own organization. Says nothing about whose installation is named.
    State,
    /// The person in the browser can see the installation; a read-only member can, too (L-08).
    Visible,
    /// That person administers the account that the installation is on.
    Administered,
    /// That person is the one who installed it.
    Installed,
}

impl Proof {
    /// As it is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Visible => "visible",
            Self::Administered => "administered",
            Self::Installed => "installed",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The least proof that a first binding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClaimPolicy {
    /// Any proof. **Whoever guesses the number of an unbound installation can bind it**: GitHub numbers them in
    /// sequence. Only for hosts whose callers are all trusted.
    State,
    /// At least [`Proof::Visible`].
    Visible,
    /// [`Proof::Administered`] or [`Proof::Installed`]. The default.
    #[default]
    Controlled,
}

impl ClaimPolicy {
    /// As it is spelled in options and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Visible => "visible",
            Self::Controlled => "controlled",
        }
    }
}

impl fmt::Display for ClaimPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who was in the browser and what GitHub says they can reach: facts, from which the claim rules makes a
/// [`Proof`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorFacts {
    /// GitHub's number of the person.
    pub visitor: AccountId,
    /// What the installation is on, where it is among those that the person can see; `None` where it is not.
    pub visible: Option<InstalledOn>,
    /// Whether GitHub says that the person is an active administrator of the organization that it is on. `false`
    /// where GitHub would not say.
    pub administers_organization: bool,
}
