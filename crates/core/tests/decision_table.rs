//! Every row of the decision table of `register`, under every policy (I1 to I5).
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use dockline::ports::InsertOutcome;
use dockline::rules::claim::Claim;
use dockline::rules::register::{Decision, Registered, classify, decide, verify};
use dockline::{
    Account, AccountId, AccountKind, AppId, Binding, ClaimMembership, ClaimPolicy, Installation,
    InstallationId, InstalledOn, InstallerRecord, IssuedState, Life, OrganizationId, Presence, Proof,
    RefusalReason, RegisterError, SecretDigest, Status, VerifiedClaim,
};
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const POLICIES: &[ClaimPolicy] = ClaimPolicy::ALL;
const PROOFS: [Proof; 4] = [Proof::State, Proof::Visible, Proof::Administered, Proof::Installed];

fn wanted() -> InstallationId {
    InstallationId::new(50_291_845).unwrap()
}

fn another() -> InstallationId {
    InstallationId::new(50_291_846).unwrap()
}

fn account(id: u64) -> Account {
    Account { id: AccountId::new(id).unwrap(), login: "acme-coffee".into(), kind: AccountKind::Organization }
}

fn binding(installation: InstallationId) -> Binding {
    Binding {
        organization: OrganizationId::new("org_1").unwrap(),
        installation,
        account: account(1),
        status: Status::Active,
        life: Life { presence: Presence::Shown, observed_at: NOW, next_look_at: None },
        proof: Proof::Administered,
        proven_by: None,
        actor: "user:ann".parse().unwrap(),
        registered_at: NOW,
        last_verified_at: NOW,
        generation: 1,
    }
}

fn claim(installation: InstallationId, proof: Proof) -> VerifiedClaim {
    VerifiedClaim {
        installation,
        account: AccountId::new(1).unwrap(),
        proof,
        visitor: AccountId::new(2).unwrap(),
        membership: ClaimMembership::Member,
    }
}

fn state(expires_in: Duration, claim: Option<VerifiedClaim>) -> IssuedState {
    IssuedState {
        digest: SecretDigest::of(b"state"),
        organization: OrganizationId::new("org_1").unwrap(),
        organization_name: "One".parse().unwrap(),
        actor: "user:ann".parse().unwrap(),
        return_url: "https://app.example.com/".into(),
        issued_at: NOW,
        expires_at: NOW + expires_in,
        pending: Vec::new(),
        answered: None,
        claim,
        revoked: false,
    }
}

#[test]
fn every_row_under_every_policy() {
    let fresh = Duration::minutes(1);
    for &policy in POLICIES {
        // Every kind of state, and its decision if the organization has no binding.
        let mut states = vec![
            (None, Decision::Refuse(RefusalReason::UnknownState)),
            (Some(state(Duration::ZERO, None)), Decision::Refuse(RefusalReason::ExpiredState)),
            (Some(state(-fresh, None)), Decision::Refuse(RefusalReason::ExpiredState)),
            (
                Some(state(fresh, None)),
                match policy {
                    ClaimPolicy::State => Decision::Proceed(Claim::State),
                    ClaimPolicy::Visible | ClaimPolicy::Installer | ClaimPolicy::Controlled => {
                        Decision::Refuse(RefusalReason::Unproven)
                    }
                },
            ),
        ];
        for proof in PROOFS {
            let sufficient = match policy {
                ClaimPolicy::State => true,
                ClaimPolicy::Visible => proof != Proof::State,
                // Without the installer's record, "installed" proves no more than "visible".
                ClaimPolicy::Installer | ClaimPolicy::Controlled => proof == Proof::Administered,
            };
            let right = claim(wanted(), proof);
            let expected = if sufficient {
                let without_record = if proof == Proof::Installed { Proof::Visible } else { proof };
                Decision::Proceed(Claim::Verified(VerifiedClaim { proof: without_record, ..right }))
            } else {
                Decision::Refuse(RefusalReason::Unproven)
            };
            states.push((Some(state(fresh, Some(right))), expected));
            let wrong = Some(state(fresh, Some(claim(another(), proof))));
            states.push((wrong, Decision::Refuse(RefusalReason::TiedToAnother)));
            let late = Some(state(Duration::ZERO, Some(right)));
            states.push((late, Decision::Refuse(RefusalReason::ExpiredState)));
        }
        for (state, unbound) in &states {
            let state = state.as_ref();
            assert_eq!(decide(wanted(), None, state, policy, None, NOW), *unbound, "{policy} {state:?}");
            // With a binding, the state does not matter.
            let same = decide(wanted(), Some(binding(wanted())), state, policy, None, NOW);
            assert_eq!(same, Decision::Replay(binding(wanted())), "{policy} {state:?}");
            let other = decide(wanted(), Some(binding(another())), state, policy, None, NOW);
            assert_eq!(other, Decision::Conflict(binding(another())), "{policy} {state:?}");
        }
    }
}

#[test]
fn the_outcome_of_the_insert_decides_what_is_returned() {
    let refused = |outcome| match classify(wanted(), outcome) {
        Err(RegisterError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(InsertOutcome::Taken), RefusalReason::Taken);
    assert_eq!(refused(InsertOutcome::Spent), RefusalReason::SpentState);
    assert_eq!(refused(InsertOutcome::Gone), RefusalReason::Gone);
    let (same, other) = (binding(wanted()), binding(another()));
    let stored = |outcome| classify(wanted(), outcome).unwrap();
    assert_eq!(stored(InsertOutcome::Inserted(same.clone())), Registered::Created(same.clone()));
    assert_eq!(stored(InsertOutcome::Occupied(same.clone())), Registered::Replayed(same));
    match classify(wanted(), InsertOutcome::Occupied(other.clone())) {
        Err(RegisterError::Conflict(bound)) => assert_eq!(*bound, other),
        unexpected => panic!("{unexpected:?}"),
    }
}

#[test]
fn a_reported_installation_is_checked_against_the_app_and_the_account_of_the_claim() {
    let our_app = AppId::new(7).unwrap();
    let installation = |app: u64, installed_on| Installation {
        id: wanted(),
        app: AppId::new(app).unwrap(),
        installed_on,
        suspended: false,
        facts: Default::default(),
    };
    let tied = Claim::Verified(claim(wanted(), Proof::Administered));
    let ours = installation(7, InstalledOn::Account(account(1)));
    assert_eq!(verify(&ours, our_app, &tied), Ok(account(1)));
    assert_eq!(verify(&ours, our_app, &Claim::State), Ok(account(1)));
    let foreign = installation(8, InstalledOn::Account(account(1)));
    assert_eq!(verify(&foreign, our_app, &tied), Err(RefusalReason::ForeignApp));
    // L-13, L-53: accounts are matched by id, not by login.
    let moved = installation(7, InstalledOn::Account(account(9)));
    assert_eq!(verify(&moved, our_app, &tied), Err(RefusalReason::AccountChanged));
    let enterprise = InstalledOn::Enterprise { id: AccountId::new(1).unwrap(), slug: "acme".into() };
    for unbindable in [enterprise, InstalledOn::Unknown] {
        let got = verify(&installation(7, unbindable), our_app, &Claim::State);
        assert_eq!(got, Err(RefusalReason::UnbindableAccount));
    }
}

#[test]
fn all_refusals_about_an_installation_have_the_same_issue_i_10() {
    use RefusalReason as R;
    let about_the_installation = [
        R::TiedToAnother,
        R::Unproven,
        R::NoSuchInstallation,
        R::ForeignApp,
        R::UnbindableAccount,
        R::AccountChanged,
        R::Taken,
        R::SpentState,
        R::Gone,
        R::Denied,
    ];
    for reason in about_the_installation {
        assert_eq!(reason.issue(), R::NoSuchInstallation.issue(), "{reason:?}");
    }
}

#[test]
fn a_visitor_proves_the_installation_by_having_installed_it_under_the_policies_that_need_it() {
    let fresh = Duration::minutes(1);
    let record = |number, members_permission| {
        Some(InstallerRecord { installer: AccountId::new(number).unwrap(), members_permission })
    };
    for &policy in POLICIES {
        for proof in [Proof::Visible, Proof::Installed] {
            for &membership in ClaimMembership::ALL {
                let claim = VerifiedClaim { membership, ..claim(wanted(), proof) };
                let state = state(fresh, Some(claim));
                let decision = |record| decide(wanted(), None, Some(&state), policy, record, NOW);
                let with_members = match policy {
                    ClaimPolicy::State | ClaimPolicy::Visible => false,
                    ClaimPolicy::Installer => {
                        matches!(membership, ClaimMembership::Member | ClaimMembership::UnknownNew)
                    }
                    ClaimPolicy::Controlled => membership == ClaimMembership::Member,
                };
                let without_members = with_members && policy == ClaimPolicy::Installer;
                let proven = Claim::Verified(VerifiedClaim { proof: Proof::Installed, ..claim });
                for (members_permission, proves) in [(true, with_members), (false, without_members)] {
                    let decided = decision(record(2, members_permission));
                    let expected = if proves { Decision::Proceed(proven) } else { decision(None) };
                    assert_eq!(decided, expected, "{policy} {proof} {membership} {members_permission}");
                    assert_eq!(decision(record(3, members_permission)), decision(None), "{policy} {proof}");
                }
            }
        }
        // It proves nothing without a confirmed claim, or for another installation.
        let installed = record(2, true);
        let untied = decide(wanted(), None, Some(&state(fresh, None)), policy, installed, NOW);
        let unknown = decide(wanted(), None, Some(&state(fresh, None)), policy, None, NOW);
        assert_eq!(untied, unknown);
        let elsewhere = state(fresh, Some(claim(another(), Proof::Visible)));
        let elsewhere = decide(wanted(), None, Some(&elsewhere), policy, installed, NOW);
        assert_eq!(elsewhere, Decision::Refuse(RefusalReason::TiedToAnother));
    }
}
