use time::OffsetDateTime;

use crate::model::spelled;
use crate::model::{
    AccountId, Actor, ClaimMembership, InstallationId, OrganizationId, OrganizationName, Proof, SecretDigest,
    StateDigest,
};

/// A state as a store holds it: by its digest, never in clear text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedState {
    /// The SHA-256 of the state.
    pub digest: StateDigest,
    /// The organization that the state was issued to. It works for no other.
    pub organization: OrganizationId,
    /// The organization's display name; the confirmation page shows it.
    pub organization_name: OrganizationName,
    /// The person or machine that requested the install URL.
    pub actor: Actor,
    /// The URL that the browser is redirected to at the end. It was checked against the caller's return hosts when the
    /// state was issued.
    pub return_url: String,
    /// The time of issue.
    pub issued_at: OffsetDateTime,
    /// The time from which the state cannot be used.
    pub expires_at: OffsetDateTime,
    /// The confirmations that visitors were asked for and have not given yet, oldest first: at most
    /// [`IssuedState::MOST_PENDING`].
    pub pending: Vec<PendingConfirmation>,
    /// The confirmation that was answered last. The same answer, sent again, has the same result.
    pub answered: Option<AnsweredConfirmation>,
    /// The claim that a visitor confirmed. The state is then tied to the claim's installation and can bind no other.
    pub claim: Option<VerifiedClaim>,
    /// Whether the state was revoked. It takes no confirmation, claim or code any more.
    pub revoked: bool,
}

impl IssuedState {
    /// How long a state can be used: 15 minutes.
    pub const LIFETIME: time::Duration = time::Duration::minutes(15);
    /// The maximum number of pending confirmations, such as those of several tabs. A further one replaces the oldest.
    pub const MOST_PENDING: usize = 4;
    /// The maximum number of different OAuth codes that GitHub has not accepted. A further one revokes the state.
    pub const MOST_REFUSED_CODES: usize = 5;
    /// The maximum number of different OAuth codes. A further one revokes the state.
    pub const MOST_CODES: usize = 50;

    /// Returns whether the state can be used at `now`.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        now < self.expires_at
    }
}

/// A claim to an installation, with the evidence that a visitor gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedClaim {
    /// The installation.
    pub installation: InstallationId,
    /// The account that the installation was on at the visit. A registration is refused if it is on another by then.
    pub account: AccountId,
    /// The evidence.
    pub proof: Proof,
    /// The visitor's account.
    pub visitor: AccountId,
    /// The visitor's membership at the visit.
    pub membership: ClaimMembership,
}

/// A confirmation page that was shown to a visitor and not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingConfirmation {
    /// The digest of the page's one-time ticket.
    pub ticket: SecretDigest,
    /// The digest of the cookie of the visitor's browser.
    pub browser: SecretDigest,
    /// The claim that the state is tied to if the visitor confirms.
    pub claim: VerifiedClaim,
    /// GitHub's `setup_action`, for the redirect.
    pub setup_action: SetupAction,
}

/// A confirmation that a visitor gave or declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweredConfirmation {
    /// The confirmation as it was pending.
    pub question: PendingConfirmation,
    /// `true` for Confirm, `false` for Cancel.
    pub confirmed: bool,
}

spelled! {
    /// The fate of an OAuth code that came with a state.
    pub enum CodeFate("code fate") {
        /// The code is being exchanged, or the exchange did not end.
        Sent = "sent",
        /// GitHub rejected the code.
        Refused = "refused",
        /// The code identified a visitor, or GitHub failed to answer. It does not count as refused.
        Used = "used",
    }
}

spelled! {
    /// GitHub's `setup_action`: what the visitor did.
    pub enum SetupAction("setup action") {
        /// Installed the App.
        Install = "install",
        /// Changed an existing installation.
        Update = "update",
        /// Asked the owners to install the App. There is no installation yet.
        Request = "request",
    }
}

impl SetupAction {
    /// Returns the action that GitHub names. An unknown one counts as [`SetupAction::Install`], since nothing is decided by it.
    #[must_use]
    pub fn of_github(text: &str) -> Self {
        text.parse().unwrap_or(Self::Install)
    }
}
