//! Whose installation is it (`design.md` §3, lessons L-01 to L-14).

use crate::error::RefusalReason;
use crate::model::{
    AccountId, AccountKind, ClaimPolicy, InstallationId, InstalledOn, IssuedState, Proof, VerifiedClaim,
    VisitorFacts,
};

/// By what right an installation may be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// A live state, and a policy that asks for no more.
    State,
    /// A visitor showed it.
    Verified(VerifiedClaim),
}

impl Claim {
    /// The proof to record with the binding.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        match self {
            Self::State => Proof::State,
            Self::Verified(verified) => verified.proof,
        }
    }
}

/// Whether `proof` is at least what `policy` asks for.
#[must_use]
pub const fn suffices(proof: Proof, policy: ClaimPolicy) -> bool {
    match policy {
        ClaimPolicy::State => true,
        ClaimPolicy::Visible => matches!(proof, Proof::Visible | Proof::Administered | Proof::Installed),
        ClaimPolicy::Controlled => matches!(proof, Proof::Administered | Proof::Installed),
    }
}

/// What a witness has shown; `None` where they cannot even see the installation.
///
/// A user's own account is administered by exactly that user; an organization by whom GitHub names an active
/// administrator (GitHub fact 9). Seeing is not administering (L-08).
#[must_use]
pub fn proof_of(witness: &VisitorFacts) -> Option<Proof> {
    let administered = match witness.visible.as_ref()? {
        InstalledOn::Account(account) => match account.kind {
            AccountKind::User => account.id == witness.visitor,
            AccountKind::Organization => witness.administers_organization,
        },
        InstalledOn::Enterprise { .. } | InstalledOn::Unknown => false,
    };
    Some(if administered { Proof::Administered } else { Proof::Visible })
}

/// A tie whose visitor saw the installation and who did not suffice by that: whether they are the one who installed it
/// is then what counts, and whoever knows that may be heard last ([`Proof::Installed`]; L-09, L-28).
#[must_use]
pub const fn awaits_installer(verified: &VerifiedClaim, policy: ClaimPolicy) -> bool {
    matches!(verified.proof, Proof::Visible) && !suffices(verified.proof, policy)
}

/// The tie as it stands once it is known who installed the installation: [`Proof::Installed`] where that is the visitor
/// and what they showed does not suffice. Never less than it was.
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

/// Whether a state gives its owner a claim to `wanted` under `policy`. `installer` is who installed `wanted`, where that
/// is known.
///
/// # Errors
/// [`RefusalReason::TiedToAnother`], or [`RefusalReason::Unproven`] where a proof is missing or too weak: absence never
/// weakens (L-07, L-16).
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

    fn witness(visible: Option<InstalledOn>, administers_organization: bool) -> VisitorFacts {
        VisitorFacts { visitor: AccountId::new(7).unwrap(), visible, administers_organization }
    }

    #[test]
    fn a_policy_takes_its_own_proof_and_stronger_ones() {
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
    fn seeing_is_not_administering_l_08() {
        let organization = || Some(account(9, AccountKind::Organization));
        assert_eq!(proof_of(&witness(None, false)), None);
        // An administrator of an organization whose installation is not in the list has shown nothing.
        assert_eq!(proof_of(&witness(None, true)), None);
        assert_eq!(proof_of(&witness(organization(), false)), Some(Proof::Visible));
        assert_eq!(proof_of(&witness(organization(), true)), Some(Proof::Administered));
        assert_eq!(proof_of(&witness(Some(account(7, AccountKind::User)), false)), Some(Proof::Administered));
        // Somebody else's own account, seen as a collaborator: a stray flag must not lift it.
        assert_eq!(proof_of(&witness(Some(account(8, AccountKind::User)), true)), Some(Proof::Visible));
        let enterprise = InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() };
        assert_eq!(proof_of(&witness(Some(enterprise), true)), Some(Proof::Visible));
        assert_eq!(proof_of(&witness(Some(InstalledOn::Unknown), true)), Some(Proof::Visible));
    }
}
