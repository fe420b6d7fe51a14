//! The `push` events of pushes and commits.

use dockline_github_sim::{NewApp, SimError};
use serde_json::{Value, json};

use super::clone::{Workspace, url};
use crate::support::CALLBACK;
use crate::webhooks::receiver::{Received, WebhookFixture};

const NONE: &str = "0000000000000000000000000000000000000000";

fn payloads(received: &[Received]) -> Vec<Value> {
    assert!(received.iter().all(|received| received.event() == "push"));
    received.iter().map(Received::payload).collect()
}

#[tokio::test]
async fn pushing_with_git_sends_an_event_per_changed_branch_and_tag() {
    let webhooks = WebhookFixture::new().await;
    let fixture = &webhooks.fixture;
    fixture.repositories(&["beans"]);
    let installation = fixture.install("acme-coffee");
    webhooks.single().await;
    let token = fixture.token(installation, &json!({})).await;
    let workspace = Workspace::of(fixture);
    workspace.succeeds(&["clone", &url(fixture, "beans", &token), "mine"]).await;
    let git = async |arguments: &[&str]| workspace.succeeds(&[&["-C", "mine"], arguments].concat()).await;
    let head = async || git(&["rev-parse", "HEAD"]).await.trim().to_owned();
    let first = head().await;

    std::fs::write(workspace.path("mine/ä b.txt"), "x").unwrap();
    std::fs::write(workspace.path("mine/README.md"), "y").unwrap();
    git(&["add", "."]).await;
    git(&["commit", "-m", "One\n\nWhy"]).await;
    std::fs::remove_file(workspace.path("mine/README.md")).unwrap();
    git(&["commit", "-am", "Two"]).await;
    git(&["tag", "v1"]).await;
    git(&["push", "--quiet", "origin", "main", "v1", "main:topic"]).await;
    let second = head().await;
    let pushes = payloads(&webhooks.received().await);
    let names: Vec<_> = pushes.iter().map(|push| push["ref"].as_str().unwrap()).collect();
    assert_eq!(names, ["refs/heads/main", "refs/heads/topic", "refs/tags/v1"]);
    let main = &pushes[0];
    assert_eq!((&main["before"], &main["after"]), (&json!(first), &json!(second)));
    assert_eq!(main["installation"]["id"], installation);
    assert_eq!(
        (&main["created"], &main["deleted"], &main["forced"]),
        (&json!(false), &json!(false), &json!(false))
    );
    assert_eq!(main["sender"]["login"], "dockline-dev[bot]");
    assert_eq!(main["repository"]["full_name"], "acme-coffee/beans");
    assert_eq!(main["commits"][0]["message"], "One\n\nWhy");
    assert_eq!(main["commits"][0]["author"], json!({ "name": "Mia", "email": "mia@example.com" }));
    let files = |commit: &Value| ["added", "modified", "removed"].map(|kind| commit[kind].clone());
    assert_eq!(files(&main["commits"][0]), [json!(["ä b.txt"]), json!(["README.md"]), json!([])]);
    assert_eq!(files(&main["commits"][1]), [json!([]), json!([]), json!(["README.md"])]);
    assert_eq!(main["head_commit"], main["commits"][1]);
    let tag = &pushes[2];
    assert_eq!(
        (&tag["before"], &tag["created"], &tag["head_commit"]["id"]),
        (&json!(NONE), &json!(true), &json!(second))
    );

    git(&["reset", "--quiet", "--hard", &first]).await;
    git(&["push", "--quiet", "--force", "origin", "main", ":topic"]).await;
    let pushes = payloads(&webhooks.received().await);
    assert_eq!((&pushes[0]["forced"], &pushes[0]["after"]), (&json!(true), &json!(first)));
    assert_eq!(pushes[0]["commits"], json!([]), "they are known");
    assert_eq!((&pushes[1]["deleted"], &pushes[1]["after"]), (&json!(true), &json!(NONE)));
    assert_eq!(pushes[1]["head_commit"], Value::Null);
    git(&["push", "--quiet", "origin", "main"]).await;
    assert_eq!(webhooks.received().await.len(), 0, "nothing changed");
}

#[tokio::test]
async fn commit_at_github_sends_push_to_each_app_that_subscribes_and_can_see_the_repository() {
    let webhooks = WebhookFixture::new().await;
    let (fixture, sim) = (&webhooks.fixture, webhooks.fixture.sim());
    fixture.repositories(&["beans", "roaster"]);
    let installation = fixture.install("acme-coffee");
    let url = &webhooks.receiver.url;
    let mut deaf = NewApp::new("deaf", CALLBACK).with_webhook_url(url);
    deaf.events.clear();
    let deaf = sim.create_app(deaf).unwrap().app_id;
    sim.install(deaf, "acme-coffee", "olga").unwrap();
    let other = sim.create_app(NewApp::new("other", CALLBACK).with_webhook_url(url)).unwrap().app_id;
    let elsewhere = sim.install(other, "acme-coffee", "olga").unwrap();
    sim.select_repositories(elsewhere, &["roaster"]).unwrap();
    webhooks.received().await;
    for name in ["beans", "roaster"] {
        let id = sim.commit_file("mia", ("acme-coffee", name), "guide/a", "text").await.unwrap();
        let pushes = payloads(&webhooks.received().await);
        let installations: Vec<_> =
            pushes.iter().map(|push| push["installation"]["id"].as_u64().unwrap()).collect();
        let expected = if name == "beans" { vec![installation] } else { vec![installation, elsewhere] };
        assert_eq!(installations, expected, "{name}");
        for push in pushes {
            assert_eq!((&push["after"], &push["sender"]["login"]), (&json!(id), &json!("mia")));
            assert_eq!(push["head_commit"]["added"], json!(["guide/a"]));
            assert_eq!(push["organization"]["login"], "acme-coffee");
        }
    }
    sim.suspend(installation, None).unwrap();
    webhooks.received().await;
    sim.commit_file("mia", ("acme-coffee", "beans"), "guide/a", "other").await.unwrap();
    assert_eq!(webhooks.received().await.len(), 0, "a suspended installation sends nothing");
    for (user, repository, path) in [
        ("unknown", "beans", "a"),
        ("mia", "nothing", "a"),
        ("mia", "beans", "../a"),
        ("mia", "beans", "a\nb"),
        ("mia", "beans", ".git/hooks"),
        ("mia", "beans", "a//b"),
        ("mia", "beans", ""),
    ] {
        let refused = sim.commit_file(user, ("acme-coffee", repository), path, "x").await.unwrap_err();
        assert!(!matches!(refused, SimError::Git(_)), "{refused}");
    }
}
