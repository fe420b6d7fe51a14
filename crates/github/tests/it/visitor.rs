//! Checking a visitor by their code.

use dockline::ports::{GithubGateway, VisitorCheck};
use dockline::{Account, AccountKind, AppId, InstalledOn, PortErrorKind, VisitorFacts};
use dockline_github::{GithubApp, GithubAppConfig};
use serde_json::{Value, json};

use crate::fixtures::{
    APP, CLIENT_ID, INSTALLATION, ORGANIZATION, PKCS1, REVOCATION, TOKEN, VISITOR, account_id, chain, code,
    facts, gateway, installation_body, installation_id, kind, organization, usual,
};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};

const EXCHANGE: &str = "POST /login/oauth/access_token";
const LIST: &str = "GET /api/user/installations";
const MEMBERSHIP: &str = "GET /api/user/memberships/orgs/acme-coffee";

/// A GitHub with this response to requests whose line starts with `line`.
async fn responding(line: &'static str, reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Scripted {
    Scripted::start(usual(move |seen| seen.line.starts_with(line).then(|| reply(seen)))).await
}

async fn checked(github: &Scripted) -> VisitorFacts {
    facts(gateway(github).check_visitor(&code(), installation_id()).await)
}

#[tokio::test]
async fn an_administrator_is_found_with_these_calls_in_this_order() {
    let github = Scripted::start(usual(|_| None)).await;
    let account = Account {
        id: account_id(ORGANIZATION),
        login: "acme-coffee".to_owned(),
        kind: AccountKind::Organization,
    };
    let expected = VisitorFacts {
        visitor: account_id(VISITOR),
        visible: Some(InstalledOn::Account(account)),
        administers_organization: true,
    };
    assert_eq!(checked(&github).await, expected);

    let list = format!("{LIST}?per_page=100&page=1");
    assert_eq!(github.lines(), [EXCHANGE, "GET /api/user", &list, MEMBERSHIP, REVOCATION]);
    let seen = github.seen();
    assert_eq!(seen[0].header("accept"), "application/json");
    assert_eq!(seen[0].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        seen[0].body,
        format!("client_id={CLIENT_ID}&client_secret=clientsecret-canary&code=code-canary")
    );
    assert!(seen[1..4].iter().all(|seen| seen.bearer() == TOKEN));
    let basic = data_encoding::BASE64.encode(format!("{CLIENT_ID}:clientsecret-canary").as_bytes());
    assert_eq!(seen[4].header("authorization"), format!("Basic {basic}"));
    assert_eq!(seen[4].header("x-github-api-version"), "2022-11-28");
    assert_eq!(serde_json::from_str::<Value>(&seen[4].body).unwrap(), json!({ "access_token": TOKEN }));
}

#[tokio::test]
async fn a_visible_installation_is_not_an_administered_one_l08() {
    for membership in [
        json!({ "state": "active", "role": "member", "organization": { "id": ORGANIZATION } }),
        json!({ "state": "pending", "role": "admin", "organization": { "id": ORGANIZATION } }),
        // L-53: the login has passed to another organization.
        json!({ "state": "active", "role": "admin", "organization": { "id": ORGANIZATION + 1 } }),
    ] {
        let github = responding(MEMBERSHIP, move |_| Reply::json(200, &membership)).await;
        let facts_found = checked(&github).await;
        assert!(facts_found.visible.is_some());
        assert!(!facts_found.administers_organization);
    }
    let github = responding(MEMBERSHIP, |_| Reply::message(404, "Not Found")).await;
    assert!(!checked(&github).await.administers_organization);
}

#[tokio::test]
async fn without_members_read_no_visitor_administers_and_one_warning_is_logged_l07() {
    let (logs, _guard) = Logs::capture();
    let github = responding(MEMBERSHIP, |_| {
        Reply::message(403, "Resource not accessible by integration")
            .header("x-accepted-github-permissions", "members=read")
    })
    .await;
    let app = gateway(&github);
    for _ in 0..2 {
        let facts_found = facts(app.check_visitor(&code(), installation_id()).await);
        assert!(facts_found.visible.is_some());
        assert!(!facts_found.administers_organization);
    }
    let warnings = logs.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Members: read") && warnings[0].contains("members=read"), "{warnings:?}");
    assert_eq!(github.lines().last().unwrap(), REVOCATION);
}

#[tokio::test]
async fn on_a_user_account_no_membership_is_requested() {
    for account in [
        json!({ "id": VISITOR, "login": "mona", "type": "User" }),
        json!({ "id": 9, "slug": "acme", "name": "Acme" }),
        Value::Null,
    ] {
        let list =
            json!({ "total_count": 1, "installations": [installation_body(INSTALLATION, APP, &account)] });
        let github = responding(LIST, move |_| Reply::json(200, &list)).await;
        let facts_found = checked(&github).await;
        assert!(facts_found.visible.is_some(), "{account}");
        assert!(!facts_found.administers_organization);
        assert_eq!(github.seen().len(), 4);
    }
}

/// The requested page of installations of our App.
fn page(seen: &Seen, total: u64) -> Value {
    let number: u64 = seen.line.rsplit_once("&page=").unwrap().1.parse().unwrap();
    let ids = (number - 1) * 100 + 1..=(number * 100).min(total);
    let list: Vec<Value> = ids
        .map(|id| installation_body(if id == 250 { INSTALLATION } else { id }, APP, &organization()))
        .collect();
    json!({ "total_count": total, "installations": list })
}

#[tokio::test]
async fn pages_are_read_until_the_installation_is_found_l54() {
    for (total, pages, visible) in
        [(1_000, 3, true), (300, 3, true), (249, 3, false), (200, 2, false), (0, 1, false)]
    {
        let github = responding(LIST, move |seen| Reply::json(200, &page(seen, total))).await;
        assert_eq!(checked(&github).await.visible.is_some(), visible, "{total}");
        let asked = github.lines().iter().filter(|line| line.starts_with(LIST)).count();
        assert_eq!(asked, pages, "{total}");
    }
}

#[tokio::test]
async fn an_endless_list_is_abandoned_i17() {
    let one = |count: usize| vec![installation_body(1, APP, &organization()); count];
    let endless = json!({ "total_count": 1_000_000, "installations": one(1) });
    let github = responding(LIST, move |_| Reply::json(200, &endless)).await;
    assert_eq!(checked(&github).await.visible, None);
    assert_eq!(github.lines().iter().filter(|line| line.starts_with(LIST)).count(), 100);

    let empty = json!({ "total_count": 1_000_000, "installations": one(0) });
    let github = responding(LIST, move |_| Reply::json(200, &empty)).await;
    assert_eq!(checked(&github).await.visible, None);
    assert_eq!(github.lines().iter().filter(|line| line.starts_with(LIST)).count(), 1);
}

#[tokio::test]
async fn an_installation_of_another_app_with_that_id_is_not_visible_l37() {
    let foreign = installation_body(INSTALLATION, APP + 1, &organization());
    let list = json!({ "total_count": 1, "installations": [foreign] });
    let github = responding(LIST, move |_| Reply::json(200, &list)).await;
    assert_eq!(checked(&github).await.visible, None);
}

#[tokio::test]
async fn a_login_is_encoded_in_the_path_i18() {
    let account = json!({ "id": ORGANIZATION, "login": "../a b?c#d/é", "type": "Organization" });
    let list = json!({ "total_count": 1, "installations": [installation_body(INSTALLATION, APP, &account)] });
    let github = responding(LIST, move |_| Reply::json(200, &list)).await;
    assert!(!checked(&github).await.administers_organization);
    assert_eq!(github.lines()[3], "GET /api/user/memberships/orgs/%2E%2E%2Fa%20b%3Fc%23d%2F%C3%A9");
}

#[tokio::test]
async fn a_refused_code_is_a_value_and_nothing_is_revoked() {
    for error in ["bad_verification_code", "unverified_user_email"] {
        let github = responding(EXCHANGE, move |_| Reply::json(200, &json!({ "error": error }))).await;
        let outcome = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap();
        assert_eq!(outcome, VisitorCheck::CodeRefused, "{error}");
        assert_eq!(github.lines(), [EXCHANGE]);
    }
}

#[tokio::test]
async fn a_refused_oauth_client_is_rejected_with_githubs_error() {
    for error in ["incorrect_client_credentials", "redirect_uri_mismatch", "application_suspended"] {
        let github = responding(EXCHANGE, move |_| Reply::json(200, &json!({ "error": error }))).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap_err();
        assert_eq!(failure.kind(), PortErrorKind::Rejected, "{error}");
        assert!(chain(&failure).contains(error), "{}", chain(&failure));
    }
    for status in [401, 404] {
        let github = responding(EXCHANGE, move |_| Reply::bytes(status, "")).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await;
        assert_eq!(kind(failure), PortErrorKind::Rejected, "{status}");
    }
    let github = responding(EXCHANGE, |_| Reply::json(200, &json!({ "error": "news" }))).await;
    assert_eq!(
        kind(gateway(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Unexpected
    );
}

#[tokio::test]
async fn a_missing_or_invalid_token_is_corrupt() {
    for body in [
        json!({}),
        json!({ "access_token": null }),
        json!({ "access_token": "" }),
        json!({ "access_token": 7 }),
        json!({ "access_token": ["ghu_tokencanary"] }),
        json!({ "access_token": "two\nlines" }),
        json!("ghu_tokencanary"),
    ] {
        let shown = body.to_string();
        let github = responding(EXCHANGE, move |_| Reply::json(200, &body)).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await;
        assert_eq!(kind(failure), PortErrorKind::Corrupt, "{shown}");
    }
    let github = responding(EXCHANGE, |_| Reply::bytes(200, "access_token=ghu_tokencanary&scope=")).await;
    assert_eq!(
        kind(gateway(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Corrupt
    );
}

#[tokio::test]
async fn without_an_oauth_client_a_code_is_an_error_l07() {
    let github = Scripted::start(usual(|_| None)).await;
    let config =
        GithubAppConfig::new(AppId::new(APP).unwrap(), "acme-dock", PKCS1.into()).with_host(github.host());
    let app = GithubApp::new(config).unwrap();
    assert!(!app.registration().has_oauth_client());
    assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), PortErrorKind::Rejected);
    assert!(github.seen().is_empty());
}
