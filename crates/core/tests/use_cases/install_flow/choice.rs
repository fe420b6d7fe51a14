//! A visitor whom GitHub sends without an installation.

use dockline::ports::VisitorInstallations;
use dockline::{
    AccountId, Callback, CallbackOutcome, CallbackRefusal, Installation, InstallationChoice, InstallationId,
    InstalledOn, State, UnknownReason,
};
use dockline_testkit::fixtures::installation;

use crate::support::{RETURN_URL, World, acme, authorization, parameter, prompt, refusal};

fn with_code<'a>(state: &'a State, code: &'a str) -> Callback<'a> {
    Callback { state: Some(state.expose()), code: Some(code), ..Callback::default() }
}

async fn choice(world: &World, state: &State, code: &str) -> InstallationChoice {
    match world.dockline.handle_callback(with_code(state, code)).await {
        Ok(CallbackOutcome::Choose(choice)) => *choice,
        other => panic!("{other:?}"),
    }
}

fn installed(world: &World) -> [InstallationId; 2] {
    [world.github.install(1, "acme-coffee"), world.github.install(2, "acme-tea")]
}

#[tokio::test]
async fn without_a_code_the_visitor_goes_to_the_web_flow_without_an_installation() {
    let world = World::new();
    let state = world.state().await;
    let callback = Callback { code: None, ..with_code(&state, "") };
    let to = authorization(world.dockline.handle_callback(callback).await);
    let flow = parameter(&to.url, "state").unwrap();
    assert_eq!(flow, format!("{}~{}~-~u", state.expose(), to.nonce));
    // Back from there, the code leads to the list.
    world.github.visitor_with("code", &installed(&world));
    let back = Callback { state: Some(flow), verifier: Some(&to.verifier), ..with_code(&state, "code") };
    let outcome = world.dockline.handle_callback(back).await;
    assert!(matches!(outcome, Ok(CallbackOutcome::Choose(_))), "{outcome:?}");
}

#[tokio::test]
async fn of_several_installations_the_visitor_chooses_one_c_22() {
    let world = World::new();
    let ids = installed(&world);
    // One is bound to another organization, and is listed all the same.
    world.bind(&crate::support::rival(), ids[1]).await;
    let state = world.state().await;
    world.github.visitor_with("code", &ids);
    let choice = choice(&world, &state, "code").await;
    assert_eq!(choice.organization, acme().organization);
    assert_eq!(choice.organization_name, acme().organization_name);
    let options: Vec<_> =
        choice.options.iter().map(|option| (&*option.account.login, option.query.clone())).collect();
    let query = |id: InstallationId| format!("state={}&installation_id={id}", state.expose());
    assert_eq!(options, [("acme-coffee", query(ids[0])), ("acme-tea", query(ids[1]))]);
    let install_url = format!("https://github.com/apps/dockline/installations/new?state={}", state.expose());
    assert_eq!(choice.install_url, install_url);
    let other = format!("state={}&prompt=select_account", state.expose());
    assert_eq!(choice.ways_out.other_account, Some(other));
    let back = format!("{RETURN_URL}?error=access_denied&state={}", state.expose());
    assert_eq!(choice.ways_out.return_url, Some(back));
    // No membership is looked up for the list.
    assert_eq!(world.issued(&state).await.unwrap().pending, []);
    // The link leads to the web flow, for a code with which GitHub is asked about this installation.
    let text = ids[0].to_string();
    let chosen = Callback { installation_id: Some(&text), code: None, ..with_code(&state, "") };
    let to = authorization(world.dockline.handle_callback(chosen).await);
    world.github.visitor("next", ids[0], true);
    let back = Callback {
        state: parameter(&to.url, "state"),
        verifier: Some(&to.verifier),
        ..with_code(&state, "next")
    };
    prompt(world.dockline.handle_callback(back).await);
}

#[tokio::test]
async fn a_single_installation_goes_straight_on_c_22() {
    let world = World::new();
    let [only, _] = installed(&world);
    let state = world.state().await;
    world.github.visitor_with("code", &[only]);
    let to = authorization(world.dockline.handle_callback(with_code(&state, "code")).await);
    assert!(parameter(&to.url, "state").unwrap().ends_with(&format!("~{only}~u")), "{}", to.url);
}

#[tokio::test]
async fn without_an_installation_the_visitor_gets_the_install_link_c_22() {
    let world = World::new();
    let state = world.state().await;
    world.github.visitor_with("code", &[]);
    let choice = choice(&world, &state, "code").await;
    assert_eq!(choice.options, []);
    assert!(choice.install_url.contains(state.expose()));
}

#[tokio::test]
async fn an_incomplete_list_is_shown_with_its_reason() {
    let url = "https://github.com/orgs/acme-coffee/sso";
    let hidden = || Some(UnknownReason::SsoRequired { url: Some(url.into()) });
    let world = World::new();
    let [only, _] = installed(&world);
    let state = world.state().await;
    let listed = |ids: &[InstallationId]| VisitorInstallations::Listed {
        installations: ids.iter().map(|id| on_enterprise(*id, false)).collect(),
        hidden: hidden(),
    };
    world.github.script_listing("none", listed(&[]));
    let refused = world.dockline.handle_callback(with_code(&state, "none")).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(CallbackRefusal::SsoRequired));
    assert_eq!(refused.ways_out().single_sign_on.as_deref(), Some(url));
    world.github.script_listing("one", listed(&[only]));
    let choice = choice(&world, &state, "one").await;
    assert_eq!((choice.options.len(), choice.ways_out.single_sign_on.as_deref()), (1, Some(url)));
}

/// An installation on an account, or on an enterprise.
fn on_enterprise(id: InstallationId, enterprise: bool) -> Installation {
    let installed_on = if enterprise {
        InstalledOn::Enterprise { id: AccountId::new(3).unwrap(), slug: "acme".into() }
    } else {
        InstalledOn::Account(crate::support::account_of(1, "acme-coffee"))
    };
    let app = crate::support::OUR_APP.try_into().unwrap();
    Installation { id, app, installed_on, suspended: false, facts: Default::default() }
}

#[tokio::test]
async fn what_cannot_be_connected_is_not_offered() {
    let world = World::new();
    let state = world.state().await;
    let installations = vec![on_enterprise(installation(5), true), on_enterprise(installation(6), false)];
    let listed = VisitorInstallations::Listed { installations, hidden: None };
    world.github.script_listing("code", listed);
    assert_eq!(choice(&world, &state, "code").await.options.len(), 1);
}

#[tokio::test]
async fn a_refused_code_and_a_denial_end_as_with_an_installation() {
    let world = World::new();
    let state = world.state().await;
    assert!(
        authorization(world.dockline.handle_callback(with_code(&state, "made-up")).await).code_was_refused
    );
    let denied = VisitorInstallations::Denied(UnknownReason::AccountSuspended);
    world.github.script_listing("code", denied);
    let refused = refusal(world.dockline.handle_callback(with_code(&state, "code")).await);
    assert_eq!(refused, CallbackRefusal::AccountSuspended);
}
