//! GitHub's web flow: what it keeps of a visit, and which browser may return from it (L-07, L-81).

use dockline::{
    Authorization, Callback, CallbackRefusal, InstallationId, SetupAction, StartInstallRequest, State,
};

use crate::install_flow::start_install::NoEntropy;
use crate::support::{RETURN_URL, World, acme, authorization, parameter, prompt, refusal};

const CALLBACK_URL: &str = "https://api.example.com/v1/github/installation/callback";

/// A visitor without a code, who chose an existing installation.
fn without_code<'a>(state: &'a State, id: &'a str) -> Callback<'a> {
    Callback {
        state: Some(state.expose()),
        installation_id: Some(id),
        setup_action: Some("update"),
        callback_url: Some(CALLBACK_URL),
        ..Callback::default()
    }
}

/// The same visitor, who returns from the web flow with a code.
fn returned<'a>(to: &'a Authorization, code: &'a str) -> Callback<'a> {
    Callback {
        state: parameter(&to.url, "state"),
        code: Some(code),
        verifier: Some(&to.verifier),
        callback_url: Some(CALLBACK_URL),
        ..Callback::default()
    }
}

async fn started() -> (World, InstallationId, State) {
    let world = World::new();
    let id = world.github.install(1, "acme-coffee");
    let state = world.state().await;
    (world, id, state)
}

#[tokio::test]
async fn the_web_flow_has_a_challenge_and_the_configured_callback_c_27() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let to = authorization(world.dockline.handle_callback(without_code(&state, &text)).await);
    let expected = format!(
        "https://github.com/login/oauth/authorize?client_id=Iv1.dockline&state={}~{}~{id}~u&code_challenge={}\
         &code_challenge_method=S256\
         &redirect_uri=https%3A%2F%2Fapi.example.com%2Fv1%2Fgithub%2Finstallation%2Fcallback",
        state.expose(),
        to.nonce,
        to.verifier.challenge()
    );
    assert_eq!(to.url, expected);
    assert_eq!((to.nonce.len(), to.verifier.expose().len()), (17, 43));
    assert!(!to.url.contains(to.verifier.expose()));
    world.github.visitor("code", id, true);
    let callback = returned(&to, "code");
    assert_eq!(callback.nonce(), Some(&*to.nonce));
    let prompt = prompt(world.dockline.handle_callback(callback).await);
    assert_eq!(prompt.state.expose(), state.expose());
    let grant = world.github.grants().pop().unwrap();
    assert_eq!(grant.redirect_uri.as_deref(), Some(CALLBACK_URL));
    assert_eq!(grant.verifier.unwrap().expose(), to.verifier.expose());
    let redirect = world.answer(&prompt, true).await.unwrap();
    assert!(redirect.url.ends_with("&setup_action=update"), "{}", redirect.url);
    // Without a configured URL GitHub returns to the first callback URL of the App.
    let other = world.state().await;
    let callback = Callback { callback_url: None, ..without_code(&other, &text) };
    let to = authorization(world.dockline.handle_callback(callback).await);
    assert!(to.url.ends_with("&code_challenge_method=S256"), "{}", to.url);
}

#[tokio::test]
async fn a_code_of_an_installation_has_neither_verifier_nor_redirect_uri() {
    let (world, id, state) = started().await;
    world.asked(&state, id).await;
    let grant = world.github.grants().pop().unwrap();
    assert!(grant.redirect_uri.is_none() && grant.verifier.is_none());
}

/// The App has a setup URL and requests no authorization during the installation, and the webhook is late.
#[tokio::test]
async fn the_detour_keeps_that_the_visitor_has_just_installed_the_app_c_26() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let came = Callback { setup_action: Some("install"), ..without_code(&state, &text) };
    let to = authorization(world.dockline.handle_callback(came).await);
    assert!(parameter(&to.url, "state").unwrap().ends_with("~i"), "{}", to.url);
    // The visitor only sees the installation, and may be asked before the webhook names the installer.
    world.github.visitor("code", id, false);
    let prompt = prompt(world.dockline.handle_callback(returned(&to, "code")).await);
    let [pending] = world.issued(&state).await.unwrap().pending[..] else { panic!("not asked") };
    assert_eq!(pending.setup_action, SetupAction::Install);
    let redirect = world.answer(&prompt, true).await.unwrap();
    assert!(redirect.url.ends_with("&setup_action=install"), "{}", redirect.url);
}

#[tokio::test]
async fn a_visitor_without_a_code_or_with_a_refused_one_after_the_web_flow_is_refused_l_07() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let to = authorization(world.dockline.handle_callback(without_code(&state, &text)).await);
    let without = Callback { code: None, ..returned(&to, "") };
    assert_eq!(refusal(world.dockline.handle_callback(without).await), CallbackRefusal::MissingCode);
    let declined = Callback { error: Some("access_denied"), ..without };
    let refused = world.dockline.handle_callback(declined).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(CallbackRefusal::AuthorizationDenied));
    let back = format!("{RETURN_URL}?error=access_denied&state={}", state.expose());
    assert_eq!(refused.ways_out().return_url, Some(back));
    for _ in 0..2 {
        let made_up = world.dockline.handle_callback(returned(&to, "made-up")).await;
        assert_eq!(refusal(made_up), CallbackRefusal::CodeRefused);
    }
    assert_eq!(world.github.grants().len(), 1);
}

#[tokio::test]
async fn a_reload_after_the_web_flow_goes_through_it_again() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let to = authorization(world.dockline.handle_callback(without_code(&state, &text)).await);
    world.github.visitor("code", id, true);
    prompt(world.dockline.handle_callback(returned(&to, "code")).await);
    let again = authorization(world.dockline.handle_callback(returned(&to, "code")).await);
    assert_ne!(again.nonce, to.nonce);
    world.github.visitor("next", id, true);
    prompt(world.dockline.handle_callback(returned(&again, "next")).await);
}

/// A code of the web flow whose cookie is missing may belong to another person's browser.
#[tokio::test]
async fn a_code_without_its_cookie_goes_through_the_flow_once_more_c_27() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let to = authorization(world.dockline.handle_callback(without_code(&state, &text)).await);
    world.github.visitor("code", id, true);
    let callback = Callback { verifier: None, ..returned(&to, "code") };
    let again = authorization(world.dockline.handle_callback(callback).await);
    let callback = Callback { verifier: None, ..returned(&again, "code") };
    assert_eq!(refusal(world.dockline.handle_callback(callback).await), CallbackRefusal::MissingCookie);
    assert_eq!(world.github.grants().len(), 0);
    prompt(world.dockline.handle_callback(returned(&again, "code")).await);
}

#[tokio::test]
async fn a_state_that_looks_like_one_of_the_web_flow_is_looked_up_whole_c_47() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let own = format!("{}~1abcdefghijklmnop~{id}~u", state.expose());
    let request = StartInstallRequest { return_url: Some(RETURN_URL), state: Some(&own) };
    world.dockline.start_install(&acme(), request).await.unwrap();
    let whole = State::parse(&*own).unwrap();
    world.github.visitor("code", id, true);
    let callback = Callback { code: Some("code"), ..without_code(&whole, &text) };
    let prompt = prompt(world.dockline.handle_callback(callback).await);
    assert_eq!(prompt.state.expose(), own);
    // A short number at the end of an own state does not count as an installation.
    for state in ["own-state-of-acme~123", "own-state-of-acme~-"] {
        let request = StartInstallRequest { return_url: Some(RETURN_URL), state: Some(state) };
        world.dockline.start_install(&acme(), request).await.unwrap();
        let callback = Callback { state: Some(state), ..Callback::default() };
        let to = authorization(world.dockline.handle_callback(callback).await);
        assert!(to.url.contains(&format!("&state={state}~{}~-~u&", to.nonce)), "{}", to.url);
    }
}

#[tokio::test]
async fn another_installation_than_the_one_of_the_web_flow_is_refused() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let to = authorization(world.dockline.handle_callback(without_code(&state, &text)).await);
    let forged = Callback { installation_id: Some("2"), ..returned(&to, "code") };
    assert_eq!(refusal(world.dockline.handle_callback(forged).await), CallbackRefusal::MalformedInstallation);
}

#[tokio::test]
async fn another_account_is_chosen_at_github_c_23() {
    let (world, id, state) = started().await;
    let text = id.to_string();
    let other = Callback { select_account: true, ..without_code(&state, &text) };
    let to = authorization(world.dockline.handle_callback(other).await);
    assert!(to.url.ends_with("&prompt=select_account"), "{}", to.url);
}

#[tokio::test]
async fn without_randomness_nobody_is_sent_to_github() {
    let world = World::with(|builder| builder.with_entropy(std::sync::Arc::new(NoEntropy)));
    let id = world.github.install(1, "acme-coffee").to_string();
    let own = StartInstallRequest { return_url: Some(RETURN_URL), state: Some("own-state-of-acme") };
    let state = world.dockline.start_install(&acme(), own).await.unwrap().state;
    let failed = world.dockline.handle_callback(without_code(&state, &id)).await.unwrap_err();
    assert_eq!(failed.refusal(), None);
}
