//! Decides whether a claim to an installation is proven.
//!
//! | proof | needs |
//! |---|---|
//! | [`Proof::State`] | a live state of the caller's organization |
//! | [`Proof::Visible`] | the visitor sees the installation |
//! | [`Proof::Installed`] | the record of the installation names the visitor, and GitHub does not report them as an outsider |
//! | [`Proof::Administered`] | a user account is the visitor's own; the visitor is an administrator of the organization |
//!
//! | policy | accepts |
//! |---|---|
//! | [`ClaimPolicy::State`] | every proof |
//! | [`ClaimPolicy::Visible`] | `Visible`, `Installed`, `Administered` |
//! | [`ClaimPolicy::Installer`] | `Administered`; `Installed` by a member, or by a visitor of unknown membership if the App may not see it and the installation is not older than the state |
//! | [`ClaimPolicy::Controlled`] | `Administered`; `Installed` by a member if the record lists the permission "Members" |
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
        ClaimPolicy::Visible => matches!(proof, Proof::Visible | Proof::Administered | Proof::Installed),
        ClaimPolicy::Installer | ClaimPolicy::Controlled => {
            matches!(proof, Proof::Administered | Proof::Installed)
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
        proof @ (Proof::State | Proof::Visible | Proof::Administered) => proof,
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
mod tests {
    use super::*;
    use crate::model::AccountId;

    const VISITOR: u64 = 7;

    fn id(number: u64) -> AccountId {
        AccountId::new(number).unwrap()
    }

    fn on(id: u64, kind: AccountKind) -> Visibility {
        let id = AccountId::new(id).unwrap();
        Visibility::Seen(InstalledOn::Account(Account { id, login: "acme".into(), kind }))
    }

    fn facts(visibility: Visibility, membership: Membership) -> VisitorFacts {
        let installation_age = Some(Duration::MINUTE);
        VisitorFacts { visitor: id(VISITOR), visibility, membership, installation_age }
    }

    fn evaluated(facts: &VisitorFacts) -> Result<VerifiedClaim, CallbackRefusal> {
        let installation = InstallationId::new(1).unwrap();
        evaluate(facts, installation, Duration::MINUTE).map(|(_, claim)| claim)
    }

    const REASONS: [UnknownReason; 7] = [
        UnknownReason::SsoRequired { url: None },
        UnknownReason::IpBlocked,
        UnknownReason::PermissionMissing,
        UnknownReason::AccountSuspended,
        UnknownReason::Denied,
        UnknownReason::Unavailable,
        UnknownReason::TooManyInstallations,
    ];

    #[test]
    fn a_policy_accepts_its_own_proof_and_stronger_ones() {
        use ClaimPolicy as Policy;
        assert_eq!(Policy::ALL, [Policy::State, Policy::Visible, Policy::Installer, Policy::Controlled]);
        let table = [
            (Proof::State, [true, false, false, false]),
            (Proof::Visible, [true, true, false, false]),
            (Proof::Administered, [true, true, true, true]),
            (Proof::Installed, [true, true, true, true]),
        ];
        for (proof, expected) in table {
            let got: Vec<_> = Policy::ALL.iter().map(|policy| suffices(proof, *policy)).collect();
            assert_eq!(got, expected, "{proof}");
        }
        assert_eq!(Policy::default(), Policy::Controlled);
    }

    #[test]
    fn a_visitor_who_sees_an_installation_does_not_administer_it_l_08() {
        use ClaimMembership as C;
        use Membership as M;
        let organization = || on(9, AccountKind::Organization);
        let claim = |visibility, membership| {
            evaluated(&facts(visibility, membership)).map(|claim| (claim.proof, claim.membership))
        };
        assert_eq!(claim(organization(), M::Outsider), Ok((Proof::Visible, C::Outsider)));
        assert_eq!(claim(organization(), M::Member), Ok((Proof::Visible, C::Member)));
        let administrator = Ok((Proof::Administered, C::Administrator));
        assert_eq!(claim(organization(), M::Administrator), administrator);
        for reason in REASONS {
            let permission_missing = reason == UnknownReason::PermissionMissing;
            let expected = if permission_missing { C::UnknownNew } else { C::Unknown };
            assert_eq!(claim(organization(), M::Unknown(reason)), Ok((Proof::Visible, expected)));
        }
        // A user account is its user's alone, whatever the membership.
        for membership in [M::Administrator, M::Member, M::Outsider] {
            assert_eq!(claim(on(VISITOR, AccountKind::User), membership.clone()), administrator);
            assert_eq!(claim(on(8, AccountKind::User), membership), Ok((Proof::Visible, C::Outsider)));
        }
        // An administrator who does not see the installation has proven nothing.
        assert_eq!(claim(Visibility::NotSeen, M::Administrator), Err(CallbackRefusal::NotVisible));
        for reason in REASONS {
            let refusal = refusal_of(&reason);
            assert_eq!(claim(Visibility::Unknown(reason), M::Administrator), Err(refusal));
        }
        let enterprise = InstalledOn::Enterprise { id: id(3), slug: "acme".into() };
        for owner in [enterprise, InstalledOn::Unknown] {
            let refused = claim(Visibility::Seen(owner), M::Administrator);
            assert_eq!(refused, Err(CallbackRefusal::UnbindableAccount));
        }
    }

    #[test]
    fn an_installation_is_new_if_it_is_at_most_five_seconds_older_than_the_state_c75() {
        let membership = Membership::Unknown(UnknownReason::PermissionMissing);
        let mut facts = facts(on(9, AccountKind::Organization), membership);
        for (age, expected) in [
            (Some(0), ClaimMembership::UnknownNew),
            (Some(65), ClaimMembership::UnknownNew),
            (Some(66), ClaimMembership::Unknown),
            (Some(29 * 86_400), ClaimMembership::Unknown),
            (None, ClaimMembership::Unknown),
        ] {
            facts.installation_age = age.map(Duration::seconds);
            assert_eq!(evaluated(&facts).unwrap().membership, expected, "{age:?}");
        }
    }

    /// The proof that the record of the visitor's own installation gives, and the refusal without it: for each membership,
    /// under each policy.
    #[test]
    fn the_record_counts_by_membership_policy_and_permission_l_69_c05_c75() {
        use ClaimMembership as C;
        use ClaimPolicy as P;
        let own = |members_permission| Some(InstallerRecord { installer: id(VISITOR), members_permission });
        let others = Some(InstallerRecord { installer: id(8), members_permission: true });
        let claim = |membership| VerifiedClaim {
            installation: InstallationId::new(1).unwrap(),
            account: id(9),
            proof: Proof::Visible,
            visitor: id(VISITOR),
            membership,
        };
        // By policy: the proof with a record that lists "Members", and with one that does not.
        let table = [
            (C::Member, P::Controlled, [true, false]),
            (C::Member, P::Installer, [true, true]),
            (C::UnknownNew, P::Controlled, [false, false]),
            (C::UnknownNew, P::Installer, [true, true]),
            (C::Unknown, P::Controlled, [false, false]),
            (C::Unknown, P::Installer, [false, false]),
            (C::Outsider, P::Controlled, [false, false]),
            (C::Outsider, P::Installer, [false, false]),
            // Seeing the installation suffices; the record is not read.
            (C::Member, P::Visible, [false, false]),
            (C::Member, P::State, [false, false]),
        ];
        for (membership, policy, expected) in table {
            for (members_permission, installed) in [true, false].into_iter().zip(expected) {
                for proof in [Proof::Visible, Proof::Installed] {
                    let claim = VerifiedClaim { proof, ..claim(membership) };
                    let proven = with_installer(claim, own(members_permission), policy).proof;
                    let wanted = if installed { Proof::Installed } else { Proof::Visible };
                    assert_eq!(proven, wanted, "{membership} {policy} {members_permission}");
                    assert_eq!(with_installer(claim, None, policy).proof, Proof::Visible);
                    assert_eq!(with_installer(claim, others, policy).proof, Proof::Visible);
                }
            }
            let awaited = awaits_installer(&claim(membership), policy);
            assert_eq!(awaited, expected.contains(&true), "{membership} {policy}");
        }
        let administered = VerifiedClaim { proof: Proof::Administered, ..claim(C::Administrator) };
        for policy in P::ALL {
            assert!(!awaits_installer(&administered, *policy));
            assert_eq!(with_installer(administered, own(true), *policy).proof, Proof::Administered);
        }
    }

    #[test]
    fn each_weak_proof_has_a_refusal_of_its_own_l_73_c06() {
        let record = InstallerRecord { installer: id(VISITOR), members_permission: false };
        let refusal = |membership, policy, record: Option<&InstallerRecord>| {
            let mut facts = facts(on(9, AccountKind::Organization), membership);
            facts.installation_age = Some(Duration::DAY);
            weak_proof(&evaluated(&facts).unwrap(), &facts, record, policy)
        };
        for policy in [ClaimPolicy::Installer, ClaimPolicy::Controlled] {
            assert_eq!(refusal(Membership::Member, policy, None), CallbackRefusal::NotAdministered);
            assert_eq!(refusal(Membership::Outsider, policy, Some(&record)), CallbackRefusal::NotMember);
            for reason in REASONS {
                let expected = refusal_of(&reason);
                assert_eq!(refusal(Membership::Unknown(reason), policy, None), expected);
            }
        }
        let unknown = || Membership::Unknown(UnknownReason::PermissionMissing);
        let old = refusal(unknown(), ClaimPolicy::Installer, Some(&record));
        assert_eq!(old, CallbackRefusal::InstalledTooLongAgo);
        let controlled = refusal(unknown(), ClaimPolicy::Controlled, Some(&record));
        assert_eq!(controlled, CallbackRefusal::PermissionMissing);
        let users = facts(on(8, AccountKind::User), Membership::Outsider);
        let users = weak_proof(&evaluated(&users).unwrap(), &users, None, ClaimPolicy::Controlled);
        assert_eq!(users, CallbackRefusal::NotAdministered);
    }
}
