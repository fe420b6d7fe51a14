//! Requests on every path of the API.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use dockline::ports::{Clock, ReconcileScope, SystemClock};
use dockline::{OrganizationId, ReconcileBatch, Ticket, TokenScope};
use serde_json::json;

use crate::github::{APP, INSTALLATION, Mode};
use crate::world::{INSTALLATION_PATH, RETURN_URL, WEBHOOK_SECRET, World};

pub(crate) const CODE: &str = "OauthCodeCanary0123456789";
pub(crate) const CALLBACK: &str = "/v1/github/installation/callback";
const WEBHOOKS: &str = "/v1/github/webhooks";

/// Walks from install-url to a binding. Returns the key and the state.
pub(crate) async fn success(world: &World<'_>, organization: &str, kind: &str) -> (String, String) {
    let key = world.key(organization, |_| {});
    let own = format!("own-state-canary.{organization}~0123456789");
    world.watch.guard("a caller's own state", &own);
    let url = format!("{INSTALLATION_PATH}/install-url?returnUrl={RETURN_URL}&state={own}");
    let request = world.get(&url).bearer_auth(&key);
    let response = world.ask_for("install-url, with the caller's state", &[&own], request).await;
    assert_eq!(response.status, 200);
    let state = world.state(&key).await;
    confirm(world, &state).await;
    let path = |what: &str| format!("{what} ({kind})");
    for (what, status) in [("register", 201), ("register again", 201)] {
        let answer = world.ask(&path(what), world.register(&key, INSTALLATION, &state)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    for (what, at) in [
        ("get", INSTALLATION_PATH),
        ("repos, with a fresh token", "/v1/github/repos"),
        ("repos, from memory", "/v1/github/repos"),
        ("whoami", "/v1/whoami"),
    ] {
        let answer = world.ask(&path(what), world.get(at).bearer_auth(&key)).await;
        assert_eq!(answer.status, 200, "{what} {}", answer.body);
    }
    let organization = OrganizationId::new(organization).unwrap();
    for what in ["a token, fresh or kept", "a token, kept"] {
        let token = world.dockline.token(&organization, &TokenScope::everything()).await.unwrap();
        assert!(!format!("{token:?}").contains(token.expose()));
        world.watch.covered(&path(what), 200);
    }
    (key, state)
}

/// Confirms as the visitor at the callback.
async fn confirm(world: &World<'_>, state: &str) {
    let query = format!("?state={state}&installation_id={INSTALLATION}&setup_action=install");
    let request = world.get(&format!("{CALLBACK}{query}"));
    // The verifier is this browser's, and only its digest goes to GitHub's page.
    let to_github = request.send().await.unwrap();
    assert_eq!(to_github.status().as_u16(), 302);
    let verifier = to_github.headers()["set-cookie"].to_str().unwrap();
    let verifier = verifier.split_once('=').unwrap().1.split_once(';').unwrap().0.to_owned();
    world.watch.guard("a visit's verifier", &verifier);
    let headers = format!("{:?}", to_github.headers()).replace(&verifier, "").replace(state, "");
    world.watch.answered("callback without a code, to GitHub", 302, headers);
    // The page has secrets of its own, which are removed from it below.
    let asked = world.get(&format!("{CALLBACK}{query}&code={CODE}")).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), 200);
    let cookie = asked.headers()["set-cookie"].to_str().unwrap().to_owned();
    let headers = format!("{:?}", asked.headers());
    let html = asked.text().await.unwrap();
    let field = |name: &str| {
        let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let ticket = field("ticket");
    let browser = cookie.split_once('=').unwrap().1.split_once(';').unwrap().0.to_owned();
    world.watch.guard("a confirmation's ticket", &ticket);
    world.watch.guard("a confirmation's cookie", &browser);
    let response = [headers, html].concat().replace(&ticket, "").replace(&browser, "").replace(state, "");
    world.watch.answered("callback, the question", 200, response);
    let form = |answer: &str| format!("state={state}&ticket={ticket}&answer={answer}");
    let send = |cookie: &str, answer: &str| {
        let request = world.http.post(format!("{}{CALLBACK}", world.api)).body(form(answer));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let name = Ticket::presented(&*ticket).cookie_name("__Host-dockline-visit");
        request.header("cookie", format!("{name}={cookie}"))
    };
    for (path, cookie) in [("confirm, from another browser", "another"), ("confirm, with an odd cookie", "")]
    {
        assert_eq!(world.ask(path, send(cookie, "confirm")).await.status, 422);
    }
    let confirmed = world.ask_for("confirm", &[state], send(&browser, "confirm")).await;
    assert_eq!(confirmed.status, 303, "{}", confirmed.body);
    let again = world.ask_for("confirm, a second time", &[state], send(&browser, "cancel")).await;
    assert_eq!(again.status, 303);
}

/// Detaches the binding of [`success`].
pub(crate) async fn detach(world: &World<'_>, key: &str) {
    let request = world.http.delete(format!("{}{INSTALLATION_PATH}?uninstall=true", world.api));
    assert_eq!(world.ask("detach and uninstall", request.bearer_auth(key)).await.status, 204);
    world.dockline.revoke_tokens().await;
}

/// Sends valid and invalid deliveries.
pub(crate) async fn webhooks(world: &World<'_>, key: &str, kind: &str) {
    let about = |action: &str, number: u64| {
        json!({
            "action": action, "key": key, "secret": WEBHOOK_SECRET,
            "installation": { "id": number, "app_id": APP, "account": { "id": 4_242, "login": "acme" }, "permissions": {} },
            "sender": { "id": 4_343 },
        })
        .to_string()
    };
    let signed = |body: &str| {
        let hmac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
        format!("sha256={}", data_encoding::HEXLOWER.encode(&hmac.chain_update(body).finalize().into_bytes()))
    };
    let send = |event: &str, signature: &str, body: &str| {
        let request = world.post(WEBHOOKS, body.to_owned()).header("x-github-event", event);
        let request = request.header("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
        request.header("x-hub-signature-256", signature)
    };
    let good = about("suspend", INSTALLATION);
    let broken = format!("{{\"{key}\": \"{WEBHOOK_SECRET}");
    for (path, request) in [
        ("webhook, signed", send("installation", &signed(&good), &good)),
        (
            "webhook, of a new one",
            send("installation", &signed(&about("created", 99)), &about("created", 99)),
        ),
        ("webhook, ping", send("ping", &signed(&good), &good)),
        ("webhook, not signed", world.post(WEBHOOKS, good.clone())),
        (
            "webhook, the secret as signature",
            send("installation", "sha256=webhook secret of the Canary", &good),
        ),
        ("webhook, a key as signature", send("installation", key, &good)),
        ("webhook, signed by another", send("installation", &signed("another"), &good)),
        ("webhook, no JSON", send("installation", &signed(&broken), &broken)),
        ("webhook, a key as the event", send(key, &signed(&good), &good)),
        ("webhook, a key as the event, unsigned", send(key, &signed("x"), &good)),
        ("webhook, a key as the media type", {
            send("installation", &signed(&good), &good).header("content-type", format!("{key}/{key}"))
        }),
        ("webhook, a key as the delivery", {
            world
                .post(WEBHOOKS, good.clone())
                .header("x-github-delivery", key)
                .header("x-github-event", key)
                .header("x-hub-signature-256", signed("x"))
        }),
    ] {
        world.ask(&format!("{path} ({kind})"), request).await;
    }
    world.refresher.idle().await;
}

/// Makes every call to GitHub in a given mode.
pub(crate) async fn trouble(world: &World<'_>, github: &crate::github::Github, mode: Mode, number: usize) {
    github.set(Mode::Well { stateless: number.is_multiple_of(2) });
    let kind = format!("{mode:?}");
    let organization = format!("org_trouble_{number}");
    let (key, _) = success(world, &organization, "before trouble").await;
    world.dockline.revoke_tokens().await;
    let unbound = world.key(&format!("org_unbound_{number}"), |_| {});
    let (state, tied) = (world.state(&unbound).await, world.state(&unbound).await);
    // Registrations with a valid state reach GitHub.
    confirm(world, &tied).await;
    github.set(mode);
    let path = |what: &str| format!("{what} (GitHub: {kind})");
    let code = format!("{CALLBACK}?state={state}&installation_id={INSTALLATION}&code={CODE}");
    world.ask(&path("callback"), world.get(&code)).await;
    let page = world.get(&format!("{code}-2")).header("accept", "text/html");
    world.ask_for(&path("callback, a page"), &[&state], page).await;
    world.ask(&path("register"), world.register(&unbound, INSTALLATION, &tied)).await;
    world.ask(&path("repos"), world.get("/v1/github/repos?search=x").bearer_auth(&key)).await;
    let organization = OrganizationId::new(organization).unwrap();
    let response = match world.dockline.token(&organization, &TokenScope::everything()).await {
        Ok(token) => format!("{token:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    world.watch.answered(&path("a token"), 0, response);
    webhooks(world, &key, &format!("GitHub: {kind}")).await;
    let scope = ReconcileScope::ObservedBefore(SystemClock.now());
    let sweep = ReconcileBatch { scope, after: None, limit: 10, reserve_percent: 0 };
    let swept = world.dockline.reconcile(sweep).await;
    world.watch.answered(&path("a sweep"), 0, format!("{swept:?}"));
    let request = world.http.delete(format!("{}{INSTALLATION_PATH}?uninstall=true", world.api));
    world.ask(&path("detach and uninstall"), request.bearer_auth(&key)).await;
    // A call that a pause holds back would not reach GitHub.
    github.set(Mode::Well { stateless: true });
    let request = world.http.delete(format!("{}{INSTALLATION_PATH}", world.api));
    world.ask("detach", request.bearer_auth(&key)).await;
}

/// Walks a few paths of each kind, for worlds with a broken port.
pub(crate) async fn broken(world: &World<'_>, kind: &str) {
    let key = world.key("org_broken", |_| {});
    let state = "broken-state-canary-0123456789abcdef";
    world.watch.guard("a state in a broken world", state);
    let path = |what: &str| format!("{what} ({kind})");
    let code = format!("{CALLBACK}?state={state}&installation_id={INSTALLATION}&code={CODE}");
    let form = format!("state={state}&ticket=BrokenTicketCanary0123456&answer=confirm");
    world.watch.guard("a ticket in a broken world", "BrokenTicketCanary0123456");
    let url = format!("{INSTALLATION_PATH}/install-url?returnUrl={RETURN_URL}&state={state}");
    for (what, request) in [
        ("get", world.get(INSTALLATION_PATH).bearer_auth(&key)),
        ("register", world.register(&key, INSTALLATION, state)),
        ("repos", world.get("/v1/github/repos").bearer_auth(&key)),
        ("whoami", world.get("/v1/whoami").bearer_auth(&key)),
        ("callback", world.get(&code)),
        ("confirm", {
            let request = world.http.post(format!("{}{CALLBACK}", world.api)).body(form);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let name = Ticket::presented("BrokenTicketCanary0123456").cookie_name("__Host-dockline-visit");
            request.header("cookie", format!("{name}=BrokenCookieCanary0123456"))
        }),
        ("detach", world.http.delete(format!("{}{INSTALLATION_PATH}", world.api)).bearer_auth(&key)),
    ] {
        world.ask(&path(what), request).await;
    }
    world.ask_for(&path("install-url"), &[state], world.get(&url).bearer_auth(&key)).await;
    world.watch.guard("a cookie in a broken world", "BrokenCookieCanary0123456");
    webhooks(world, &key, kind).await;
}

pub(crate) fn guard_constants(world: &crate::watch::Watch) {
    world.guard("an OAuth code", CODE);
    world.guard("the webhook secret", WEBHOOK_SECRET);
    world.guard("the OAuth client's secret", crate::world::CLIENT_SECRET);
    world.guard("a visitor's token", crate::github::USER_TOKEN);
    world.guard("an installation's token, old format", crate::github::OPAQUE);
    world.guard("an installation's token, new format", crate::github::STATELESS);
}

/// Visits the callback of an existing state.
pub(crate) async fn pending(world: &World<'_>, kind: &str) {
    let state = world.state(&world.key("org_visited", |_| {})).await;
    let code = format!("{CALLBACK}?state={state}&installation_id={INSTALLATION}&code={CODE}");
    let answer = world.ask(&format!("callback of a live state ({kind})"), world.get(&code)).await;
    assert_eq!(answer.status, 500);
}
