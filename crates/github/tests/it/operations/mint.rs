//! Minting and revoking installation tokens.

use dockline::ports::{GithubGateway, MintOutcome};
use dockline::{Access, InstallationToken, PermissionName, PortErrorKind, RepositoryId, TokenScope};
use dockline_github::GithubApp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::fixtures::{
    MINT, NOW, OPAQUE, STATELESS, app_body, chain, config, gateway, installation_id, kind, limited, token,
    token_body, usual,
};
use crate::scripted::{Reply, Scripted, Seen};

const REVOKE: &str = "DELETE /api/installation/token";
const FORMAT: &str = "x-github-stateless-s2s-token";

/// A GitHub with this response to token requests.
async fn responding(status: u16, body: Value) -> Scripted {
    Scripted::start(usual(move |seen| (seen.line == MINT).then(|| Reply::json(status, &body)))).await
}

async fn minting(github: &Scripted) -> MintOutcome {
    gateway(github).mint(installation_id(), &TokenScope::everything()).await.unwrap()
}

fn minted(minting: MintOutcome) -> InstallationToken {
    let MintOutcome::Minted(token) = minting else { panic!("{minting:?}") };
    token
}

fn permission(name: &str) -> PermissionName {
    PermissionName::new(name).unwrap()
}

#[tokio::test]
async fn tokens_of_both_formats_are_opaque_l47() {
    for text in [OPAQUE, STATELESS, "t", &format!("ghs_1_{}", "eyJ.a-b_c".repeat(400))] {
        let github = responding(201, token_body(text)).await;
        let token = minted(minting(&github).await);
        assert_eq!(token.expose(), text);
        assert_eq!(token.installation(), installation_id());
        assert_eq!(token.issued_at().unix_timestamp(), NOW);
        assert_eq!(token.expires_at().unix_timestamp(), NOW + 3_600);
        let url = token.clone_url("acme-coffee/beans").unwrap();
        let (_, host) = github.base().split_once("://").unwrap();
        assert!(url.expose_secret().ends_with(&format!("@{host}/acme-coffee/beans.git")));
        assert_eq!(github.lines(), [MINT], "I19: one call");
    }
}

#[tokio::test]
async fn the_body_has_only_the_fields_that_narrow_and_none_is_empty_l48() {
    let everything = TokenScope::everything;
    let ids = [7, 3_000_000_000].map(|id| RepositoryId::new(id).unwrap());
    let read = [(permission("contents"), Access::Read), (permission("issues"), Access::Write)];
    for (scope, body) in [
        (everything(), json!({})),
        (everything().with_repositories(ids).unwrap(), json!({ "repository_ids": [7, 3_000_000_000_u64] })),
        (
            everything().with_repository_names(["Roast", "beans"]).unwrap(),
            json!({ "repositories": ["beans", "roast"] }),
        ),
        (
            everything().with_repository_names(["beans"]).unwrap().with_permissions(read).unwrap(),
            json!({ "repositories": ["beans"], "permissions": { "contents": "read", "issues": "write" } }),
        ),
    ] {
        let github = Scripted::start(usual(|_| None)).await;
        minted(gateway(&github).mint(installation_id(), &scope).await.unwrap());
        let seen = &github.seen()[0];
        assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap(), body);
        assert_eq!(seen.header("content-type"), "application/json");
        assert!(!seen.body.contains("[]") && !seen.body.contains(":{}"), "{}", seen.body);
    }
    // An empty narrowing cannot be constructed.
    assert!(everything().with_repositories([]).is_err());
    assert!(everything().with_repository_names([]).is_err());
    assert!(everything().with_permissions([]).is_err());
}

#[tokio::test]
async fn a_token_format_is_requested_only_if_configured() {
    let github = Scripted::start(usual(|_| None)).await;
    let wants = |stateless: Option<bool>| {
        let config = config(&github);
        let config = match stateless {
            Some(stateless) => config.with_stateless_tokens(stateless),
            None => config,
        };
        GithubApp::new(config).unwrap()
    };
    for stateless in [None, Some(true), Some(false)] {
        let app = wants(stateless);
        minted(app.mint(installation_id(), &TokenScope::everything()).await.unwrap());
        app.app().await.unwrap();
    }
    let sent: Vec<Option<String>> = github
        .seen()
        .iter()
        .map(|seen| seen.headers.get(FORMAT).map(|value| value.to_str().unwrap().to_owned()))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(sent, [None, None, some("enabled"), None, some("disabled"), None]);
}

#[tokio::test]
async fn a_token_without_a_valid_expiry_or_with_invalid_characters_is_corrupt_l40() {
    let with = |token: Value, expiry: Value| json!({ "token": token, "expires_at": expiry });
    let expiry = json!("2026-11-18T12:06:40Z");
    let mut endless = token_body(OPAQUE);
    endless.as_object_mut().unwrap().remove("expires_at");
    for body in [
        endless,
        with(json!(OPAQUE), Value::Null),
        with(json!(OPAQUE), json!("")),
        with(json!(OPAQUE), json!("soon")),
        with(json!(OPAQUE), json!("2026-11-18")),
        with(json!(OPAQUE), json!("2026-11-18T12:06:40")),
        with(json!(OPAQUE), json!(1_795_003_600)),
        with(json!(""), expiry.clone()),
        with(json!(" "), expiry.clone()),
        with(json!("ghs_a b"), expiry.clone()),
        with(json!("ghs_a\r\nx-evil: 1"), expiry.clone()),
        with(json!("ghs_\u{0}"), expiry.clone()),
        with(json!("ghs_ü"), expiry.clone()),
        with(Value::Null, expiry.clone()),
        with(json!(7), expiry.clone()),
        json!({ "expires_at": expiry }),
        json!([]),
        Value::Null,
    ] {
        let github = responding(201, body.clone()).await;
        let refused = gateway(&github).mint(installation_id(), &TokenScope::everything()).await;
        assert_eq!(kind(refused), PortErrorKind::Corrupt, "{body}");
        assert_eq!(github.seen().len(), 1);
    }
    for status in [200, 202, 203] {
        let github = responding(status, token_body(OPAQUE)).await;
        let refused = gateway(&github).mint(installation_id(), &TokenScope::everything()).await;
        assert_eq!(kind(refused), PortErrorKind::Corrupt, "{status}");
    }
    let offset = with(json!(OPAQUE), json!("2026-11-18T13:06:40.000+01:00"));
    assert_eq!(
        minted(minting(&responding(201, offset).await).await).expires_at().unix_timestamp(),
        NOW + 3_600
    );
}

#[tokio::test]
async fn missing_is_returned_only_after_the_credential_is_confirmed_l55_l42() {
    let github = responding(404, json!({ "message": "Not Found" })).await;
    assert!(matches!(minting(&github).await, MintOutcome::Missing));
    assert_eq!(github.lines(), [MINT, "GET /api/app"]);

    let mut another = app_body();
    another["id"] = json!(1);
    for (status, body, expected) in [
        (200, another, PortErrorKind::Rejected),
        (404, json!({}), PortErrorKind::Rejected),
        (502, json!({}), PortErrorKind::Unavailable),
    ] {
        let github = Scripted::start(usual(move |seen: &Seen| match seen.line.as_str() {
            "GET /api/app" => Some(Reply::json(status, &body)),
            _ => Some(Reply::message(404, "Not Found")),
        }))
        .await;
        let refused = gateway(&github).mint(installation_id(), &TokenScope::everything()).await;
        assert_eq!(kind(refused), expected, "{status}");
    }
}

#[tokio::test]
async fn only_the_message_distinguishes_a_suspension_from_other_403s() {
    let suspended =
        responding(403, json!({ "message": "This installation has been suspended", "status": "403" }));
    assert!(matches!(minting(&suspended.await).await, MintOutcome::Suspended));
    for (reply, expected) in [
        (Reply::message(403, "You have exceeded a secondary rate limit"), limited(60)),
        (Reply::message(403, "This installation has been suspended").header("retry-after", "7"), limited(7)),
        (Reply::message(401, "A JSON web token could not be decoded"), PortErrorKind::Rejected),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let github = Scripted::start(usual(move |_| reply.lock().unwrap().take())).await;
        let app = gateway(&github);
        assert_eq!(kind(app.mint(installation_id(), &TokenScope::everything()).await), expected);
        assert_eq!(github.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_422_returns_githubs_message_redacted_and_shortened() {
    let message_of = |message: &str| {
        let body = json!({ "message": message, "errors": [{ "resource": "X" }] });
        async move {
            let minted = minting(&responding(422, body).await).await;
            let MintOutcome::NotGranted { message } = minted else { panic!("{minted:?}") };
            message
        }
    };
    let words = "The permissions requested are not granted to this installation.";
    assert_eq!(message_of(words).await, words);
    assert_eq!(message_of("a\r\nb\u{1b}[31mc\0").await, "a  b [31mc ");
    assert_eq!(message_of(&"no way ".repeat(100)).await.chars().count(), 201);
    assert_eq!(message_of(&format!("{OPAQUE} is bad")).await, "[masked] is bad");
    let html = Scripted::start(usual(|seen| (seen.line == MINT).then(|| Reply::bytes(422, "<html>")))).await;
    assert!(matches!(minting(&html).await, MintOutcome::NotGranted { message } if message.is_empty()));
}

#[tokio::test]
async fn a_token_is_revoked_with_itself_as_the_credential() {
    let github = Scripted::start(usual(|_| None)).await;
    gateway(&github).revoke(&token()).await.unwrap();
    assert_eq!(github.lines(), [REVOKE]);
    assert_eq!(github.seen()[0].bearer(), OPAQUE);
    assert_eq!(github.seen()[0].header("x-github-api-version"), "2022-11-28");
}

#[tokio::test]
async fn a_token_that_github_no_longer_accepts_counts_as_revoked() {
    for status in [401, 404] {
        let github =
            Scripted::start(usual(move |seen| (seen.line == REVOKE).then(|| Reply::message(status, "no"))))
                .await;
        gateway(&github).revoke(&token()).await.unwrap();
        assert_eq!(github.lines(), [REVOKE], "{status}");
    }
    let github = Scripted::start(usual(|seen| (seen.line == REVOKE).then(|| Reply::bytes(200, "{}")))).await;
    let error = gateway(&github).revoke(&token()).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Corrupt, "{}", chain(&error));
}
