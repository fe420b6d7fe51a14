use super::spelled;
use super::{AccountId, InstalledOn};

spelled! {
    /// The evidence for a claim to an installation. It is recorded with each binding.
    pub enum Proof("proof") {
        /// The caller has a live state of its own organization, which proves nothing about the installation.
        State = "state",
        /// The visitor can see the installation, as members with read access can.
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
        /// Any proof. **A caller that guesses the id of an unbound installation can bind it**, and GitHub's ids are
        /// sequential. Only for hosts that trust all their callers.
        State = "state",
        /// [`Proof::Visible`] or stronger.
        Visible = "visible",
        /// [`Proof::Administered`] or [`Proof::Installed`]. The default.
        #[default]
        Controlled = "controlled",
    }
}

/// The facts about a visitor that GitHub reports. The claim rules derive a [`Proof`] from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorFacts {
    /// The visitor's account.
    pub visitor: AccountId,
    /// The owner of the installation if the visitor can see the installation; `None` otherwise.
    pub visible: Option<InstalledOn>,
    /// Whether GitHub reports the visitor as an active administrator of the organization. `false` if GitHub does not say.
    pub administers_organization: bool,
}
