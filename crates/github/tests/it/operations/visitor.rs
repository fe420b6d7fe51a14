//! Checking a visitor by their code.

use dockline::ports::{GithubGateway, VisitorCheck, VisitorInstallations};
use dockline::{Account, AccountKind, InstalledOn, Membership, UnknownReason, Visibility, VisitorFacts};
use serde_json::{Value, json};

use crate::fixtures::{
    APP, CLIENT_ID, DATE, INSTALLATION, NOW, ORGANIZATION, REVOCATION, TOKEN, VISITOR, account_id, code,
    facts, gateway, installation_body, installation_id, organization, usual,
};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};

pub(super) const EXCHANGE: &str = "POST /login/oauth/access_token";
pub(super) const LIST: &str = "GET /api/user/installations";
const MEMBERSHIP: &str = "GET /api/user/memberships/orgs/acme-coffee";

/// A GitHub with this response to requests whose line starts with `line`.
pub(super) async fn responding(
    line: &'static str,
    reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Scripted {
    Scripted::start(usual(move |seen| seen.line.starts_with(line).then(|| reply(seen)))).await
}

pub(super) async fn checked(github: &Scripted) -> VisitorFacts {
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
        visibility: Visibility::Seen(InstalledOn::Account(account)),
        membership: Membership::Administrator,
        installation_age: None,
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
    for (state, role, organization, expected) in [
        ("active", "member", ORGANIZATION, Membership::Member),
        ("pending", "admin", ORGANIZATION, Membership::Outsider),
        // L-53: the login has passed to another organization.
        ("active", "admin", ORGANIZATION + 1, Membership::Outsider),
    ] {
        let membership = json!({ "state": state, "role": role, "organization": { "id": organization } });
        let github = responding(MEMBERSHIP, move |_| Reply::json(200, &membership)).await;
        let facts_found = checked(&github).await;
        assert!(matches!(facts_found.visibility, Visibility::Seen(_)));
        assert_eq!(facts_found.membership, expected, "{state} {role}");
    }
    let github = responding(MEMBERSHIP, |_| Reply::message(404, "Not Found")).await;
    assert_eq!(checked(&github).await.membership, Membership::Outsider);
}

/// GitHub's words and headers. Each denial is an unknown membership, and the token is revoked.
#[tokio::test]
async fn a_membership_that_github_does_not_tell_is_unknown_for_its_reason_l73_c06() {
    let saml = "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this \
                organization.";
    let ip = "Although you appear to have the correct authorization credentials, the `acme-coffee` organization has an \
              IP allow list enabled, and your IP address is not permitted to access this resource.";
    let sso = |header: &str| Reply::message(403, saml).header("x-github-sso", header);
    let sso_required = |url: Option<&str>| UnknownReason::SsoRequired { url: url.map(str::to_owned) };
    let cases: [(Reply, UnknownReason); 8] = [
        (Reply::message(403, ip), UnknownReason::IpBlocked),
        (sso("required"), sso_required(None)),
        // Only HTTPS pages of the App's own web host are shown, and the scripted one is plain HTTP.
        (sso("required; url=https://evil.example/orgs/acme/sso"), sso_required(None)),
        (sso("required; url=javascript:alert(1)"), sso_required(None)),
        (Reply::message(403, "Resource not accessible by integration"), UnknownReason::PermissionMissing),
        (Reply::message(403, "Sorry. Your account was suspended."), UnknownReason::AccountSuspended),
        (Reply::message(403, "Forbidden"), UnknownReason::Denied),
        (Reply::message(502, "Bad Gateway"), UnknownReason::Unavailable),
    ];
    for (reply, expected) in cases {
        let reply = std::sync::Mutex::new(Some(reply));
        let github = Scripted::start(usual(move |seen| {
            seen.line.starts_with(MEMBERSHIP).then(|| reply.lock().unwrap().take().unwrap())
        }))
        .await;
        assert_eq!(checked(&github).await.membership, Membership::Unknown(expected));
        assert_eq!(github.lines().last().unwrap(), REVOCATION);
    }
}

#[tokio::test]
async fn a_page_to_sign_in_is_kept_if_it_is_on_the_web_host_over_https_c06() {
    let github = Scripted::start(usual(|seen| {
        let host = seen.header("host").to_owned();
        let url = format!("required; url=https://{host}/orgs/acme-coffee/sso?authorization_request=A1");
        (seen.line.starts_with(MEMBERSHIP)).then(|| Reply::message(403, "").header("x-github-sso", url))
    }))
    .await;
    let Membership::Unknown(UnknownReason::SsoRequired { url: Some(url) }) =
        checked(&github).await.membership
    else {
        panic!("no page to sign in")
    };
    assert!(url.ends_with("/orgs/acme-coffee/sso?authorization_request=A1"), "{url}");
}

/// The refusal is the visitor's, whatever the call.
#[tokio::test]
async fn a_suspended_visitor_is_denied_and_not_our_credential_c07() {
    for line in ["GET /api/user", LIST] {
        let github = responding(line, |_| Reply::message(403, "Sorry. Your account was suspended.")).await;
        let outcome = gateway(&github).check_visitor(&code(), installation_id()).await.unwrap();
        if let VisitorCheck::Visitor(facts) = outcome {
            assert_eq!(line, LIST);
            assert_eq!(facts.visibility, Visibility::Unknown(UnknownReason::AccountSuspended));
        } else {
            assert_eq!(outcome, VisitorCheck::Denied(UnknownReason::AccountSuspended));
        }
        assert_eq!(github.lines().last().unwrap(), REVOCATION);
        let listed = gateway(&github).visitor_installations(&code()).await.unwrap();
        if line == LIST {
            assert_eq!(listed, VisitorInstallations::Denied(UnknownReason::AccountSuspended));
        }
    }
}

#[tokio::test]
async fn an_installation_that_single_sign_on_hides_is_unknown_and_not_unseen_c06() {
    let empty = json!({ "total_count": 0, "installations": [] });
    let github = responding(LIST, move |_| {
        Reply::json(200, &empty).header("x-github-sso", "partial-results; organizations=21955855")
    })
    .await;
    let hidden = || UnknownReason::SsoRequired { url: None };
    assert_eq!(checked(&github).await.visibility, Visibility::Unknown(hidden()));
    let listed = gateway(&github).visitor_installations(&code()).await.unwrap();
    assert_eq!(listed, VisitorInstallations::Listed { installations: vec![], hidden: Some(hidden()) });
}

#[tokio::test]
async fn the_age_of_the_installation_is_measured_by_githubs_clock_alone_c75() {
    let created = |at: Value| {
        let mut installation = installation_body(INSTALLATION, APP, &organization());
        installation["created_at"] = at;
        json!({ "total_count": 1, "installations": [installation] })
    };
    let minute = Some(time::Duration::MINUTE);
    for (at, age) in [
        (json!("2026-11-18T11:05:40Z"), minute),
        (json!("2026-11-18T12:05:40.000+01:00"), minute),
        (json!(NOW - 60), minute),
        (json!("yesterday"), None),
        (json!([]), None),
        (Value::Null, None),
    ] {
        let list = created(at.clone());
        let github = responding(LIST, move |_| Reply::json(200, &list).header("date", DATE)).await;
        assert_eq!(checked(&github).await.installation_age, age, "{at}");
    }
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
        assert!(matches!(facts_found.visibility, Visibility::Seen(_)));
        assert_eq!(facts_found.membership, Membership::Unknown(UnknownReason::PermissionMissing));
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
        assert!(matches!(facts_found.visibility, Visibility::Seen(_)), "{account}");
        assert_eq!(facts_found.membership, Membership::Outsider);
        assert_eq!(github.seen().len(), 4);
    }
}

#[tokio::test]
async fn a_login_is_encoded_in_the_path_i18() {
    let account = json!({ "id": ORGANIZATION, "login": "../a b?c#d/é", "type": "Organization" });
    let list = json!({ "total_count": 1, "installations": [installation_body(INSTALLATION, APP, &account)] });
    let github = responding(LIST, move |_| Reply::json(200, &list)).await;
    assert_eq!(checked(&github).await.membership, Membership::Outsider);
    assert_eq!(github.lines()[3], "GET /api/user/memberships/orgs/%2E%2E%2Fa%20b%3Fc%23d%2F%C3%A9");
}
