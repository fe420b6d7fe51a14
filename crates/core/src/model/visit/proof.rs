use crate::model::spelled;

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
        /// The operator vouches for the claim: the binding was imported. It satisfies every policy.
        Imported = "imported",
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
        /// [`Proof::Administered`], or [`Proof::Installed`] by a member, or by a visitor whose membership the App may not see
        /// if the installation is no older than the state. **The administrator of a single repository can install an App
        /// that has no organization permissions, and so bind the organization's installation.**
        Installer = "installer",
        /// [`Proof::Administered`], or [`Proof::Installed`] by a member if only an owner can have installed the App. The
        /// default.
        #[default]
        Controlled = "controlled",
    }
}
