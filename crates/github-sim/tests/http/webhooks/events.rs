//! The events of changes.

use crate::rest::installation_requests::request_installation;
use crate::support::CALLBACK;
use crate::webhooks::receiver::{Received, Receiver, WebhookFixture};
use dockline_github_sim::NewApp;
use serde_json::{Value, json};

fn names(repositories: &Value) -> Vec<&str> {
    repositories.as_array().unwrap().iter().map(|r| r["full_name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lifecycle_of_an_installation_sends_events() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    sim.add_repository("acme-coffee", "beans", true).unwrap();
    let id = webhooks.fixture.install("acme-coffee");
    let created = webhooks.single().await;
    assert_eq!(created.event(), "installation.created");
    let created = created.payload();
    assert_eq!(created["sender"]["login"], "olga");
    assert_eq!(created["requester"], Value::Null);
    assert_eq!(names(&created["repositories"]), ["acme-coffee/beans"]);
    let (_, rest) = webhooks.fixture.get_as_app(&format!("/app/installations/{id}")).await;
    for field in ["id", "account", "app_id", "permissions", "html_url", "target_type"] {
        assert_eq!(created["installation"][field], rest[field], "{field}");
    }
    let date = created["installation"]["created_at"].as_str().unwrap();
    assert!(date.ends_with(".000-07:00"), "{date}");

    sim.suspend(id, Some("olga")).unwrap();
    sim.suspend(id, None).unwrap();
    let suspend = webhooks.single().await;
    assert_eq!(suspend.event(), "installation.suspend");
    assert_eq!(suspend.payload()["installation"]["suspended_by"]["login"], "olga");
    assert_eq!(suspend.payload().get("repositories"), None);
    sim.unsuspend(id).unwrap();
    sim.unsuspend(id).unwrap();
    let unsuspend = webhooks.single().await;
    assert_eq!(unsuspend.event(), "installation.unsuspend");
    assert!(unsuspend.payload()["installation"]["suspended_at"].is_null());

    sim.accept_permissions(id).unwrap();
    sim.set_app_permissions(webhooks.fixture.app.app_id, [("members".into(), "write".into())].into())
        .unwrap();
    assert_eq!(webhooks.received().await.len(), 0, "requesting permissions changes no installation");
    sim.accept_permissions(id).unwrap();
    let accepted = webhooks.single().await;
    assert_eq!(accepted.event(), "installation.new_permissions_accepted");
    assert_eq!(accepted.payload()["installation"]["permissions"], json!({ "members": "write" }));

    sim.uninstall(id).unwrap();
    let deleted = webhooks.single().await;
    assert_eq!(deleted.event(), "installation.deleted");
    assert_eq!(
        (&deleted.payload()["installation"]["id"], &deleted.payload()["sender"]["login"]),
        (&json!(id), &json!("olga"))
    );

    let again = webhooks.fixture.install("acme-coffee");
    assert_ne!(again, id);
    assert_eq!(webhooks.single().await.payload()["installation"]["id"], again);
}

#[tokio::test]
async fn created_event_names_the_requester() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    request_installation(&webhooks.fixture).await;
    assert_eq!(webhooks.received().await.len(), 0, "a request installs nothing");
    sim.approve_request(sim.installation_requests()[0].id, "olga").unwrap();
    let created = webhooks.single().await.payload();
    assert_eq!(
        (&created["requester"]["login"], &created["sender"]["login"]),
        (&json!("mia"), &json!("olga"))
    );
}

#[tokio::test]
async fn changes_through_api_and_pages_send_events() {
    let webhooks = WebhookFixture::new().await;
    let id = webhooks.fixture.install("acme-coffee");
    let path = format!("/app/installations/{id}");
    webhooks.fixture.send(reqwest::Method::PUT, &format!("{path}/suspended"), &webhooks.fixture.jwt()).await;
    webhooks
        .fixture
        .send(reqwest::Method::DELETE, &format!("{path}/suspended"), &webhooks.fixture.jwt())
        .await;
    let page = format!("{}/settings/installations/{id}", webhooks.fixture.running.web);
    webhooks.fixture.sim().default_user(Some("olga")).unwrap();
    for action in ["suspend", "unsuspend"] {
        webhooks.fixture.client.post(&page).form(&[("action", action)]).send().await.unwrap();
    }
    webhooks.fixture.send(reqwest::Method::DELETE, &path, &webhooks.fixture.jwt()).await;
    let received = webhooks.received().await;
    let events: Vec<(String, Value)> =
        received.iter().map(|a| (a.event(), a.payload()["sender"]["login"].clone())).collect();
    let expected = [
        ("installation.created", "olga"),
        ("installation.suspend", "dockline-dev[bot]"),
        ("installation.unsuspend", "dockline-dev[bot]"),
        ("installation.suspend", "olga"),
        ("installation.unsuspend", "olga"),
        ("installation.deleted", "dockline-dev[bot]"),
    ];
    assert_eq!(events, expected.map(|(event, sender)| (event.to_owned(), json!(sender))));
}

#[tokio::test]
async fn selection_change_sends_added_and_removed() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    let beans = sim.add_repository("acme-coffee", "beans", true).unwrap();
    let cups = sim.add_repository("acme-coffee", "cups", false).unwrap();
    webhooks.fixture.install("acme-coffee");
    webhooks.received().await;
    webhooks.save_selection("acme-coffee", Some(&[beans])).await;
    let removed = webhooks.single().await;
    assert_eq!(removed.event(), "installation_repositories.removed");
    assert_eq!(names(&removed.payload()["repositories_removed"]), ["acme-coffee/cups"]);
    assert_eq!(removed.payload()["repository_selection"], "selected");
    webhooks.save_selection("acme-coffee", Some(&[cups])).await;
    let both = webhooks.received().await;
    let events: Vec<String> = both.iter().map(Received::event).collect();
    assert_eq!(events, ["installation_repositories.added", "installation_repositories.removed"]);
    webhooks.save_selection("acme-coffee", Some(&[cups])).await;
    assert_eq!(webhooks.received().await.len(), 0, "the same selection sends nothing");
    webhooks.save_selection("acme-coffee", None).await;
    let added = webhooks.single().await.payload();
    assert_eq!(
        (names(&added["repositories_added"]), &added["repository_selection"]),
        (vec!["acme-coffee/beans"], &json!("all"))
    );
    assert_eq!((&added["requester"], &added["sender"]["login"]), (&Value::Null, &json!("olga")));
}

#[tokio::test]
async fn rename_sends_the_old_login() {
    let webhooks = WebhookFixture::new().await;
    let id = webhooks.fixture.install("acme-coffee");
    webhooks.received().await;
    webhooks.fixture.sim().rename("acme-coffee", "acme-tea").unwrap();
    let renamed = webhooks.single().await;
    assert_eq!(renamed.event(), "installation_target.renamed");
    let payload = renamed.payload();
    assert_eq!(payload["changes"], json!({ "login": { "from": "acme-coffee" } }));
    assert_eq!(
        (&payload["account"]["login"], &payload["target_type"]),
        (&json!("acme-tea"), &json!("Organization"))
    );
    assert_eq!(payload["installation"]["id"], id);
    assert_eq!(payload["installation"].as_object().unwrap().len(), 2, "only id and node_id");
    assert_eq!(webhooks.fixture.sim().installation(id).unwrap().account_login, "acme-tea");
    webhooks.fixture.sim().rename("mia", "maria").unwrap();
    webhooks.fixture.sim().rename("acme-tea", "acme-tea").unwrap();
    assert_eq!(
        webhooks.received().await.len(),
        0,
        "the App is not installed on mia, and acme-tea kept its login"
    );
}

#[tokio::test]
async fn suspended_installation_sends_no_events() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    let beans = sim.add_repository("acme-coffee", "beans", true).unwrap();
    sim.add_repository("acme-coffee", "cups", true).unwrap();
    let id = webhooks.fixture.install("acme-coffee");
    sim.suspend(id, Some("olga")).unwrap();
    assert_eq!(webhooks.received().await.len(), 2);
    webhooks.save_selection("acme-coffee", Some(&[beans])).await;
    sim.rename("acme-coffee", "acme-tea").unwrap();
    sim.set_app_permissions(webhooks.fixture.app.app_id, [].into()).unwrap();
    sim.accept_permissions(id).unwrap();
    assert_eq!(webhooks.received().await.len(), 0);
    sim.unsuspend(id).unwrap();
    let back = webhooks.single().await.payload();
    assert_eq!(
        (&back["action"], &back["installation"]["account"]["login"]),
        (&json!("unsuspend"), &json!("acme-tea"))
    );
    sim.suspend(id, None).unwrap();
    sim.uninstall(id).unwrap();
    assert_eq!(webhooks.single().await.event(), "installation.suspend", "its removal sends nothing");
}

#[tokio::test]
async fn revoked_authorization_ends_tokens_and_sends_an_event() {
    let webhooks = WebhookFixture::new().await;
    let (sim, app_id) = (webhooks.fixture.sim(), webhooks.fixture.app.app_id);
    let id = webhooks.fixture.install("acme-coffee");
    webhooks.received().await;
    assert!(sim.revoke_authorization(app_id, "olga").is_err(), "olga has not authorized the App");
    let (of_olga, of_mia) =
        (webhooks.fixture.user_token("olga").await, webhooks.fixture.user_token("mia").await);
    sim.revoke_authorization(app_id, "olga").unwrap();
    let revoked = webhooks.single().await;
    assert_eq!(revoked.event(), "github_app_authorization.revoked");
    assert_eq!(revoked.payload()["sender"]["login"], "olga");
    assert_eq!(webhooks.fixture.get("/user", &of_olga).await.0, 401);
    assert_eq!(webhooks.fixture.get("/user", &of_mia).await.0, 200);
    assert!(sim.installation(id).is_some(), "the installation stays");
    assert!(sim.revoke_authorization(app_id, "olga").is_err());
}

#[tokio::test]
async fn new_webhook_url_gets_a_ping() {
    let webhooks = WebhookFixture::new().await;
    let (sim, app_id) = (webhooks.fixture.sim(), webhooks.fixture.app.app_id);
    let second = Receiver::new().await;
    sim.set_webhook_url(app_id, Some(&second.url)).unwrap();
    sim.ping(app_id).unwrap();
    assert_eq!(webhooks.received().await.len(), 0);
    assert_eq!(second.events(), ["ping", "ping"]);
    let ping = second.received()[0].payload();
    assert_eq!(
        (&ping["hook"]["app_id"], &ping["hook"]["config"]["url"]),
        (&json!(app_id), &json!(second.url))
    );
    assert_eq!(ping["hook"]["config"]["secret"], "********");
    assert!(!ping.to_string().contains(&webhooks.secret()));
    for wrong in ["", "ftp://127.0.0.1/", "/hook", "http://"] {
        assert!(sim.set_webhook_url(app_id, Some(wrong)).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn app_without_webhook_url_gets_no_deliveries() {
    let webhooks = WebhookFixture::new().await;
    let (sim, app_id) = (webhooks.fixture.sim(), webhooks.fixture.app.app_id);
    let other = sim.create_app(NewApp::new("other", CALLBACK)).unwrap();
    sim.install(other.app_id, "acme-coffee", "olga").unwrap();
    sim.set_webhook_url(app_id, None).unwrap();
    webhooks.fixture.install("olga");
    assert_eq!((webhooks.received().await.len(), sim.deliveries()), (0, vec![]));
}

#[tokio::test]
async fn events_with_a_payload_from_outside_name_the_installation() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    let id = webhooks.fixture.install("acme-coffee");
    webhooks.single().await;
    let send = |event: &str, payload: Value| sim.send_event(id, event, payload.as_object().unwrap().clone());
    send("push", json!({ "ref": "refs/heads/main", "installation": { "id": 7 } })).unwrap();
    let push = webhooks.single().await;
    assert_eq!((push.event(), &push.payload()["ref"]), ("push".to_owned(), &json!("refs/heads/main")));
    assert_eq!(push.payload()["installation"]["id"], id);
    send("issues", json!({ "action": "opened" })).unwrap();
    assert_eq!(webhooks.single().await.event(), "issues.opened");
    sim.suspend(id, None).unwrap();
    webhooks.single().await;
    send("push", json!({})).unwrap();
    assert_eq!(webhooks.received().await.len(), 0, "a suspended installation sends nothing");
    assert!(sim.send_event(7, "push", serde_json::Map::new()).is_err());
}
