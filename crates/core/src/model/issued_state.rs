use time::OffsetDateTime;

use super::{
    AccountId, Actor, InstallationId, OrganizationId, OrganizationName, Proof, SecretDigest, StateDigest,
};

/// A state that install-url gave out, as it is stored: by its digest, never in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedState {
    /// SHA-256 of the state.
    pub digest: StateDigest,
    /// Whom it was issued to; it works for nobody else (invariant I3).
    pub organization: OrganizationId,
    /// The organization's display name; the confirmation page shows it.
    pub organization_name: OrganizationName,
    /// Who asked for the install URL.
    pub actor: Actor,
    /// Where the browser goes in the end: checked against the key's list when the state was issued (I28).
    pub return_url: String,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// From when on it is worth nothing.
    pub expires_at: OffsetDateTime,
    /// A visitor who was asked and has not answered yet.
    pub pending: Option<PendingConfirmation>,
    /// The one installation that it may bind, once a visitor confirmed it.
    pub claim: Option<VerifiedClaim>,
}

impl IssuedState {
    /// How long a state lives: 15 minutes (`contract.md` §2).
    pub const LIFETIME: time::Duration = time::Duration::minutes(15);

    /// Whether it may still be used at `now`.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        now < self.expires_at
    }
}

/// The one installation that a state may bind, and what was shown for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedClaim {
    /// The installation.
    pub installation: InstallationId,
    /// The account that it was on when it was shown: a registration checks that it still is (L-13, L-53).
    pub account: AccountId,
    /// What was shown.
    pub proof: Proof,
    /// Who showed it.
    pub visitor: AccountId,
}

/// A visitor who came back from GitHub and was asked for a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingConfirmation {
    /// Digest of the question's one-time ticket.
    pub ticket: SecretDigest,
    /// Digest of the asked browser's cookie.
    pub browser: SecretDigest,
    /// What Confirm will tie.
    pub claim: VerifiedClaim,
    /// What GitHub said the visitor did, for the redirect.
    pub setup_action: SetupAction,
}

/// What GitHub's `setup_action` says the visitor did. Anything unknown counts as [`SetupAction::Install`]: the proof
/// is what matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetupAction {
    /// Installed the App.
    Install,
    /// Changed an existing installation.
    Update,
    /// Asked the owners to install it: there is no installation yet (L-62).
    Request,
}

impl SetupAction {
    /// Reads GitHub's spelling.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "update" => Self::Update,
            "request" => Self::Request,
            _ => Self::Install,
        }
    }

    /// GitHub's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Update => "update",
            Self::Request => "request",
        }
    }
}
