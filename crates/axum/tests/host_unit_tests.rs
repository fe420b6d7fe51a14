//! Unit tests of a host's own code, without HTTP: on memory adapters and on mocks.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

// docs: host-unit-tests
use std::sync::Arc;

use dockline::ports::{
    AppRegistration, BindingRepo, Clock, InsertOutcome, MockBindingRepo, MockGithubGateway, SystemClock,
};
use dockline::{
    Account, AccountId, AccountKind, AppId, Dockline, InstallationId, NewBinding, OrganizationId, PortError,
    PortErrorKind, PortName, Proof, State, Status, TokenError, TokenScope,
};
use dockline_memory::MemoryBindingRepo;

/// The host's own function: whether its nightly job can read the organization's repositories.
async fn job_state(dockline: &Dockline, organization: &OrganizationId) -> &'static str {
    match dockline.token(organization, &TokenScope::everything()).await {
        Ok(_) => "run",
        Err(TokenError::NotBound | TokenError::Uninstalled) => "connect GitHub first",
        Err(TokenError::Suspended) => "suspended",
        Err(_) => "later",
    }
}

fn acme() -> OrganizationId {
    OrganizationId::new("org_acme").unwrap()
}

/// A gateway that fails the test if GitHub is called.
fn unused_github() -> MockGithubGateway {
    let mut github = MockGithubGateway::new();
    let (app, install_page) =
        (AppId::new(7).unwrap(), "https://github.com/apps/x/installations/new".to_owned());
    github.expect_registration().returning(move || AppRegistration {
        app,
        install_page: install_page.clone(),
        authorize_page: None,
    });
    github
}

#[tokio::test]
async fn suspended_installation_is_reported_without_a_call_to_github() {
    let bindings = MemoryBindingRepo::new();
    let now = SystemClock.now();
    let inserted = bindings
        .insert(NewBinding {
            organization: acme(),
            installation: InstallationId::new(7001).unwrap(),
            account: Account {
                id: AccountId::new(9).unwrap(),
                login: "acme-coffee".into(),
                kind: AccountKind::Organization,
            },
            status: Status::Suspended,
            actor: "ann".parse().unwrap(),
            proof: Proof::Administered,
            proven_by: None,
            spent: State::parse("0123456789abcdef").unwrap().digest(),
            last_verified_at: now,
            next_look_at: now,
            registered_at: now,
            facts: None,
        })
        .await;
    assert!(matches!(inserted, Ok(InsertOutcome::Inserted(_))));
    let dockline = Dockline::for_jobs(Arc::new(bindings), Arc::new(unused_github())).build().unwrap();
    assert_eq!(job_state(&dockline, &acme()).await, "suspended");
    let other = OrganizationId::new("org_rival").unwrap();
    assert_eq!(job_state(&dockline, &other).await, "connect GitHub first");
}

#[tokio::test]
async fn job_waits_while_the_store_is_unreachable() {
    let mut bindings = MockBindingRepo::new();
    bindings.expect_find().withf(|organization| *organization == acme()).times(1).returning(|_| {
        Err(PortError::new(PortName::BindingRepo, PortErrorKind::Unavailable, "connection refused"))
    });
    let dockline = Dockline::for_jobs(Arc::new(bindings), Arc::new(unused_github())).build().unwrap();
    assert_eq!(job_state(&dockline, &acme()).await, "later");
}
// docs: end
