use super::spelled;
use super::{AccountId, InstalledOn};

spelled! {
    /// The evidence for a claim to an installation. Recorded with each binding.
    pub enum Proof("proof") {
        /// The caller holds a live state of its own organization. Says nothing about the installation that is named.
        State = "state",
        /// The visitor can see the installation. A member with read access can, too.
        Visible = "visible",
        /// The visitor administers the account that the installation is on.
        Administered = "administered",
        /// The visitor installed the App.
        Installed = "installed",
    }
}

spelled! {
    /// The weakest proof that a first binding accepts.
    #[derive(Default)]
    pub enum ClaimPolicy("claim policy") {
        /// Any proof. **Any caller who guesses the number of an unbound installation can bind it**: GitHub numbers
        /// installations in sequence. Only for hosts whose callers are all trusted.
        State = "state",
        /// [`Proof::Visible`] or stronger.
        Visible = "visible",
        /// [`Proof::Administered`] or [`Proof::Installed`]. The default.
        #[default]
        Controlled = "controlled",
    }
}

/// What GitHub says about the visitor in the browser. The claim rules derive a [`Proof`] from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorFacts {
    /// The visitor's account.
    pub visitor: AccountId,
    /// What the installation is on, if the visitor can see it; `None` otherwise.
    pub visible: Option<InstalledOn>,
    /// Whether GitHub names the visitor an active administrator of the organization. `false` if GitHub does not say.
    pub administers_organization: bool,
}
