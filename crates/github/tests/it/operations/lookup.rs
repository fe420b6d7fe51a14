//! Looking up an installation and the App.

use std::time::Duration;

use dockline::ports::{AppFacts, GithubGateway, LookupOutcome, MintOutcome, UninstallOutcome};
use dockline::{
    Account, AccountKind, AppId, Installation, InstallationFacts, InstallationId, InstalledOn, Permissions,
    PortErrorKind,
};
use serde_json::{Value, json};

use crate::fixtures::{
    APP, INSTALLATION, ORGANIZATION, account_id, app_body, chain, gateway, installation_body,
    installation_id, kind, organization, usual,
};
use crate::scripted::{Reply, Scripted, Seen};

const PATH: &str = "GET /api/app/installations/6000000042";

/// A GitHub with this response for the installation.
async fn responding(status: u16, body: Value) -> Scripted {
    Scripted::start(usual(move |seen| (seen.line == PATH).then(|| Reply::json(status, &body)))).await
}

async fn found(body: Value) -> Installation {
    let looked_up = gateway(&responding(200, body).await).installation(installation_id()).await.unwrap();
    let LookupOutcome::Found(installation) = looked_up else { panic!("{looked_up:?}") };
    installation
}

#[tokio::test]
async fn an_installation_on_an_organization_is_found_in_one_call_l63() {
    let github = Scripted::start(usual(|_| None)).await;
    let looked_up = gateway(&github).installation(installation_id()).await.unwrap();
    let account = Account {
        id: account_id(ORGANIZATION),
        login: "acme-coffee".to_owned(),
        kind: AccountKind::Organization,
    };
    assert_eq!(
        looked_up,
        LookupOutcome::Found(Installation {
            id: installation_id(),
            app: AppId::new(APP).unwrap(),
            installed_on: InstalledOn::Account(account),
            suspended: false,
            facts: InstallationFacts {
                permissions: Permissions::new([("contents".to_owned(), "read".to_owned())]),
                ..InstallationFacts::default()
            },
        })
    );
    assert_eq!(github.lines(), [PATH]);
}

#[tokio::test]
async fn suspension_and_each_form_of_account_are_values_l57() {
    let on = |account: Value| installation_body(INSTALLATION, APP, &account);
    let mut suspended = on(organization());
    suspended["suspended_at"] = json!("2026-01-01T00:00:00Z");
    assert!(found(suspended).await.suspended);
    let mut without = on(organization());
    without.as_object_mut().unwrap().remove("suspended_at");
    assert!(!found(without).await.suspended);

    assert_eq!(
        found(on(json!({ "id": 9, "slug": "acme", "name": "Acme" }))).await.installed_on,
        InstalledOn::Enterprise { id: account_id(9), slug: "acme".to_owned() }
    );
    assert_eq!(found(on(Value::Null)).await.installed_on, InstalledOn::Unknown);
    let bot = json!({ "id": 9, "login": "x", "type": "Bot" });
    assert_eq!(found(on(bot)).await.installed_on, InstalledOn::Unknown);
}

#[tokio::test]
async fn an_installation_of_another_app_is_returned_with_that_apps_id_c68() {
    let other = found(installation_body(INSTALLATION, 1, &organization())).await;
    assert_eq!(other.app, AppId::new(1).unwrap());
}

#[tokio::test]
async fn a_response_about_something_else_is_corrupt_l64() {
    for body in [
        installation_body(INSTALLATION + 1, APP, &organization()),
        installation_body(0, APP, &organization()),
        installation_body(INSTALLATION, 1 << 53, &organization()),
        json!({ "id": INSTALLATION, "app_id": APP }),
        json!({ "id": INSTALLATION.to_string(), "app_id": APP, "account": null }),
        json!([]),
        Value::Null,
    ] {
        let github = responding(200, body.clone()).await;
        assert_eq!(
            kind(gateway(&github).installation(installation_id()).await),
            PortErrorKind::Corrupt,
            "{body}"
        );
        assert_eq!(github.seen().len(), 1);
    }
}

#[tokio::test]
async fn missing_is_returned_only_after_the_credential_is_confirmed_l55() {
    let github = responding(404, json!({ "message": "Not Found" })).await;
    assert_eq!(gateway(&github).installation(installation_id()).await.unwrap(), LookupOutcome::Missing);
    assert_eq!(github.lines(), [PATH, "GET /api/app"], "I19: two calls at most");
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_of_the_credential_counts_for_a_minute_c01() {
    let github = responding(404, json!({ "message": "Not Found" })).await;
    let app = gateway(&github);
    for (wait, lines) in [(0, 2), (59, 3), (1, 5), (30, 6)] {
        tokio::time::advance(Duration::from_secs(wait)).await;
        assert_eq!(app.installation(installation_id()).await.unwrap(), LookupOutcome::Missing);
        assert_eq!(github.lines().len(), lines, "after {wait} s");
    }
}

#[tokio::test]
async fn a_404_that_is_not_githubs_own_is_an_outage_c01() {
    let message = || Reply::message(404, "Not Found");
    let media_type = || message().without("x-github-request-id").header("x-github-media-type", "github.v3");
    for (reply, is_own) in [
        (message(), true),
        (media_type(), true),
        (message().without("x-github-request-id"), false),
        (Reply::bytes(404, ""), false),
        (Reply::bytes(404, "<html>404</html>"), false),
        (Reply::json(404, &json!({ "error": "Not Found" })), false),
        (Reply::json(404, &json!({ "message": 404 })), false),
        (Reply::json(404, &json!(["message"])), false),
    ] {
        let github = Scripted::start(usual(move |seen: &Seen| {
            (seen.line.contains("/installations/")).then(|| reply.clone())
        }))
        .await;
        let app = gateway(&github);
        let everything = dockline::TokenScope::everything();
        if is_own {
            assert_eq!(app.installation(installation_id()).await.unwrap(), LookupOutcome::Missing);
            assert_eq!(app.uninstall(installation_id()).await.unwrap(), UninstallOutcome::Missing);
            let minted = app.mint(installation_id(), &everything).await.unwrap();
            assert!(matches!(minted, MintOutcome::Missing), "{minted:?}");
        } else {
            assert_eq!(kind(app.installation(installation_id()).await), PortErrorKind::Corrupt);
            assert_eq!(kind(app.uninstall(installation_id()).await), PortErrorKind::Corrupt);
            assert_eq!(kind(app.mint(installation_id(), &everything).await), PortErrorKind::Corrupt);
        }
    }
}

#[tokio::test]
async fn an_unconfirmed_404_returns_the_error_of_the_confirmation_l02_l55() {
    let mut another = app_body();
    another["id"] = json!(APP + 1);
    for (status, body, expected, named) in [
        (200, another, PortErrorKind::Rejected, "belongs to App 5000000008"),
        (404, json!({ "message": "Not Found" }), PortErrorKind::Rejected, "check App id"),
        (401, json!({ "message": "no" }), PortErrorKind::Rejected, "refuses the App's credential"),
        (503, json!({}), PortErrorKind::Unavailable, "a failure on its side"),
        (200, json!({}), PortErrorKind::Corrupt, "not one of GitHub's"),
    ] {
        let github = Scripted::start(usual(move |seen: &Seen| match seen.line.as_str() {
            "GET /api/app" => Some(Reply::json(status, &body)),
            _ => Some(Reply::message(404, "Not Found")),
        }))
        .await;
        let error = gateway(&github).installation(installation_id()).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{}", chain(&error));
        assert!(chain(&error).contains(named), "{}", chain(&error));
    }
}

#[tokio::test]
async fn an_unknown_app_is_an_error_and_not_a_missing_installation_l55() {
    let github = Scripted::start(|_| Reply::message(404, "Integration not found")).await;
    let error = gateway(&github).installation(installation_id()).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Rejected);
    assert!(chain(&error).contains("check App id"), "{}", chain(&error));
    assert_eq!(github.seen().len(), 1);

    assert_eq!(kind(gateway(&github).app().await), PortErrorKind::Rejected);
    assert_eq!(kind(gateway(&github).uninstall(installation_id()).await), PortErrorKind::Rejected);
}

#[tokio::test]
async fn the_app_is_read() {
    let github = Scripted::start(usual(|_| None)).await;
    let facts = gateway(&github).app().await.unwrap();
    let expected = AppFacts {
        app: AppId::new(APP).unwrap(),
        slug: "acme-dock".to_owned(),
        name: "Acme Dock".to_owned(),
        permissions: Permissions::default(),
    };
    assert_eq!(facts, expected);
}

#[tokio::test]
async fn the_registration_needs_no_call() {
    let github = Scripted::start(usual(|_| None)).await;
    let registration = gateway(&github).registration();
    assert_eq!(registration.app, AppId::new(APP).unwrap());
    assert_eq!(registration.install_page, format!("{}/apps/acme-dock/installations/new", github.base()));
    let authorize = format!("{}/login/oauth/authorize?client_id=Iv23canaryclientid", github.base());
    assert_eq!(registration.authorize_page, Some(authorize));
    assert!(github.seen().is_empty());
}

#[tokio::test]
async fn the_largest_id_is_sent_whole_l63() {
    let github = Scripted::start(usual(|_| None)).await;
    let largest = InstallationId::new(InstallationId::MAX).unwrap();
    assert_eq!(gateway(&github).installation(largest).await.unwrap(), LookupOutcome::Missing);
    assert_eq!(github.lines()[0], "GET /api/app/installations/9007199254740991");
}
