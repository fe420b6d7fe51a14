//! Bindings on the operator's word.

use dockline::ports::{BindingRepo, Event, Observation};
use dockline::{
    AccountId, Actor, AppId, ClaimPolicy, DenialCause, ImportMode, ImportOutcome, ImportRefusal, ImportRow,
    InstallationId, InstalledOn, Proof, Registered, RegistrationRequest, State, Status,
};
use dockline_testkit::faults::Fault;
use dockline_testkit::fixtures::{account_id, installation};
use time::Duration;

use crate::support::{World, account_of, acme, rival};

fn operator() -> Actor {
    "operator".parse().unwrap()
}

/// The row of acme for an installation on its account.
fn row(id: InstallationId) -> ImportRow {
    ImportRow {
        organization: acme().organization,
        installation: id,
        account: AccountId::new(1_000 + id.get()).unwrap(),
        login: None,
    }
}

async fn import(world: &World, row: &ImportRow, mode: ImportMode) -> ImportOutcome {
    world.dockline.import(row, &operator(), mode).await.unwrap()
}

async fn refusal(world: &World, row: &ImportRow) -> ImportRefusal {
    let mut outcomes = Vec::new();
    for mode in [ImportMode::DryRun, ImportMode::Apply] {
        outcomes.push(import(world, row, mode).await);
    }
    assert_eq!(outcomes[0], outcomes[1], "a dry run refuses what an import refuses");
    match outcomes.pop() {
        Some(ImportOutcome::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_an_import_binds_once() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let account = account_of(1, "acme-coffee");
    let row = ImportRow { login: Some("ACME-coffee".into()), ..row(id) };
    let before = world.event_count();
    assert_eq!(import(&world, &row, ImportMode::DryRun).await, ImportOutcome::Imported(account.clone()));
    assert_eq!(world.stored_binding().await, None);
    assert_eq!(world.new_events(before), []);

    assert_eq!(import(&world, &row, ImportMode::Apply).await, ImportOutcome::Imported(account.clone()));
    let bound = world.stored_binding().await.unwrap();
    assert_eq!((bound.installation, &bound.account, bound.proof), (id, &account, Proof::Imported));
    assert_eq!((bound.proven_by, &bound.actor), (None, &operator()));
    let expected = Event::Registered {
        organization: acme().organization,
        actor: operator(),
        installation: id,
        proof: Proof::Imported,
    };
    assert_eq!(world.new_events(before), [expected]);

    let lookups = world.lookups();
    for mode in [ImportMode::DryRun, ImportMode::Apply] {
        assert_eq!(import(&world, &row, mode).await, ImportOutcome::Unchanged);
    }
    assert_eq!(world.stored_binding().await, Some(bound));
    assert_eq!((world.lookups(), world.event_count()), (lookups, before + 1));
}

#[tokio::test]
async fn an_imported_binding_works_under_every_policy_and_is_replayed() {
    for policy in ClaimPolicy::ALL {
        let world = World::with(|builder| builder.with_policy(*policy));
        let id = world.github.install(1, "acme-coffee");
        import(&world, &row(id), ImportMode::Apply).await;
        let state = State::parse("a-state-that-was-never-issued").unwrap();
        let request = RegistrationRequest { installation: id, state };
        let again = world.dockline.register(&acme(), &request).await.unwrap();
        assert!(matches!(again, Registered::Replayed(bound) if bound.proof == Proof::Imported));
    }
}

#[tokio::test]
async fn a_suspended_installation_is_imported_as_suspended_and_again_after_a_detach() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    world.github.suspend(id, true);
    import(&world, &row(id), ImportMode::Apply).await;
    assert_eq!(world.stored_binding().await.unwrap().status, Status::Suspended);
    world.dockline.detach(&acme(), dockline::Uninstall::No).await.unwrap();
    assert!(matches!(import(&world, &row(id), ImportMode::Apply).await, ImportOutcome::Imported(_)));
    assert_eq!(world.stored.history(&acme().organization).len(), 2);
}

#[tokio::test]
async fn taken_rows_are_conflicts_and_nothing_moves() {
    let world = World::new();
    let [first, second] = [1, 2].map(|number| world.github.install(number, "acme-coffee"));
    world.bind(&acme(), first).await;
    assert_eq!(refusal(&world, &row(second)).await, ImportRefusal::OrganizationBound(first));
    let taken = ImportRow { organization: rival().organization, ..row(first) };
    assert_eq!(refusal(&world, &taken).await, ImportRefusal::InstallationTaken);
    let another = ImportRow { account: account_id(9), ..row(first) };
    assert_eq!(refusal(&world, &another).await, ImportRefusal::BoundOnAnotherAccount(account_id(1_001)));
    assert_eq!(world.stored_binding().await.unwrap().installation, first);
}

#[tokio::test]
async fn what_github_says_otherwise_is_refused() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let account = account_of(1, "acme-coffee");
    let another = ImportRow { account: account_id(9), ..row(id) };
    assert_eq!(refusal(&world, &another).await, ImportRefusal::AnotherAccount(account));
    let renamed = ImportRow { login: Some("acme-tea".into()), ..row(id) };
    assert_eq!(refusal(&world, &renamed).await, ImportRefusal::AnotherLogin("acme-coffee".into()));
    assert_eq!(refusal(&world, &row(installation(9))).await, ImportRefusal::NotFound);
    world.github.deny(id, DenialCause::IpBlocked);
    assert_eq!(refusal(&world, &row(id)).await, ImportRefusal::Denied(DenialCause::IpBlocked));
    let id = world.github.install(3, "acme-coffee");
    world.github.change(id, |installation| installation.app = AppId::new(8).unwrap());
    assert_eq!(refusal(&world, &row(id)).await, ImportRefusal::AnotherApp);
    let id = world.github.install(2, "acme-coffee");
    world.github.change(id, |installation| installation.installed_on = InstalledOn::Unknown);
    assert_eq!(refusal(&world, &row(id)).await, ImportRefusal::UnbindableAccount);
    assert_eq!(world.stored_binding().await, None);
}

#[tokio::test]
async fn an_installation_that_ended_is_refused_without_asking_github_and_an_absent_one_is_imported() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    world.dockline.refresh(id).await.unwrap();
    world
        .stored
        .observe(
            id,
            Observation::Ending { at: world.stored.installation(id).await.unwrap().unwrap().verified_at },
        )
        .await
        .unwrap();
    let lookups = world.lookups();
    assert_eq!(refusal(&world, &row(id)).await, ImportRefusal::Gone);
    assert_eq!(world.lookups(), lookups);
    world.clock.advance(Duration::minutes(16));
    assert!(matches!(import(&world, &row(id), ImportMode::Apply).await, ImportOutcome::Imported(_)));
}

#[tokio::test]
async fn a_failure_writes_nothing_and_the_same_row_can_be_imported_again() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    for method in ["find", "installation", "insert"] {
        world.bindings.set(Fault::FailsBefore.once().of(method));
        assert!(world.dockline.import(&row(id), &operator(), ImportMode::Apply).await.is_err());
        assert_eq!(world.stored_binding().await, None);
    }
    // The answer is lost, and the repetition finds the binding.
    world.bindings.set(Fault::LosesAnswer.once().of("insert"));
    assert!(world.dockline.import(&row(id), &operator(), ImportMode::Apply).await.is_err());
    assert_eq!(import(&world, &row(id), ImportMode::Apply).await, ImportOutcome::Unchanged);
}
