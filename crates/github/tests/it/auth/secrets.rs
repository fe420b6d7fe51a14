//! No secret is logged, shown or sent to the wrong place (I14).

use dockline::ports::{GithubGateway, ListOutcome, MintOutcome};
use dockline::{PortError, TokenScope};
use dockline_github::{GithubApp, LocalSigner, SecretString};
use serde_json::json;

use crate::fixtures::{
    CLIENT_SECRET, CODE, OPAQUE, PKCS1, STATELESS, TOKEN, chain, code, config, gateway, impatient,
    installation_id, token, token_body, usual,
};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};

fn assert_bare(text: &str) {
    let inside_key = PKCS1.lines().nth(5).unwrap();
    for secret in [CLIENT_SECRET, CODE, TOKEN, OPAQUE, STATELESS, "tokencanary", inside_key, "eyJ"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn debug_shows_no_secret_i14() {
    let github = Scripted::start(usual(|_| None)).await;
    let config = config(&github);
    let text = format!("{config:?} {config:#?}");
    assert_bare(&text);
    assert!(text.contains("acme-dock"), "{text}");

    assert_eq!(format!("{:?}", LocalSigner::from_pem(&PKCS1.into()).unwrap()), "LocalSigner");

    let app = GithubApp::new(config).unwrap();
    app.app().await.unwrap();
    let text = format!("{app:?} {app:#?}");
    assert_bare(&text);
    assert!(text.contains("acme-dock"), "{text}");
}

#[tokio::test]
async fn configuration_errors_quote_no_setting_i14() {
    let github = Scripted::start(usual(|_| None)).await;
    let usual = config(&github);
    let secret = "secret canary";
    for config in [
        dockline_github::GithubAppConfig::new(7_u64.try_into().unwrap(), secret, PKCS1.into()),
        dockline_github::GithubAppConfig::new(7_u64.try_into().unwrap(), "dock", secret.into()),
        usual.clone().with_oauth_client(secret, SecretString::from("x")),
        usual.clone().with_oauth_client("x", SecretString::from(secret)),
    ] {
        let error = GithubApp::new(config).unwrap_err();
        assert!(!chain(&error).contains("canary"), "{}", chain(&error));
    }
    let error = "https://secret:canary@github.com".parse::<dockline_github::GithubHost>().unwrap_err();
    assert!(!chain(&error).contains("canary"), "{}", chain(&error));
}

/// Responses that repeat the request, like the error page of a proxy.
fn echo(status: u16) -> impl Fn(&Seen) -> Option<Reply> {
    move |seen| {
        let (sent, authorization) = (&seen.body, seen.header("authorization"));
        let message = format!("bad: {sent} {authorization} {TOKEN} {OPAQUE} {STATELESS}");
        let body = json!({ "message": message, "id": TOKEN, "token": STATELESS, "expires_at": OPAQUE,
                           "repositories": [OPAQUE], "total_count": STATELESS });
        (!seen.line.starts_with("POST /login")).then(|| Reply::json(status, &body))
    }
}

/// An outcome or an error, as text.
fn text<T: std::fmt::Debug>(result: Result<T, PortError>) -> String {
    match result {
        Ok(outcome) => format!("{outcome:?}"),
        Err(error) => chain(&error),
    }
}

#[tokio::test]
async fn errors_and_logs_show_no_token_even_if_github_repeats_it_i14_l47() {
    let (logs, _guard) = Logs::capture();
    for status in [200, 301, 400, 401, 403, 422, 429, 500] {
        let github = Scripted::start(usual(echo(status))).await;
        assert_bare(&chain(&gateway(&github).app().await.unwrap_err()));
        // A 403 is an outcome of these.
        assert_bare(&text(gateway(&github).installation(installation_id()).await));
        assert_bare(&text(gateway(&github).check_visitor(&code(), installation_id()).await));
    }
    let shapes =
        [json!(TOKEN), json!([TOKEN]), json!({ "access_token": [TOKEN] }), json!({ "error": TOKEN })];
    for shape in shapes {
        let github = Scripted::start(move |_| Reply::json(200, &shape)).await;
        assert_bare(&chain(&gateway(&github).check_visitor(&code(), installation_id()).await.unwrap_err()));
    }
    assert_bare(&logs.text());
    assert!(logs.text().contains("could not be revoked"), "the log is captured");
}

#[tokio::test]
async fn a_successful_visitor_check_logs_no_secret_i14() {
    let (logs, _guard) = Logs::capture();
    let github =
        Scripted::start(usual(|seen| (seen.line.starts_with("DELETE")).then_some(Reply::Never))).await;
    impatient(&github).check_visitor(&code(), installation_id()).await.unwrap();
    assert!(logs.text().contains("could not be revoked"), "the log is captured");
    assert_bare(&logs.text());
}

#[tokio::test]
async fn no_secret_is_in_a_url_i14() {
    let github = Scripted::start(usual(|_| None)).await;
    let app = gateway(&github);
    app.check_visitor(&code(), installation_id()).await.unwrap();
    app.installation(installation_id()).await.unwrap();
    assert_bare(&github.lines().join("\n"));
}

/// Results and errors of all calls that involve an installation token, as text.
async fn texts(github: &Scripted) -> Vec<String> {
    let app = gateway(github);
    let everything = TokenScope::everything();
    // A new gateway for each call, since one that is rate limited would not send another.
    let minted = match app.mint(installation_id(), &everything).await {
        Ok(minting) => format!("{minting:?} {minting:#?}"),
        Err(error) => chain(&error),
    };
    let listed = match gateway(github).repositories(&token(), 1).await {
        Ok(listing) => format!("{listing:?}"),
        Err(error) => chain(&error),
    };
    let ended = match gateway(github).revoke(&token()).await {
        Ok(()) => String::new(),
        Err(error) => chain(&error),
    };
    let found = match gateway(github).installer(installation_id()).await {
        Ok(found) => format!("{found:?}"),
        Err(error) => chain(&error),
    };
    vec![minted, listed, ended, found, format!("{app:?} {:?} {:#?}", token(), token())]
}

#[tokio::test]
async fn no_installation_token_is_shown_in_either_format_on_any_path_i14_l47() {
    let (logs, _guard) = Logs::capture();
    for status in [200, 201, 202, 204, 301, 307, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
        // A 204 has no body.
        let github = Scripted::start(usual(move |seen| {
            if status == 204 { Some(Reply::bytes(status, "")) } else { echo(status)(seen) }
        }))
        .await;
        texts(&github).await.iter().for_each(|text| assert_bare(text));
    }
    for body in [
        json!(OPAQUE),
        json!([STATELESS]),
        json!({ "token": STATELESS }),
        json!({ "token": STATELESS, "expires_at": STATELESS }),
        json!({ "token": [STATELESS], "expires_at": "2026-11-18T12:06:40Z" }),
        json!({ "token": format!("{OPAQUE}\n"), "expires_at": "2026-11-18T12:06:40Z" }),
        json!({ OPAQUE: STATELESS }),
        token_body(STATELESS),
        token_body(OPAQUE),
    ] {
        let github = Scripted::start(move |_| Reply::json(201, &body)).await;
        texts(&github).await.iter().for_each(|text| assert_bare(text));
    }
    let github = Scripted::start(|_| Reply::Never).await;
    let app = impatient(&github);
    assert_bare(&chain(&app.mint(installation_id(), &TokenScope::everything()).await.unwrap_err()));
    assert_bare(&chain(&app.repositories(&token(), 1).await.unwrap_err()));
    assert_bare(&chain(&app.revoke(&token()).await.unwrap_err()));
    tracing::warn!("captured");
    assert!(logs.text().contains("captured"), "the log is captured");
    assert_bare(&logs.text());
}

#[tokio::test]
async fn an_installation_token_is_in_no_url_and_only_in_its_own_calls_headers_i14_i18() {
    let github = Scripted::start(usual(|_| None)).await;
    let app = gateway(&github);
    let MintOutcome::Minted(token) = app.mint(installation_id(), &TokenScope::everything()).await.unwrap()
    else {
        panic!("not minted")
    };
    assert!(matches!(app.repositories(&token, 1).await.unwrap(), ListOutcome::Page { .. }));
    app.revoke(&token).await.unwrap();
    app.app().await.unwrap();
    assert_bare(&github.lines().join("\n"));
    let bearers: Vec<bool> = github.seen().iter().map(|seen| seen.bearer() == OPAQUE).collect();
    assert_eq!(bearers, [false, true, true, false]);
    assert!(github.seen().iter().all(|seen| seen.body.is_empty() || seen.body == "{}"));
}
