//! What GitHub says about a visitor's membership, and what it does not say: each has its own outcome (L-69, L-73).

use dockline::ports::{BindingRepo, Event, VisitorCheck};
use dockline::{
    CallbackError, CallbackRefusal, ClaimPolicy, ErrorCode, InstallationId, InstalledOn, InstallerRecord,
    Membership, Proof, RefusalReason, RegisterError, State, UnknownReason, Visibility, VisitorFacts,
};
use dockline_testkit::fixtures::{NOON, account_id};
use time::Duration;

use crate::support::{VISITOR, World, account_of, acme, claim_of, prompt, refusal, refused_event};

fn world(policy: ClaimPolicy) -> World {
    World::with(|builder| builder.with_policy(policy))
}

/// Issues a code of a visitor who sees the installation, with this membership.
async fn visitor(world: &World, membership: Membership) -> (InstallationId, State) {
    let id = world.github.install(1, "acme-coffee");
    let seen = Visibility::Seen(InstalledOn::Account(account_of(1, "acme-coffee")));
    world.github.visitor_of("code", seen, membership);
    (id, world.state().await)
}

async fn record(world: &World, id: InstallationId, members_permission: bool) {
    let record = InstallerRecord { installer: account_id(VISITOR), members_permission };
    world.stored.record_installer(id, record, NOON).await.unwrap();
}

const fn missing() -> Membership {
    Membership::Unknown(UnknownReason::PermissionMissing)
}

#[tokio::test]
async fn each_unknown_membership_is_refused_for_its_own_reason_c06() {
    for (reason, expected, code) in [
        (UnknownReason::SsoRequired { url: None }, CallbackRefusal::SsoRequired, ErrorCode::Validation),
        (UnknownReason::IpBlocked, CallbackRefusal::IpBlocked, ErrorCode::Validation),
        (UnknownReason::PermissionMissing, CallbackRefusal::PermissionMissing, ErrorCode::Validation),
        (UnknownReason::AccountSuspended, CallbackRefusal::AccountSuspended, ErrorCode::Validation),
        (UnknownReason::Denied, CallbackRefusal::AccessDenied, ErrorCode::Validation),
        (UnknownReason::TooManyInstallations, CallbackRefusal::TooManyInstallations, ErrorCode::Validation),
        // GitHub's failure is not the visitor's to solve.
        (UnknownReason::Unavailable, CallbackRefusal::MembershipUnavailable, ErrorCode::PlatformError),
    ] {
        for hidden in [false, true] {
            let world = world(ClaimPolicy::Controlled);
            let (id, state) = visitor(&world, Membership::Unknown(reason.clone())).await;
            if hidden {
                let unknown = Visibility::Unknown(reason.clone());
                world.github.visitor_of("code", unknown, Membership::Outsider);
            } else {
                // The record of the installation outweighs no unknown membership.
                record(&world, id, true).await;
            }
            let (outcome, events) = world.observed(world.visit(&state, id, "code")).await;
            assert_eq!(outcome.as_ref().unwrap_err().code(), code);
            assert_eq!(refusal(outcome), expected);
            assert_eq!(events, refused_event(Some(id), expected));
            // The state still works for an administrator.
            world.asked(&state, id).await;
        }
    }
}

#[tokio::test]
async fn the_refusal_has_githubs_page_to_sign_in_c06() {
    let url = "https://github.com/orgs/acme-coffee/sso?authorization_request=A1";
    let sso = || UnknownReason::SsoRequired { url: Some(url.into()) };
    let seen = Visibility::Seen(InstalledOn::Account(account_of(1, "acme-coffee")));
    for (visibility, membership) in
        [(seen, Membership::Unknown(sso())), (Visibility::Unknown(sso()), Membership::Outsider)]
    {
        let world = world(ClaimPolicy::Controlled);
        let (id, state) = visitor(&world, Membership::Member).await;
        world.github.visitor_of("code", visibility, membership);
        let (outcome, events) = world.observed(world.visit(&state, id, "code")).await;
        match outcome {
            Err(error @ CallbackError::Refused { .. }) => {
                assert_eq!(error.refusal(), Some(CallbackRefusal::SsoRequired));
                assert_eq!(error.ways_out().single_sign_on.as_deref(), Some(url));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(events, refused_event(Some(id), CallbackRefusal::SsoRequired));
    }
}

#[tokio::test]
async fn a_suspended_visitor_is_refused_and_our_credential_is_not_at_fault_c07() {
    let world = world(ClaimPolicy::Controlled);
    let (id, state) = visitor(&world, Membership::Member).await;
    world.github.script_visitor("code", VisitorCheck::Denied(UnknownReason::AccountSuspended));
    let outcome = world.visit(&state, id, "code").await;
    assert_eq!(outcome.as_ref().unwrap_err().code(), ErrorCode::Validation);
    assert_eq!(refusal(outcome), CallbackRefusal::AccountSuspended);
}

#[tokio::test]
async fn a_policy_that_needs_no_membership_accepts_an_unknown_one() {
    for reason in [UnknownReason::IpBlocked, UnknownReason::PermissionMissing, UnknownReason::Unavailable] {
        let world = world(ClaimPolicy::Visible);
        let (id, state) = visitor(&world, Membership::Unknown(reason)).await;
        let prompt = prompt(world.visit(&state, id, "code").await);
        world.answer(&prompt, true).await.unwrap();
        let registered = world.register(&acme(), id, &state).await.unwrap();
        assert_eq!(registered.binding().proof, Proof::Visible);
    }
}

/// An administrator installs the App, leaves the organization, and keeps read access to one repository.
#[tokio::test]
async fn whoever_left_the_organization_is_refused_although_they_installed_the_app_l_69_c05() {
    for policy in [ClaimPolicy::Installer, ClaimPolicy::Controlled] {
        for recorded in [true, false] {
            let world = world(policy);
            let (id, state) = visitor(&world, Membership::Outsider).await;
            if recorded {
                record(&world, id, true).await;
            } else {
                world.github.log_installer(id, VISITOR);
            }
            assert_eq!(refusal(world.visit(&state, id, "code").await), CallbackRefusal::NotMember);
            let early = world.register(&acme(), id, &state).await;
            assert!(matches!(early, Err(RegisterError::Refused(RefusalReason::Unproven))), "{early:?}");
        }
    }
}

/// The administrator of one repository can install an App that has no organization permissions.
#[tokio::test]
async fn an_installer_of_unknown_membership_needs_the_policy_installer_l_69_c75() {
    let controlled = world(ClaimPolicy::Controlled);
    let (id, state) = visitor(&controlled, missing()).await;
    record(&controlled, id, false).await;
    assert_eq!(refusal(controlled.visit(&state, id, "code").await), CallbackRefusal::PermissionMissing);

    let installer = world(ClaimPolicy::Installer);
    let (id, state) = visitor(&installer, missing()).await;
    record(&installer, id, false).await;
    let prompt = prompt(installer.visit(&state, id, "code").await);
    let (_, events) = installer.observed(installer.answer(&prompt, true)).await;
    let organization = acme().organization;
    assert_eq!(events, [Event::ClaimConfirmed { organization, installation: id, proof: Proof::Installed }]);
    let registered = installer.register(&acme(), id, &state).await.unwrap();
    assert_eq!(registered.binding().proof, Proof::Installed);
}

#[tokio::test]
async fn an_installation_that_is_older_than_the_state_proves_no_installer_of_unknown_membership_c75() {
    for (age, bound) in
        [(Duration::seconds(5), true), (Duration::seconds(6), false), (Duration::days(29), false)]
    {
        for (recorded, expected) in
            [(true, CallbackRefusal::InstalledTooLongAgo), (false, CallbackRefusal::PermissionMissing)]
        {
            let world = world(ClaimPolicy::Installer);
            let (id, state) = visitor(&world, missing()).await;
            if recorded {
                record(&world, id, false).await;
            }
            let facts = VisitorFacts {
                visitor: account_id(VISITOR),
                visibility: Visibility::Seen(InstalledOn::Account(account_of(1, "acme-coffee"))),
                membership: missing(),
                installation_age: Some(age),
            };
            world.github.script_visitor("code", VisitorCheck::Visitor(facts));
            let outcome = world.visit(&state, id, "code").await;
            if bound {
                prompt(outcome);
            } else {
                assert_eq!(refusal(outcome), expected, "{age}");
            }
        }
    }
}

/// The webhook arrives after the registration was tried: the membership of the visit still counts.
#[tokio::test]
async fn a_late_record_counts_by_the_membership_of_the_visit_and_the_recorded_permission_l_09_c75() {
    for (policy, membership, members_permission, bound) in [
        (ClaimPolicy::Controlled, Membership::Member, true, true),
        (ClaimPolicy::Controlled, Membership::Member, false, false),
        (ClaimPolicy::Installer, Membership::Member, false, true),
        (ClaimPolicy::Installer, missing(), false, true),
    ] {
        let world = world(policy);
        let (id, state) = visitor(&world, membership.clone()).await;
        let prompt = prompt(world.visit(&state, id, "code").await);
        world.answer(&prompt, true).await.unwrap();
        assert_eq!(claim_of(&world, &state).await.unwrap().proof, Proof::Visible);
        record(&world, id, members_permission).await;
        match world.register(&acme(), id, &state).await {
            Ok(registered) => assert!(bound && registered.binding().proof == Proof::Installed),
            Err(RegisterError::Refused(RefusalReason::Unproven)) => {
                assert!(!bound, "{policy} {membership:?}")
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}
