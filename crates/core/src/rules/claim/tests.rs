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
        (Proof::Imported, [true, true, true, true]),
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
