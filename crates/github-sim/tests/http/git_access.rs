//! Who may fetch and push, as the answers tell it to any client.

use crate::support::{CALLBACK, World};
use dockline_github_sim::{Config, GithubSim, NewApp, TokenLag};
use reqwest::{Response, StatusCode};
use serde_json::json;

const FETCH: &str = "git-upload-pack";
const PUSH: &str = "git-receive-pack";

/// How a request proves who it is.
enum Proof<'a> {
    Nothing,
    Basic(&'a str, &'a str),
    Bearer(&'a str),
}

async fn refs(world: &World, repository: &str, service: &str, proof: Proof<'_>) -> Response {
    let url = format!("{}/{repository}/info/refs?service={service}", world.running.web);
    let request = world.client.get(url);
    let request = match proof {
        Proof::Nothing => request,
        Proof::Basic(user, password) => request.basic_auth(user, Some(password)),
        Proof::Bearer(token) => request.bearer_auth(token),
    };
    request.send().await.unwrap()
}

async fn status(world: &World, repository: &str, service: &str, token: &str) -> StatusCode {
    refs(world, repository, service, Proof::Basic("x-access-token", token)).await.status()
}

#[tokio::test]
async fn whoever_does_not_say_who_they_are_is_asked() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    let proofs = [
        Proof::Nothing,
        Proof::Basic("x-access-token", "ghs_unknown"),
        Proof::Basic("x-access-token", ""),
        Proof::Basic("olga", &token),
        Proof::Bearer("ghs_unknown"),
    ];
    for proof in proofs {
        let asked = refs(&world, "acme-coffee/beans.git", FETCH, proof).await;
        assert_eq!(asked.status(), 401);
        assert_eq!(asked.headers()["www-authenticate"], "Basic realm=\"GitHub\"");
    }
    let jwt = world.jwt();
    for (password, expected) in [(token.as_str(), 200), (&jwt, 401), (&world.user_token("olga"), 401)] {
        assert_eq!(status(&world, "acme-coffee/beans.git", FETCH, password).await, expected);
    }
    let bearer = refs(&world, "Acme-Coffee/Beans", FETCH, Proof::Bearer(&token)).await;
    assert_eq!(bearer.status(), 200, "without .git, in any case");
    assert_eq!(bearer.headers()["content-type"], "application/x-git-upload-pack-advertisement");
    // Whether a repository is there cannot be told from outside.
    let hidden = refs(&world, "acme-coffee/nothing.git", FETCH, Proof::Nothing).await;
    let private = refs(&world, "acme-coffee/beans.git", FETCH, Proof::Nothing).await;
    assert_eq!(
        (hidden.status(), hidden.text().await.unwrap()),
        (private.status(), private.text().await.unwrap())
    );
    assert_eq!(status(&world, "acme-coffee/nothing.git", FETCH, &token).await, 404);
    assert_eq!(status(&world, "nobody/beans.git", FETCH, &token).await, 404);
}

#[tokio::test]
async fn everybody_reads_what_is_public_and_nobody_writes_it() {
    let world = World::new().await;
    world.sim().add_repository("acme-coffee", "site", false).unwrap();
    world.sim().add_repository("olga", "blog", false).unwrap();
    let installation = world.install("olga");
    let token = world.token(installation, &json!({})).await;
    let site = "acme-coffee/site.git";
    assert_eq!(refs(&world, site, FETCH, Proof::Nothing).await.status(), 200);
    assert_eq!(refs(&world, site, PUSH, Proof::Nothing).await.status(), 401);
    assert_eq!(
        refs(&world, site, FETCH, Proof::Bearer("rubbish")).await.status(),
        401,
        "bad is worse than none"
    );
    assert_eq!(status(&world, site, FETCH, &token).await, 200);
    assert_eq!(status(&world, site, PUSH, &token).await, 403, "another account's installation");
    assert_eq!(status(&world, "olga/blog.git", PUSH, &token).await, 200);
    world.sim().suspend(installation, None).unwrap();
    assert_eq!(status(&world, site, FETCH, &token).await, 403);
}

#[tokio::test]
async fn an_installation_on_all_repositories_does_not_reach_other_accounts() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    world.sim().add_repository("olga", "diary", true).unwrap();
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    assert_eq!(status(&world, "acme-coffee/beans.git", PUSH, &token).await, 200);
    for service in [FETCH, PUSH] {
        assert_eq!(status(&world, "olga/diary.git", service, &token).await, 404);
    }
}

#[tokio::test]
async fn contents_is_the_permission_that_counts() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let installation = world.install("acme-coffee");
    let cases = [
        (json!({ "contents": "write" }), 200, 200),
        (json!({ "contents": "read" }), 200, 403),
        (json!({ "pull_requests": "write" }), 403, 403),
    ];
    for (permissions, fetch, push) in cases {
        let token = world.token(installation, &json!({ "permissions": permissions })).await;
        assert_eq!(status(&world, "acme-coffee/beans.git", FETCH, &token).await, fetch, "{permissions}");
        assert_eq!(status(&world, "acme-coffee/beans.git", PUSH, &token).await, push, "{permissions}");
        let url = format!("{}/acme-coffee/beans.git/{PUSH}", world.running.web);
        let request = world.client.post(url).basic_auth("x-access-token", Some(&token));
        let request = request.header("content-type", "application/x-git-receive-pack-request").body("0000");
        assert_eq!(request.send().await.unwrap().status(), push, "{permissions}");
    }
}

#[tokio::test]
async fn selection_uninstalling_and_lag_are_felt_by_git() {
    let world = World::new().await;
    world.repositories(&["beans", "roaster"]);
    let installation = world.install("acme-coffee");
    let token = world.token(installation, &json!({})).await;
    world.sim().select_repositories(installation, &["roaster"]).unwrap();
    assert_eq!(status(&world, "acme-coffee/beans.git", FETCH, &token).await, 404);
    assert_eq!(status(&world, "acme-coffee/roaster.git", FETCH, &token).await, 200);
    world.sim().set_token_lag(Some(TokenLag::Uses(1)));
    let fresh = world.token(installation, &json!({})).await;
    assert_eq!(status(&world, "acme-coffee/roaster.git", FETCH, &fresh).await, 401);
    assert_eq!(status(&world, "acme-coffee/roaster.git", FETCH, &fresh).await, 200);
    world.sim().uninstall(installation).unwrap();
    assert_eq!(status(&world, "acme-coffee/roaster.git", FETCH, &token).await, 401);
}

#[tokio::test]
async fn many_at_once_find_one_repository() {
    let world = World::new().await;
    world.sim().add_repository("acme-coffee", "site", false).unwrap();
    let one = async || {
        let answer = refs(&world, "acme-coffee/site", FETCH, Proof::Nothing).await;
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    };
    let all = futures_util::future::join_all((0..6).map(|_| one())).await;
    assert!(all[0].contains("refs/heads/main") && all.iter().all(|answer| *answer == all[0]));
}

#[tokio::test]
async fn the_second_version_of_the_protocol_is_spoken_to_those_who_ask() {
    let world = World::new().await;
    world.sim().add_repository("acme-coffee", "site", false).unwrap();
    let url = format!("{}/acme-coffee/site/info/refs?service={FETCH}", world.running.web);
    for (version, expected) in [("version=2", true), ("version=0", false)] {
        let answer = world.client.get(&url).header("Git-Protocol", version).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-cache, max-age=0, must-revalidate");
        assert_eq!(answer.text().await.unwrap().contains("version 2"), expected, "{version}");
    }
}

#[tokio::test]
async fn what_git_does_not_ask_is_refused() {
    let world = World::new().await;
    world.sim().add_repository("acme-coffee", "site", false).unwrap();
    assert_eq!(
        refs(&world, "acme-coffee/site.git", "git-upload-archive", Proof::Nothing).await.status(),
        403
    );
    let url = format!("{}/acme-coffee/site.git", world.running.web);
    assert_eq!(world.client.get(format!("{url}/HEAD")).send().await.unwrap().status(), 404);
    assert_eq!(world.client.get(format!("{url}/info/refs")).send().await.unwrap().status(), 403);
    let large = world.client.post(format!("{url}/{FETCH}")).body(vec![b'0'; (16 << 20) + 1]);
    assert_eq!(large.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn without_git_the_simulator_says_so() {
    let config = Config::default().with_git("/nowhere/git");
    let world = World::on(GithubSim::new(config), NewApp::new("dockline-dev", CALLBACK)).await;
    world.sim().add_repository("acme-coffee", "site", false).unwrap();
    let answer = refs(&world, "acme-coffee/site.git", FETCH, Proof::Nothing).await;
    assert_eq!(answer.status(), 501);
    assert!(answer.text().await.unwrap().contains("not installed"));
    assert_eq!(
        refs(&world, "acme-coffee/site.git", PUSH, Proof::Nothing).await.status(),
        401,
        "who comes first"
    );
}
