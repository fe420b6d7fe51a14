//! `Dockline::for_jobs`, and the parts that `build` requires.

use std::sync::Arc;

use dockline::ports::GithubGateway;
use dockline::{
    BuildError, Callback, CallbackRefusal, ClaimPolicy, Dockline, IssueCode, Ports, RefreshOutcome,
    RefusalReason, RegisterError, Registered, RegistrationRequest, RepositoriesQuery, StartInstallError,
    StartInstallRequest, State, Status, TokenScope, Uninstall,
};
use dockline_memory::MemoryStateStore;

use crate::support::{RETURN_URL, World, acme, refusal};

fn without_oauth_client(world: &World) -> Arc<dyn GithubGateway> {
    world.github.without_oauth_client();
    world.gateway.clone()
}

#[test]
fn a_policy_that_no_visitor_can_meet_does_not_build_l_07() {
    let world = World::new();
    let github = without_oauth_client(&world);
    let build = |policy| {
        let ports = Ports {
            states: Arc::new(MemoryStateStore::new()),
            bindings: world.bindings.clone(),
            github: github.clone(),
        };
        Dockline::builder(ports).with_policy(policy).build().map(|dockline| dockline.policy())
    };
    for policy in [ClaimPolicy::Visible, ClaimPolicy::Controlled] {
        assert_eq!(build(policy), Err(BuildError::PolicyNeedsOauthClient));
    }
    assert_eq!(build(ClaimPolicy::State), Ok(ClaimPolicy::State));
}

#[tokio::test]
async fn jobs_need_no_states_keys_or_oauth_client_and_serve_no_visitor() {
    let world = World::new();
    let bound = world.bound().await;
    world.github.set_repositories([1, 2]);
    let github = without_oauth_client(&world);
    let jobs = Dockline::for_jobs(world.bindings.clone(), github).with_clock(world.clock.clone());
    let jobs = jobs.with_policy(ClaimPolicy::State).build().unwrap();
    assert!(!jobs.has_api_keys());
    let organization = &bound.organization;
    jobs.token(organization, &TokenScope::everything()).await.unwrap();
    let query = RepositoriesQuery::parse(None, None, None).unwrap();
    assert_eq!(jobs.repositories(organization, &query).await.unwrap().repositories.len(), 2);
    let refreshed = jobs.refresh(bound.installation).await.unwrap();
    assert_eq!(refreshed, RefreshOutcome::Present(Status::Active));
    assert_eq!(jobs.binding(&acme()).await.unwrap().unwrap().installation, bound.installation);
    jobs.detach(&acme(), Uninstall::No).await.unwrap();
    // No state can be issued, so no claim can be made, even under the weakest policy.
    let own = "a-state-of-the-caller";
    let request = StartInstallRequest { return_url: Some(RETURN_URL), state: Some(own) };
    match jobs.start_install(&acme(), request).await {
        Err(StartInstallError::Invalid(issues)) => assert_eq!(issues[0].code, IssueCode::NotClaimable),
        other => panic!("{other:?}"),
    }
    let callback = Callback { state: Some(own), installation_id: Some("1"), ..Callback::default() };
    assert_eq!(refusal(jobs.handle_callback(callback).await), CallbackRefusal::UnknownState);
    let state = State::parse(own).unwrap();
    let registration = RegistrationRequest { installation: bound.installation, state };
    let registered: Result<Registered, _> = jobs.register(&acme(), &registration).await;
    assert!(matches!(registered, Err(RegisterError::Refused(RefusalReason::UnknownState))));
    let defaults = Dockline::for_jobs(world.bindings.clone(), world.gateway.clone()).build().unwrap();
    assert_eq!(defaults.policy(), ClaimPolicy::Controlled);
}
