//! What a visitor's code proves.

use dockline::ports::{GithubGateway, VisitorCheck};
use dockline::{Account, AccountKind, AppId, InstalledOn, PortErrorKind, VisitorFacts};
use dockline_github::{GithubApp, GithubAppConfig};
use serde_json::{Value, json};

use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};
use crate::setting::{
    APP, CLIENT_ID, INSTALLATION, ORGANIZATION, PKCS1, REVOCATION, TOKEN, VISITOR, account_id, chain, code,
    gateway, installation_body, installation_id, kind, organization, usual, witness,
};

const EXCHANGE: &str = "POST /login/oauth/access_token";
const LIST: &str = "GET /api/user/installations";
const MEMBERSHIP: &str = "GET /api/user/memberships/orgs/acme-coffee";

/// A GitHub that answers so to what starts with `line`, and as usual otherwise.
async fn answering(line: &'static str, reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Scripted {
    Scripted::start(usual(move |seen| seen.line.starts_with(line).then(|| reply(seen)))).await
}

async fn proved(github: &Scripted) -> VisitorFacts {
    witness(gateway(github).check_visitor(&code(), installation_id()).await)
}

#[tokio::test]
async fn an_administrator_of_the_organization_is_witnessed_in_this_order() {
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
    assert_eq!(proved(&github).await, expected);

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
async fn to_see_is_not_to_administer_l08() {
    for membership in [
        json!({ "state": "active", "role": "member", "organization": { "id": ORGANIZATION } }),
        json!({ "state": "pending", "role": "admin", "organization": { "id": ORGANIZATION } }),
        // L-53: the name has gone to another organization meanwhile.
        json!({ "state": "active", "role": "admin", "organization": { "id": ORGANIZATION + 1 } }),
    ] {
        let github = answering(MEMBERSHIP, move |_| Reply::json(200, &membership)).await;
        let witness = proved(&github).await;
        assert!(witness.visible.is_some());
        assert!(!witness.administers_organization);
    }
    let github = answering(MEMBERSHIP, |_| Reply::message(404, "Not Found")).await;
    assert!(!proved(&github).await.administers_organization);
}

#[tokio::test]
async fn without_members_read_nobody_administers_and_the_log_says_so_once_l07() {
    let (logs, _guard) = Logs::capture();
    let github = answering(MEMBERSHIP, |_| {
        Reply::message(403, "Resource not accessible by integration")
            .header("x-accepted-github-permissions", "members=read")
    })
    .await;
    let app = gateway(&github);
    for _ in 0..2 {
        let witness = witness(app.check_visitor(&code(), installation_id()).await);
        assert!(witness.visible.is_some());
        assert!(!witness.administers_organization);
    }
    let warnings = logs.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("Members: read") && warnings[0].contains("members=read"), "{warnings:?}");
    assert_eq!(github.lines().last().unwrap(), REVOCATION);
}

#[tokio::test]
async fn on_a_users_account_no_membership_is_asked_for() {
    for account in [
        json!({ "id": VISITOR, "login": "mona", "type": "User" }),
        json!({ "id": 9, "slug": "acme", "name": "Acme" }),
        Value::Null,
    ] {
        let list =
            json!({ "total_count": 1, "installations": [installation_body(INSTALLATION, APP, &account)] });
        let github = answering(LIST, move |_| Reply::json(200, &list)).await;
        let witness = proved(&github).await;
        assert!(witness.visible.is_some(), "{account}");
        assert!(!witness.administers_organization);
        assert_eq!(github.seen().len(), 4);
    }
}

/// Installations of our App, numbered from `first`, on the page that was asked for.
fn page(seen: &Seen, total: u64) -> Value {
    let number: u64 = seen.line.rsplit_once("&page=").unwrap().1.parse().unwrap();
    let ids = (number - 1) * 100 + 1..=(number * 100).min(total);
    let list: Vec<Value> = ids
        .map(|id| installation_body(if id == 250 { INSTALLATION } else { id }, APP, &organization()))
        .collect();
    json!({ "total_count": total, "installations": list })
}

#[tokio::test]
async fn all_pages_are_read_and_no_more_than_needed_l54() {
    for (total, pages, visible) in
        [(1_000, 3, true), (300, 3, true), (249, 3, false), (200, 2, false), (0, 1, false)]
    {
        let github = answering(LIST, move |seen| Reply::json(200, &page(seen, total))).await;
        assert_eq!(proved(&github).await.visible.is_some(), visible, "{total}");
        let asked = github.lines().iter().filter(|line| line.starts_with(LIST)).count();
        assert_eq!(asked, pages, "{total}");
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_left_i17() {
    let one = |count: usize| vec![installation_body(1, APP, &organization()); count];
    let endless = json!({ "total_count": 1_000_000, "installations": one(1) });
    let github = answering(LIST, move |_| Reply::json(200, &endless)).await;
    assert_eq!(proved(&github).await.visible, None);
    assert_eq!(github.lines().iter().filter(|line| line.starts_with(LIST)).count(), 100);

    let empty = json!({ "total_count": 1_000_000, "installations": one(0) });
    let github = answering(LIST, move |_| Reply::json(200, &empty)).await;
    assert_eq!(proved(&github).await.visible, None);
    assert_eq!(github.lines().iter().filter(|line| line.starts_with(LIST)).count(), 1);
}

#[tokio::test]
async fn another_apps_installation_of_that_number_shows_nothing_l37() {
    let foreign = installation_body(INSTALLATION, APP + 1, &organization());
    let list = json!({ "total_count": 1, "installations": [foreign] });
    let github = answering(LIST, move |_| Reply::json(200, &list)).await;
    assert_eq!(proved(&github).await.visible, None);
}

#[tokio::test]
async fn a_login_cannot_leave_its_place_in_the_path_i18() {
    let account = json!({ "id": ORGANIZATION, "login": "../a b?c#d/é", "type": "Organization" });
    let list = json!({ "total_count": 1, "installations": [installation_body(INSTALLATION, APP, &account)] });
    let github = answering(LIST, move |_| Reply::json(200, &list)).await;
    assert!(!proved(&github).await.administers_organization);
    assert_eq!(github.lines()[3], "GET /api/user/memberships/orgs/%2E%2E%2Fa%20b%3Fc%23d%2F%C3%A9");
}

#[tokio::test]
async fn a_refused_code_is_a_value_and_there_is_nothing_to_revoke() {
    for error in ["bad_verification_code", "unverified_user_email"] {
        let github = answering(EXCHANGE, move |_| Reply::json(200, &json!({ "error": error }))).await;
        let proving = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap();
        assert_eq!(proving, VisitorCheck::CodeRefused, "{error}");
        assert_eq!(github.lines(), [EXCHANGE]);
    }
}

#[tokio::test]
async fn a_refused_client_is_the_operators_to_mend() {
    for error in ["incorrect_client_credentials", "redirect_uri_mismatch", "application_suspended"] {
        let github = answering(EXCHANGE, move |_| Reply::json(200, &json!({ "error": error }))).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap_err();
        assert_eq!(failure.kind(), PortErrorKind::Rejected, "{error}");
        assert!(chain(&failure).contains(error), "{}", chain(&failure));
    }
    for status in [401, 404] {
        let github = answering(EXCHANGE, move |_| Reply::bytes(status, "")).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await;
        assert_eq!(kind(failure), PortErrorKind::Rejected, "{status}");
    }
    let github = answering(EXCHANGE, |_| Reply::json(200, &json!({ "error": "news" }))).await;
    assert_eq!(
        kind(gateway(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Unexpected
    );
}

#[tokio::test]
async fn a_token_that_is_none_is_corrupt() {
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
        let github = answering(EXCHANGE, move |_| Reply::json(200, &body)).await;
        let failure = gateway(&github).check_visitor(&code(), installation_id()).await;
        assert_eq!(kind(failure), PortErrorKind::Corrupt, "{shown}");
    }
    let github = answering(EXCHANGE, |_| Reply::bytes(200, "access_token=ghu_tokencanary&scope=")).await;
    assert_eq!(
        kind(gateway(&github).check_visitor(&code(), installation_id()).await),
        PortErrorKind::Corrupt
    );
}

#[tokio::test]
async fn without_an_oauth_client_a_code_proves_nothing_and_is_not_skipped_l07() {
    let github = Scripted::start(usual(|_| None)).await;
    let config =
        GithubAppConfig::new(AppId::new(APP).unwrap(), "acme-dock", PKCS1.into()).with_host(github.host());
    let app = GithubApp::new(config).unwrap();
    assert!(!app.registration().has_oauth_client());
    assert_eq!(kind(app.check_visitor(&code(), installation_id()).await), PortErrorKind::Rejected);
    assert!(github.seen().is_empty());
}
