//! No secret leaves its type (invariant I14).

use dockline::ports::GithubGateway;
use dockline_github::{GithubApp, SecretString};
use serde_json::json;

use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};
use crate::setting::{
    CLIENT_SECRET, CODE, PKCS1, TOKEN, chain, code, config, gateway, impatient, installation_id, usual,
};

fn assert_bare(text: &str) {
    let inside_key = PKCS1.lines().nth(5).unwrap();
    for secret in [CLIENT_SECRET, CODE, TOKEN, "tokencanary", inside_key, "eyJ"] {
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

    let app = GithubApp::new(config).unwrap();
    app.app().await.unwrap();
    let text = format!("{app:?} {app:#?}");
    assert_bare(&text);
    assert!(text.contains("acme-dock"), "{text}");
}

#[tokio::test]
async fn errors_about_the_configuration_quote_nothing_of_it_i14() {
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

/// Answers that repeat what they were sent, as a proxy's error page or a careless server does.
fn echo(status: u16) -> impl Fn(&Seen) -> Option<Reply> {
    move |seen| {
        let (sent, authorization) = (&seen.body, seen.header("authorization"));
        let message = format!("bad: {sent} {authorization} {TOKEN}");
        (!seen.line.starts_with("POST"))
            .then(|| Reply::json(status, &json!({ "message": message, "id": TOKEN })))
    }
}

#[tokio::test]
async fn neither_errors_nor_logs_show_a_token_even_where_github_repeats_it_i14_l47() {
    let (logs, _guard) = Logs::capture();
    for status in [200, 301, 400, 401, 403, 422, 429, 500] {
        let github = Scripted::start(usual(echo(status))).await;
        for error in [
            gateway(&github).app().await.unwrap_err(),
            gateway(&github).installation(installation_id()).await.unwrap_err(),
            gateway(&github).prove(&code(), installation_id()).await.unwrap_err(),
        ] {
            assert_bare(&chain(&error));
        }
    }
    let shapes =
        [json!(TOKEN), json!([TOKEN]), json!({ "access_token": [TOKEN] }), json!({ "error": TOKEN })];
    for shape in shapes {
        let github = Scripted::start(move |_| Reply::json(200, &shape)).await;
        assert_bare(&chain(&gateway(&github).prove(&code(), installation_id()).await.unwrap_err()));
    }
    assert_bare(&logs.text());
    assert!(logs.text().contains("could not be revoked"), "the capture works");
}

#[tokio::test]
async fn a_successful_proof_logs_no_secret_i14() {
    let (logs, _guard) = Logs::capture();
    let github =
        Scripted::start(usual(|seen| (seen.line.starts_with("DELETE")).then_some(Reply::Never))).await;
    impatient(&github).prove(&code(), installation_id()).await.unwrap();
    assert!(logs.text().contains("could not be revoked"), "the capture works");
    assert_bare(&logs.text());
}

#[tokio::test]
async fn no_secret_is_in_an_address_i14() {
    let github = Scripted::start(usual(|_| None)).await;
    let app = gateway(&github);
    app.prove(&code(), installation_id()).await.unwrap();
    app.installation(installation_id()).await.unwrap();
    assert_bare(&github.lines().join("\n"));
}
