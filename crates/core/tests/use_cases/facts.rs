//! Facts about installations that are only shown: stored from lookups and deliveries.

use std::sync::Arc;

use dockline::ports::{BindingRepo, Directory, Observation};
use dockline::{
    InstallationFacts, InstallationId, Permissions, RefreshOutcome, Registered, RepositorySelection, Status,
    StoredFacts, Suspender,
};
use dockline_memory::MemoryBindingRepo;
use dockline_testkit::faults::{Fault, Faulty};
use dockline_testkit::fixtures::{NOON, account_id};
use serde_json::json;
use time::Duration;

use crate::lifecycle::webhooks::{deliver, payload};
use crate::support::{World, account_of, acme};

fn permissions(entries: &[(&str, &str)]) -> Permissions {
    Permissions::new(entries.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())))
}

fn facts(level: &str) -> InstallationFacts {
    InstallationFacts {
        permissions: permissions(&[("contents", level)]),
        repository_selection: Some(RepositorySelection::All),
        suspended_by: Some(Suspender { id: account_id(77), login: "ann".into() }),
        settings_url: Some("https://github.com/organizations/acme-coffee/settings/installations/1".into()),
    }
}

async fn stored(world: &World, id: InstallationId) -> Option<StoredFacts> {
    world.stored.facts(id).await.unwrap()
}

#[tokio::test]
async fn a_registration_and_each_refresh_store_the_facts_that_github_reports() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    world.github.change(id, |installation| installation.facts = facts("read"));
    let bound = world.bind(&acme(), id).await;
    let expected = StoredFacts { facts: facts("read"), observed_at: Some(bound.last_verified_at) };
    assert_eq!(stored(&world, id).await, Some(expected));

    world.github.change(id, |installation| installation.facts = facts("write"));
    world.clock.advance(Duration::HOUR);
    assert_eq!(world.dockline.refresh(id).await.unwrap(), RefreshOutcome::Present(Status::Active));
    let expected = StoredFacts { facts: facts("write"), observed_at: Some(NOON + Duration::HOUR) };
    assert_eq!(stored(&world, id).await, Some(expected));
}

#[tokio::test]
async fn a_link_that_is_no_https_page_of_the_apps_github_is_not_stored() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    for bad in ["https://evil.example/settings", "http://github.com/settings", "javascript:alert(1)"] {
        world.github.change(id, |installation| {
            installation.facts = InstallationFacts { settings_url: Some(bad.into()), ..facts("read") };
        });
        world.dockline.refresh(id).await.unwrap();
        let expected = InstallationFacts { settings_url: None, ..facts("read") };
        assert_eq!(stored(&world, id).await.unwrap().facts, expected, "{bad}");
    }
}

#[tokio::test]
async fn facts_of_another_account_or_app_are_not_stored() {
    let world = World::new();
    let bound = world.bound().await;
    let before = stored(&world, bound.installation).await;
    let another = world.github.truth(world.github.install(2, "another")).unwrap().installed_on;
    world.github.change(bound.installation, |installation| {
        installation.facts = facts("admin");
        installation.installed_on = another;
    });
    let outcome = world.dockline.refresh(bound.installation).await.unwrap();
    assert_eq!(outcome, RefreshOutcome::AccountChanged);
    assert_eq!(stored(&world, bound.installation).await, before);
}

#[tokio::test]
async fn a_delivery_stores_facts_only_where_no_lookup_has() {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let mut delivered = payload("suspend", id);
    delivered["installation"]["permissions"] = json!({ "contents": "read" });
    delivered["installation"]["suspended_by"] = json!({ "id": 77, "login": "ann" });
    delivered["installation"]["html_url"] = json!("https://evil.example/settings");
    // The installation is not known yet.
    deliver(&world, "installation", &delivered).await.unwrap();
    assert_eq!(stored(&world, id).await, None);
    // An earlier version stored the installation without facts.
    let observation = Observation::Present {
        status: Status::Active,
        account: account_of(1, "acme-coffee"),
        asked_at: NOON,
        next_look_at: NOON,
    };
    world.stored.observe(id, observation).await.unwrap();
    deliver(&world, "installation", &delivered).await.unwrap();
    let expected = InstallationFacts { repository_selection: None, settings_url: None, ..facts("read") };
    assert_eq!(stored(&world, id).await, Some(StoredFacts { facts: expected, observed_at: None }));

    world.github.change(id, |installation| installation.facts = facts("write"));
    world.dockline.refresh(id).await.unwrap();
    deliver(&world, "installation", &delivered).await.unwrap();
    assert_eq!(stored(&world, id).await.unwrap().facts, facts("write"));
}

#[tokio::test]
async fn a_registration_stores_its_facts_with_the_binding_and_a_refresh_fails_if_it_cannot_store_them() {
    let directory: Arc<dyn Directory> = Arc::new(MemoryBindingRepo::new());
    let directory = Arc::new(Faulty::over(directory).with(Fault::FailsBefore.always().of("record_facts")));
    let shared = Arc::clone(&directory);
    let world = World::with(move |builder| builder.with_directory(shared));
    let id = world.github.install(1, "acme-coffee");
    let state = world.confirmed(&acme(), id).await;
    assert!(matches!(world.register(&acme(), id, &state).await.unwrap(), Registered::Created(_)));
    assert_eq!(directory.count("record_facts"), 0, "one call stores both");
    assert_eq!(stored(&world, id).await.unwrap().observed_at, Some(NOON));
    world.github.suspend(id, true);
    assert!(world.dockline.refresh(id).await.is_err());
    // The status is stored nevertheless.
    assert_eq!(world.stored.installation(id).await.unwrap().unwrap().status, Status::Suspended);
}

#[tokio::test]
async fn permissions_that_the_app_requests_beyond_the_granted_ones_wait_for_acceptance() {
    let world = World::new();
    world.github.request(permissions(&[("contents", "write"), ("issues", "read")]));
    let waiting = world.dockline.waiting_permissions(&facts("read")).await.unwrap();
    let waiting: Vec<_> = waiting
        .iter()
        .map(|waiting| (waiting.name.as_str(), waiting.requested.as_str(), waiting.granted.as_deref()))
        .collect();
    assert_eq!(waiting, [("contents", "write", Some("read")), ("issues", "read", None)]);
}
