//! Decides whether a claim to an installation is proven.

use crate::error::RefusalReason;
use crate::model::{
    AccountId, AccountKind, ClaimPolicy, InstallationId, InstalledOn, IssuedState, Proof, VerifiedClaim,
    VisitorFacts,
};

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

/// Returns whether the policy accepts the proof.
#[must_use]
pub const fn suffices(proof: Proof, policy: ClaimPolicy) -> bool {
    match policy {
        ClaimPolicy::State => true,
        ClaimPolicy::Visible => matches!(proof, Proof::Visible | Proof::Administered | Proof::Installed),
        ClaimPolicy::Controlled => matches!(proof, Proof::Administered | Proof::Installed),
    }
}

/// Returns the proof that the facts about a visitor amount to; `None` if the visitor cannot see the installation.
///
/// A user account is administered by its user alone, an organization by its active administrators. Members who can see
/// an installation do not administer it.
#[must_use]
pub fn proof_of(facts: &VisitorFacts) -> Option<Proof> {
    let administered = match facts.visible.as_ref()? {
        InstalledOn::Account(account) => match account.kind {
            AccountKind::User => account.id == facts.visitor,
            AccountKind::Organization => facts.administers_organization,
        },
        InstalledOn::Enterprise { .. } | InstalledOn::Unknown => false,
    };
    Some(if administered { Proof::Administered } else { Proof::Visible })
}

/// Returns whether the claim meets the policy only if its visitor installed the installation ([`Proof::Installed`]).
/// The webhook that names the installer may arrive after the visitor.
#[must_use]
pub const fn awaits_installer(verified: &VerifiedClaim, policy: ClaimPolicy) -> bool {
    matches!(verified.proof, Proof::Visible) && !suffices(verified.proof, policy)
}

/// Raises the proof to [`Proof::Installed`] if the visitor is the installer and the claim depends on it. Otherwise returns
/// the claim unchanged.
#[must_use]
pub fn with_installer(
    verified: VerifiedClaim,
    installer: Option<AccountId>,
    policy: ClaimPolicy,
) -> VerifiedClaim {
    if awaits_installer(&verified, policy) && installer == Some(verified.visitor) {
        VerifiedClaim { proof: Proof::Installed, ..verified }
    } else {
        verified
    }
}

/// Returns the claim to `wanted` that a state gives its organization. `installer` is the account that installed `wanted`,
/// if it is known.
///
/// # Errors
/// [`RefusalReason::TiedToAnother`], or [`RefusalReason::Unproven`] if the proof is missing or too weak.
pub fn claim(
    state: &IssuedState,
    wanted: InstallationId,
    policy: ClaimPolicy,
    installer: Option<AccountId>,
) -> Result<Claim, RefusalReason> {
    let claim = match state.claim {
        Some(verified) if verified.installation != wanted => return Err(RefusalReason::TiedToAnother),
        Some(verified) => Claim::Verified(with_installer(verified, installer, policy)),
        None => Claim::State,
    };
    if suffices(claim.proof(), policy) { Ok(claim) } else { Err(RefusalReason::Unproven) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Account;

    fn account(id: u64, kind: AccountKind) -> InstalledOn {
        InstalledOn::Account(Account { id: AccountId::new(id).unwrap(), login: "acme".into(), kind })
    }

    fn facts(visible: Option<InstalledOn>, administers_organization: bool) -> VisitorFacts {
        VisitorFacts { visitor: AccountId::new(7).unwrap(), visible, administers_organization }
    }

    #[test]
    fn a_policy_accepts_its_own_proof_and_stronger_ones() {
        use ClaimPolicy as Policy;
        let table = [
            (Proof::State, [true, false, false]),
            (Proof::Visible, [true, true, false]),
            (Proof::Administered, [true, true, true]),
            (Proof::Installed, [true, true, true]),
        ];
        for (proof, expected) in table {
            let got = [Policy::State, Policy::Visible, Policy::Controlled].map(|p| suffices(proof, p));
            assert_eq!(got, expected, "{proof}");
        }
        assert_eq!(Policy::default(), Policy::Controlled);
    }

    #[test]
    fn a_visitor_who_sees_an_installation_does_not_administer_it_l_08() {
        let organization = || Some(account(9, AccountKind::Organization));
        assert_eq!(proof_of(&facts(None, false)), None);
        // An administrator who cannot see the installation has proven nothing.
        assert_eq!(proof_of(&facts(None, true)), None);
        assert_eq!(proof_of(&facts(organization(), false)), Some(Proof::Visible));
        assert_eq!(proof_of(&facts(organization(), true)), Some(Proof::Administered));
        assert_eq!(proof_of(&facts(Some(account(7, AccountKind::User)), false)), Some(Proof::Administered));
        // The user account of another person, which the visitor sees as a collaborator. The flag must not count.
        assert_eq!(proof_of(&facts(Some(account(8, AccountKind::User)), true)), Some(Proof::Visible));
        let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
        assert_eq!(proof_of(&facts(Some(enterprise), true)), Some(Proof::Visible));
        assert_eq!(proof_of(&facts(Some(InstalledOn::Unknown), true)), Some(Proof::Visible));
    }
}
