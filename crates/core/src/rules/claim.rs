//! Decides whether a claim to an installation is proven.
//!
//! | proof | needs |
//! |---|---|
//! | [`Proof::State`] | a live state of the caller's organization |
//! | [`Proof::Visible`] | the visitor sees the installation |
//! | [`Proof::Installed`] | the record of the installation names the visitor, and GitHub does not report them as an outsider |
//! | [`Proof::Administered`] | a user account is the visitor's own; the visitor is an administrator of the organization |
//! | [`Proof::Imported`] | the operator vouches for it; no visitor can claim it |
//!
//! | policy | accepts |
//! |---|---|
//! | [`ClaimPolicy::State`] | every proof |
//! | [`ClaimPolicy::Visible`] | `Visible`, `Installed`, `Administered`, `Imported` |
//! | [`ClaimPolicy::Installer`] | `Administered`, `Imported`; `Installed` by a member, or by a visitor of unknown membership if the App may not see it and the installation is not older than the state |
//! | [`ClaimPolicy::Controlled`] | `Administered`, `Imported`; `Installed` by a member if the record lists the permission "Members" |
//!
//! A past installation proves nothing about the present: GitHub's plain no about the membership outweighs the record.

use time::Duration;

use crate::error::{CallbackRefusal, RefusalReason};
use crate::model::{
    Account, AccountKind, ClaimMembership, ClaimPolicy, InstallationId, InstalledOn, InstallerRecord,
    IssuedState, Membership, Proof, UnknownReason, VerifiedClaim, Visibility, VisitorFacts,
};

/// How much older than the state an installation may be, since the two ages are measured at different moments.
const AGE_TOLERANCE: Duration = Duration::seconds(5);

/// A claim that meets the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// A live state, which the policy accepts as proof.
    State,
    /// The confirmed claim of a visitor.
    Verified(VerifiedClaim),
}

impl Claim {
    /// Returns the proof to record with the binding.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        match self {
            Self::State => Proof::State,
            Self::Verified(verified) => verified.proof,
        }
    }
}

/// Returns whether the policy accepts the proof. For [`Proof::Installed`] the claim must also meet
/// [`awaits_installer`], which [`with_installer`] checks.
#[must_use]
pub const fn suffices(proof: Proof, policy: ClaimPolicy) -> bool {
    match policy {
        ClaimPolicy::State => true,
        ClaimPolicy::Visible => !matches!(proof, Proof::State),
        ClaimPolicy::Installer | ClaimPolicy::Controlled => {
            matches!(proof, Proof::Administered | Proof::Installed | Proof::Imported)
        }
    }
}

/// Returns the account and the claim that the facts about a visitor amount to, without the installer's record.
///
/// A user account is administered by its user alone, an organization by its active administrators. Members who can see an
/// installation do not administer it.
///
/// # Errors
/// The refusal if the visitor does not see the installation, or it is not on an account.
pub fn evaluate(
    facts: &VisitorFacts,
    installation: InstallationId,
    state_age: Duration,
) -> Result<(Account, VerifiedClaim), CallbackRefusal> {
    let account = match &facts.visibility {
        Visibility::Seen(InstalledOn::Account(account)) => account,
        Visibility::Seen(InstalledOn::Enterprise { .. } | InstalledOn::Unknown) => {
            return Err(CallbackRefusal::UnbindableAccount);
        }
        Visibility::NotSeen => return Err(CallbackRefusal::NotVisible),
        Visibility::Unknown(reason) => return Err(refusal_of(reason)),
    };
    let membership = match account.kind {
        AccountKind::User if account.id == facts.visitor => ClaimMembership::Administrator,
        AccountKind::User => ClaimMembership::Outsider,
        AccountKind::Organization => claim_membership(facts, state_age),
    };
    let proof = match membership {
        ClaimMembership::Administrator => Proof::Administered,
        ClaimMembership::Member
        | ClaimMembership::Outsider
        | ClaimMembership::UnknownNew
        | ClaimMembership::Unknown => Proof::Visible,
    };
    let claim =
        VerifiedClaim { installation, account: account.id, proof, visitor: facts.visitor, membership };
    Ok((account.clone(), claim))
}

fn claim_membership(facts: &VisitorFacts, state_age: Duration) -> ClaimMembership {
    match &facts.membership {
        Membership::Administrator => ClaimMembership::Administrator,
        Membership::Member => ClaimMembership::Member,
        Membership::Outsider => ClaimMembership::Outsider,
        Membership::Unknown(UnknownReason::PermissionMissing)
            if facts.installation_age.is_some_and(|age| age <= state_age + AGE_TOLERANCE) =>
        {
            ClaimMembership::UnknownNew
        }
        Membership::Unknown(_) => ClaimMembership::Unknown,
    }
}

/// Returns the refusal of a visitor about whom GitHub does not say what the policy needs.
#[must_use]
pub const fn refusal_of(reason: &UnknownReason) -> CallbackRefusal {
    match reason {
        UnknownReason::SsoRequired { .. } => CallbackRefusal::SsoRequired,
        UnknownReason::IpBlocked => CallbackRefusal::IpBlocked,
        UnknownReason::PermissionMissing => CallbackRefusal::PermissionMissing,
        UnknownReason::AccountSuspended => CallbackRefusal::AccountSuspended,
        UnknownReason::Denied => CallbackRefusal::AccessDenied,
        UnknownReason::Unavailable => CallbackRefusal::MembershipUnavailable,
        UnknownReason::TooManyInstallations => CallbackRefusal::TooManyInstallations,
    }
}

/// Returns the refusal of a visitor who sees the installation and whose proof is too weak.
#[must_use]
pub fn weak_proof(
    claim: &VerifiedClaim,
    facts: &VisitorFacts,
    record: Option<&InstallerRecord>,
    policy: ClaimPolicy,
) -> CallbackRefusal {
    let on_user = matches!(
        &facts.visibility,
        Visibility::Seen(InstalledOn::Account(Account { kind: AccountKind::User, .. }))
    );
    match &facts.membership {
        _ if on_user => CallbackRefusal::NotAdministered,
        Membership::Administrator | Membership::Member => CallbackRefusal::NotAdministered,
        Membership::Outsider => CallbackRefusal::NotMember,
        Membership::Unknown(UnknownReason::PermissionMissing)
            if matches!(policy, ClaimPolicy::Installer)
                && claim.membership == ClaimMembership::Unknown
                && record.is_some_and(|record| record.installer == claim.visitor) =>
        {
            CallbackRefusal::InstalledTooLongAgo
        }
        Membership::Unknown(reason) => refusal_of(reason),
    }
}

/// Returns the refusal of a confirmed claim whose visitor did not install the App after all.
#[must_use]
pub const fn not_the_installer(claim: &VerifiedClaim) -> CallbackRefusal {
    match claim.membership {
        ClaimMembership::Outsider => CallbackRefusal::NotMember,
        ClaimMembership::UnknownNew | ClaimMembership::Unknown => CallbackRefusal::PermissionMissing,
        ClaimMembership::Member | ClaimMembership::Administrator => CallbackRefusal::NotAdministered,
    }
}

/// Returns whether the claim meets the policy only if its visitor installed the installation ([`Proof::Installed`]).
/// The webhook that names the installer may arrive after the visitor.
#[must_use]
pub const fn awaits_installer(verified: &VerifiedClaim, policy: ClaimPolicy) -> bool {
    if matches!(verified.proof, Proof::Administered) {
        return false;
    }
    match policy {
        ClaimPolicy::State | ClaimPolicy::Visible => false,
        ClaimPolicy::Installer => {
            matches!(verified.membership, ClaimMembership::Member | ClaimMembership::UnknownNew)
        }
        ClaimPolicy::Controlled => matches!(verified.membership, ClaimMembership::Member),
    }
}

/// Returns the claim with the proof that the installer's record gives it under the policy. Without the record
/// [`Proof::Installed`] counts as [`Proof::Visible`].
#[must_use]
pub fn with_installer(
    verified: VerifiedClaim,
    record: Option<InstallerRecord>,
    policy: ClaimPolicy,
) -> VerifiedClaim {
    let installed = awaits_installer(&verified, policy)
        && record.is_some_and(|record| {
            record.installer == verified.visitor
                && (record.members_permission || !matches!(policy, ClaimPolicy::Controlled))
        });
    let proof = match verified.proof {
        Proof::Visible | Proof::Installed if installed => Proof::Installed,
        Proof::Installed => Proof::Visible,
        proof @ (Proof::State | Proof::Visible | Proof::Administered | Proof::Imported) => proof,
    };
    VerifiedClaim { proof, ..verified }
}

/// Returns the claim to `wanted` that a state gives its organization. `record` tells who installed `wanted`, if it is known.
///
/// # Errors
/// [`RefusalReason::TiedToAnother`], or [`RefusalReason::Unproven`] if the proof is missing or too weak.
pub fn claim(
    state: &IssuedState,
    wanted: InstallationId,
    policy: ClaimPolicy,
    record: Option<InstallerRecord>,
) -> Result<Claim, RefusalReason> {
    let claim = match state.claim {
        Some(verified) if verified.installation != wanted => return Err(RefusalReason::TiedToAnother),
        Some(verified) => Claim::Verified(with_installer(verified, record, policy)),
        None => Claim::State,
    };
    if suffices(claim.proof(), policy) { Ok(claim) } else { Err(RefusalReason::Unproven) }
}

#[cfg(test)]
mod tests;
