//! An installation that GitHub denies the App: a setting of the customer, so an outcome with its cause (L-74).

use dockline::ports::{Event, ListOutcome, MintOutcome};
use dockline::{
    Binding, ClaimPolicy, DenialCause, DetachError, ErrorCode, InstallationId, RefreshOutcome, RefusalReason,
    RegisterError, RepositoriesError, RepositoriesQuery, TokenError, TokenScope, Uninstall,
};

use crate::support::{World, acme};

const CAUSE: DenialCause = DenialCause::IpBlocked;

fn denied(installation: InstallationId) -> Vec<Event> {
    vec![Event::Denied { organization: Some(acme().organization), installation, cause: CAUSE }]
}

async fn repositories(world: &World) -> Result<(), RepositoriesError> {
    let query = RepositoriesQuery::parse(None, None, None).unwrap();
    world.dockline.repositories(&acme().organization, &query).await.map(drop)
}

#[track_caller]
fn assert_denied(error: RepositoriesError, bound: &Binding, expected: DenialCause) {
    assert_eq!(error.code(), ErrorCode::Validation);
    match error {
        RepositoriesError::Denied { binding, cause } => {
            assert_eq!((binding.installation, cause), (bound.installation, expected));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proven_registration_is_told_the_cause_and_succeeds_once_the_setting_is_changed_c08() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    world.github.deny(id, CAUSE);
    let (outcome, events) = world.observed(world.register(&acme(), id, &state)).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Validation);
    assert!(matches!(error, RegisterError::Denied(CAUSE)), "{error:?}");
    assert_eq!(events, denied(id));
    assert_eq!(world.stored_binding().await, None);
    world.github.allow(id);
    world.register(&acme(), id, &state).await.unwrap();
}

/// Under the policy `state` the caller has proven nothing, and must not learn that the installation exists.
#[tokio::test]
async fn an_unproven_registration_of_a_denied_installation_looks_like_any_other_refusal_i_10() {
    let world = World::with(|builder| builder.with_policy(ClaimPolicy::State));
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    world.github.deny(id, CAUSE);
    match world.register(&acme(), id, &state).await {
        Err(RegisterError::Refused(reason)) => {
            assert_eq!(reason, RefusalReason::Denied);
            assert_eq!(reason.issue(), RefusalReason::NoSuchInstallation.issue());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_denied_lookup_stores_nothing_and_gives_no_token_c08() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.deny(bound.installation, CAUSE);
    let (outcome, events) = world.observed(world.dockline.refresh(bound.installation)).await;
    assert_eq!(outcome.unwrap(), RefreshOutcome::Denied(CAUSE));
    assert_eq!(events, denied(bound.installation));
    let token = world.dockline.token(&acme().organization, &TokenScope::everything()).await;
    assert!(matches!(token, Err(TokenError::Denied(CAUSE))), "{token:?}");
    assert_denied(repositories(&world).await.unwrap_err(), &bound, CAUSE);
    assert_eq!(world.stored_binding().await, Some(bound));
    assert_eq!(world.github.minted(), 0);
}

#[tokio::test]
async fn a_denied_mint_or_listing_names_the_callers_binding_and_the_cause_c08() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.script_mint(MintOutcome::Denied(CAUSE));
    let (outcome, events) = world.observed(repositories(&world)).await;
    assert_denied(outcome.unwrap_err(), &bound, CAUSE);
    assert_eq!(events, denied(bound.installation));

    world.github.script_pages([ListOutcome::Denied(DenialCause::LegalBlock)]);
    assert_denied(repositories(&world).await.unwrap_err(), &bound, DenialCause::LegalBlock);

    // What the installation was not granted is a permission that its account has to accept.
    world.dockline.revoke_tokens().await;
    world.github.script_mint(MintOutcome::NotGranted {
        message: "There is at least one repository that is not accessible to the parent installation.".into(),
    });
    let minted = world.github.minted();
    assert_denied(repositories(&world).await.unwrap_err(), &bound, DenialCause::PermissionMissing);
    assert_eq!(world.github.minted(), minted, "it is not retried");
    world.github.set_repositories([1]);
    repositories(&world).await.unwrap();
}

#[tokio::test]
async fn a_denied_uninstallation_changes_nothing_and_a_detach_without_it_works_c08() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.deny(bound.installation, CAUSE);
    let (outcome, events) = world.observed(world.dockline.detach(&acme(), Uninstall::Yes)).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Validation);
    assert!(
        matches!(&error, DetachError::Denied { binding, cause: CAUSE } if **binding == bound),
        "{error:?}"
    );
    assert_eq!(events, denied(bound.installation));
    assert_eq!(world.stored_binding().await, Some(bound));
    world.dockline.detach(&acme(), Uninstall::No).await.unwrap();
}
