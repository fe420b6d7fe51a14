//! Authorization of git requests.

use crate::support::{CALLBACK, Fixture};
use dockline_github_sim::{Config, GithubSim, NewApp, TokenLag};
use reqwest::{Response, StatusCode};
use serde_json::json;

const FETCH: &str = "git-upload-pack";
const PUSH: &str = "git-receive-pack";

/// The credentials of a request.
enum Credentials<'a> {
    None,
    Basic(&'a str, &'a str),
    Bearer(&'a str),
}

async fn refs(fixture: &Fixture, repository: &str, service: &str, credentials: Credentials<'_>) -> Response {
    let url = format!("{}/{repository}/info/refs?service={service}", fixture.running.web);
    let request = fixture.client.get(url);
    let request = match credentials {
        Credentials::None => request,
        Credentials::Basic(user, password) => request.basic_auth(user, Some(password)),
        Credentials::Bearer(token) => request.bearer_auth(token),
    };
    request.send().await.unwrap()
}

async fn status(fixture: &Fixture, repository: &str, service: &str, token: &str) -> StatusCode {
    refs(fixture, repository, service, Credentials::Basic("x-access-token", token)).await.status()
}

#[tokio::test]
async fn missing_and_invalid_credentials_are_401() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    let rejected = [
        Credentials::None,
        Credentials::Basic("x-access-token", "ghs_unknown"),
        Credentials::Basic("x-access-token", ""),
        Credentials::Basic("olga", &token),
        Credentials::Bearer("ghs_unknown"),
    ];
    for credentials in rejected {
        let response = refs(&fixture, "acme-coffee/beans.git", FETCH, credentials).await;
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Basic realm=\"GitHub\"");
    }
    let jwt = fixture.jwt();
    for (password, expected) in [(token.as_str(), 200), (&jwt, 401), (&fixture.user_token("olga").await, 401)]
    {
        assert_eq!(status(&fixture, "acme-coffee/beans.git", FETCH, password).await, expected);
    }
    let bearer = refs(&fixture, "Acme-Coffee/Beans", FETCH, Credentials::Bearer(&token)).await;
    assert_eq!(bearer.status(), 200, "without .git, and case-insensitive");
    assert_eq!(bearer.headers()["content-type"], "application/x-git-upload-pack-advertisement");
    // The response does not show whether a private repository exists.
    let hidden = refs(&fixture, "acme-coffee/nothing.git", FETCH, Credentials::None).await;
    let private = refs(&fixture, "acme-coffee/beans.git", FETCH, Credentials::None).await;
    assert_eq!(
        (hidden.status(), hidden.text().await.unwrap()),
        (private.status(), private.text().await.unwrap())
    );
    assert_eq!(status(&fixture, "acme-coffee/nothing.git", FETCH, &token).await, 404);
    assert_eq!(status(&fixture, "unknown/beans.git", FETCH, &token).await, 404);
}

#[tokio::test]
async fn public_repository_can_be_fetched_but_not_pushed_without_credentials() {
    let fixture = Fixture::new().await;
    fixture.sim().add_repository("acme-coffee", "site", false).unwrap();
    fixture.sim().add_repository("olga", "blog", false).unwrap();
    let installation = fixture.install("olga");
    let token = fixture.token(installation, &json!({})).await;
    let site = "acme-coffee/site.git";
    assert_eq!(refs(&fixture, site, FETCH, Credentials::None).await.status(), 200);
    assert_eq!(refs(&fixture, site, PUSH, Credentials::None).await.status(), 401);
    assert_eq!(
        refs(&fixture, site, FETCH, Credentials::Bearer("rubbish")).await.status(),
        401,
        "invalid credentials are rejected even if none are needed"
    );
    assert_eq!(status(&fixture, site, FETCH, &token).await, 200);
    assert_eq!(status(&fixture, site, PUSH, &token).await, 403, "the installation of another account");
    assert_eq!(status(&fixture, "olga/blog.git", PUSH, &token).await, 200);
    fixture.sim().suspend(installation, None).unwrap();
    assert_eq!(status(&fixture, site, FETCH, &token).await, 403);
}

#[tokio::test]
async fn installation_cannot_access_other_accounts() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    fixture.sim().add_repository("olga", "diary", true).unwrap();
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    assert_eq!(status(&fixture, "acme-coffee/beans.git", PUSH, &token).await, 200);
    for service in [FETCH, PUSH] {
        assert_eq!(status(&fixture, "olga/diary.git", service, &token).await, 404);
    }
}

#[tokio::test]
async fn git_needs_the_contents_permission() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let installation = fixture.install("acme-coffee");
    let cases = [
        (json!({ "contents": "write" }), 200, 200),
        (json!({ "contents": "read" }), 200, 403),
        (json!({ "pull_requests": "write" }), 403, 403),
    ];
    for (permissions, fetch, push) in cases {
        let token = fixture.token(installation, &json!({ "permissions": permissions })).await;
        assert_eq!(status(&fixture, "acme-coffee/beans.git", FETCH, &token).await, fetch, "{permissions}");
        assert_eq!(status(&fixture, "acme-coffee/beans.git", PUSH, &token).await, push, "{permissions}");
        let url = format!("{}/acme-coffee/beans.git/{PUSH}", fixture.running.web);
        let request = fixture.client.post(url).basic_auth("x-access-token", Some(&token));
        let request = request.header("content-type", "application/x-git-receive-pack-request").body("0000");
        assert_eq!(request.send().await.unwrap().status(), push, "{permissions}");
    }
}

#[tokio::test]
async fn git_respects_selection_uninstalling_and_token_lag() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans", "roaster"]);
    let installation = fixture.install("acme-coffee");
    let token = fixture.token(installation, &json!({})).await;
    fixture.sim().select_repositories(installation, &["roaster"]).unwrap();
    assert_eq!(status(&fixture, "acme-coffee/beans.git", FETCH, &token).await, 404);
    assert_eq!(status(&fixture, "acme-coffee/roaster.git", FETCH, &token).await, 200);
    fixture.sim().set_token_lag(Some(TokenLag::Uses(1)));
    let fresh = fixture.token(installation, &json!({})).await;
    assert_eq!(status(&fixture, "acme-coffee/roaster.git", FETCH, &fresh).await, 401);
    assert_eq!(status(&fixture, "acme-coffee/roaster.git", FETCH, &fresh).await, 200);
    fixture.sim().uninstall(installation).unwrap();
    assert_eq!(status(&fixture, "acme-coffee/roaster.git", FETCH, &token).await, 401);
}

#[tokio::test]
async fn concurrent_first_requests_create_one_repository() {
    let fixture = Fixture::new().await;
    fixture.sim().add_repository("acme-coffee", "site", false).unwrap();
    let request = async || {
        let response = refs(&fixture, "acme-coffee/site", FETCH, Credentials::None).await;
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    };
    let all = futures_util::future::join_all((0..6).map(|_| request())).await;
    assert!(all[0].contains("refs/heads/main") && all.iter().all(|response| *response == all[0]));
}

#[tokio::test]
async fn git_protocol_version_2_is_negotiated() {
    let fixture = Fixture::new().await;
    fixture.sim().add_repository("acme-coffee", "site", false).unwrap();
    let url = format!("{}/acme-coffee/site/info/refs?service={FETCH}", fixture.running.web);
    for (version, expected) in [("version=2", true), ("version=0", false)] {
        let response = fixture.client.get(&url).header("Git-Protocol", version).send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-cache, max-age=0, must-revalidate");
        assert_eq!(response.text().await.unwrap().contains("version 2"), expected, "{version}");
    }
}

#[tokio::test]
async fn unknown_services_and_large_requests_are_rejected() {
    let fixture = Fixture::new().await;
    fixture.sim().add_repository("acme-coffee", "site", false).unwrap();
    assert_eq!(
        refs(&fixture, "acme-coffee/site.git", "git-upload-archive", Credentials::None).await.status(),
        403
    );
    let url = format!("{}/acme-coffee/site.git", fixture.running.web);
    assert_eq!(fixture.client.get(format!("{url}/HEAD")).send().await.unwrap().status(), 404);
    assert_eq!(fixture.client.get(format!("{url}/info/refs")).send().await.unwrap().status(), 403);
    let large = fixture.client.post(format!("{url}/{FETCH}")).body(vec![b'0'; (16 << 20) + 1]);
    assert_eq!(large.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn missing_git_is_501() {
    let config = Config::default().with_git("/nowhere/git");
    let fixture = Fixture::on(GithubSim::new(config), NewApp::new("dockline-dev", CALLBACK)).await;
    fixture.sim().add_repository("acme-coffee", "site", false).unwrap();
    let response = refs(&fixture, "acme-coffee/site.git", FETCH, Credentials::None).await;
    assert_eq!(response.status(), 501);
    assert!(response.text().await.unwrap().contains("not installed"));
    assert_eq!(
        refs(&fixture, "acme-coffee/site.git", PUSH, Credentials::None).await.status(),
        401,
        "authorization comes first"
    );
}
