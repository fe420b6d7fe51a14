//! Listing, reading and redelivering webhook deliveries.

use crate::support::{CALLBACK, Fixture, status_and_body};
use crate::webhooks::receiver::WebhookFixture;
use dockline_github_sim::{DeliveryMode, NewApp};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/app/hook/deliveries";

/// Returns the path of a relation in the `Link` header, below `/api/v3`.
fn link(headers: &reqwest::header::HeaderMap, rel: &str) -> Option<String> {
    let links = headers.get("link")?.to_str().unwrap();
    let link = links.split(", ").find(|link| link.ends_with(&format!("rel=\"{rel}\"")))?;
    Some(link.split(['<', '>']).nth(1).unwrap().split_once("/api/v3").unwrap().1.to_owned())
}

async fn page(fixture: &Fixture, path: &str) -> (Vec<u64>, Option<String>, Option<String>) {
    let response = fixture.send(Method::GET, path, &fixture.jwt()).await;
    let (next, prev) = (link(response.headers(), "next"), link(response.headers(), "prev"));
    let (status, body) = status_and_body(response).await;
    assert_eq!(status, 200, "{body}");
    (body.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect(), next, prev)
}

#[tokio::test]
async fn delivery_shows_request_and_response() {
    let webhooks = WebhookFixture::new().await;
    let id = webhooks.fixture.install("acme-coffee");
    webhooks.receiver.respond_with(500);
    let received = webhooks.single().await;
    let (_, list) = webhooks.fixture.get_as_app(PATH).await;
    let item = &list[0];
    assert_eq!(
        (&item["event"], &item["action"], &item["installation_id"]),
        (&json!("installation"), &json!("created"), &json!(id))
    );
    assert_eq!((&item["status_code"], &item["status"]), (&json!(500), &json!("Invalid HTTP Response: 500")));
    assert_eq!((&item["redelivery"], &item["repository_id"]), (&json!(false), &Value::Null));
    assert_eq!(item.get("request"), None);
    let (status, whole) = webhooks.fixture.get_as_app(&format!("{PATH}/{}", item["id"])).await;
    assert_eq!(status, 200);
    assert_eq!(whole["request"]["payload"], received.payload());
    assert_eq!(whole["request"]["headers"]["X-GitHub-Delivery"], received.header("x-github-delivery"));
    assert_eq!(whole["request"]["headers"]["X-Hub-Signature-256"], received.header("x-hub-signature-256"));
    assert_eq!(whole["response"]["headers"]["x-answered-by"], "receiver");
    assert_eq!(
        (&whole["response"]["payload"], &whole["url"]),
        (&json!("answered"), &json!(webhooks.receiver.url))
    );
}

#[tokio::test]
async fn redelivery_has_same_guid_and_new_id() {
    let webhooks = WebhookFixture::new().await;
    webhooks.receiver.respond_with(503);
    webhooks.fixture.install("acme-coffee");
    let first = webhooks.single().await;
    let id = webhooks.fixture.get_as_app(PATH).await.1[0]["id"].clone();
    webhooks.receiver.respond_with(204);
    let url = format!("{PATH}/{id}/attempts");
    let (status, body) =
        status_and_body(webhooks.fixture.send(Method::POST, &url, &webhooks.fixture.jwt()).await).await;
    assert_eq!((status, body), (202, json!({})));
    let second = webhooks.single().await;
    assert_eq!(
        (second.header("x-github-delivery"), &second.body),
        (first.header("x-github-delivery"), &first.body)
    );
    let (_, list) = webhooks.fixture.get_as_app(PATH).await;
    assert_eq!((&list[0]["redelivery"], &list[0]["guid"]), (&json!(true), &list[1]["guid"]));
    assert_eq!(
        (&list[0]["status_code"], &list[1]["status_code"], &list[1]["id"]),
        (&json!(204), &json!(503), &id)
    );
    assert_ne!(list[0]["id"], id);
    assert_eq!(page(&webhooks.fixture, &format!("{PATH}?status=failure")).await.0, [id.as_u64().unwrap()]);
    assert_eq!(
        page(&webhooks.fixture, &format!("{PATH}?status=success")).await.0,
        [list[0]["id"].as_u64().unwrap()]
    );
}

#[tokio::test]
async fn cursor_pages_are_stable_while_deliveries_are_added() {
    let webhooks = WebhookFixture::new().await;
    let ping = || webhooks.fixture.sim().ping(webhooks.fixture.app.app_id).unwrap();
    (0..7).for_each(|_| ping());
    webhooks.received().await;
    let all: Vec<u64> =
        webhooks.fixture.sim().deliveries().iter().rev().map(|delivery| delivery.id).collect();
    let (first, next, prev) = page(&webhooks.fixture, &format!("{PATH}?per_page=3")).await;
    assert_eq!((&first[..], prev), (&all[..3], None));
    let next = next.unwrap();
    assert!(next.contains("per_page=3") && next.contains("cursor="), "{next}");
    ping();
    webhooks.received().await;
    let (second, next, prev) = page(&webhooks.fixture, &next).await;
    assert_eq!(second, all[3..6], "a new delivery does not move pages");
    let (third, end, _) = page(&webhooks.fixture, &next.unwrap()).await;
    assert_eq!((&third[..], end), (&all[6..], None));
    assert_eq!(page(&webhooks.fixture, &prev.unwrap()).await.0, all[..3]);
    assert_eq!(page(&webhooks.fixture, PATH).await.0.len(), 8);
    assert_eq!(webhooks.fixture.get_as_app(&format!("{PATH}?cursor=nonsense")).await.0, 400);
}

#[tokio::test]
async fn unsent_deliveries_are_not_listed() {
    let webhooks = WebhookFixture::new().await;
    let sim = webhooks.fixture.sim();
    sim.set_delivery_mode(DeliveryMode::Held);
    webhooks.fixture.install("acme-coffee");
    let held = sim.deliveries()[0].id;
    assert_eq!(webhooks.fixture.get_as_app(PATH).await, (200, json!([])));
    assert_eq!(webhooks.fixture.get_as_app(&format!("{PATH}/{held}")).await.0, 404);
    sim.set_delivery_mode(DeliveryMode::Dropped);
    webhooks.fixture.install("olga");
    let (_, list) = webhooks.fixture.get_as_app(PATH).await;
    assert_eq!((&list[0]["status"], &list[0]["status_code"]), (&json!("failed"), &json!(0)));
    let (_, whole) = webhooks.fixture.get_as_app(&format!("{PATH}/{}", list[0]["id"])).await;
    assert_eq!(whole["response"], json!({ "headers": null, "payload": null }));
}

#[tokio::test]
async fn deliveries_of_other_apps_and_unknown_ids_are_404() {
    let webhooks = WebhookFixture::new().await;
    webhooks.fixture.install("acme-coffee");
    webhooks.received().await;
    let own = webhooks.fixture.get_as_app(PATH).await.1[0]["id"].clone();
    let other = webhooks.fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let now = webhooks.fixture.sim().now().unix_timestamp();
    let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": other.app_id });
    let foreign = crate::support::jwt(&other, &claims);
    assert_eq!(webhooks.fixture.get(PATH, &foreign).await, (200, json!([])));
    for (path, jwt) in [(format!("{PATH}/{own}"), &foreign), (format!("{PATH}/1"), &webhooks.fixture.jwt())] {
        assert_eq!(webhooks.fixture.get(&path, jwt).await.0, 404, "{path}");
        let attempt = webhooks.fixture.send(Method::POST, &format!("{path}/attempts"), jwt).await;
        assert_eq!(attempt.status(), 404);
    }
    assert_eq!(webhooks.fixture.get(PATH, "rubbish").await.0, 401);
    let token = webhooks.fixture.user_token("olga").await;
    assert_eq!(webhooks.fixture.get(PATH, &token).await.0, 401, "a user token is not accepted");
    assert_eq!(webhooks.received().await.len(), 0);
}

#[tokio::test]
async fn deliveries_are_listed_for_three_days() {
    let webhooks = WebhookFixture::new().await;
    webhooks.fixture.install("acme-coffee");
    webhooks.received().await;
    let id = webhooks.fixture.get_as_app(PATH).await.1[0]["id"].clone();
    webhooks.fixture.sim().advance_clock(3 * 86_400 - 600);
    assert_eq!(webhooks.fixture.get_as_app(&format!("{PATH}/{id}")).await.0, 200);
    webhooks.fixture.sim().advance_clock(600);
    assert_eq!(webhooks.fixture.get_as_app(&format!("{PATH}/{id}")).await.0, 404);
    assert_eq!(webhooks.fixture.get_as_app(PATH).await, (200, json!([])));
    let attempt =
        webhooks.fixture.send(Method::POST, &format!("{PATH}/{id}/attempts"), &webhooks.fixture.jwt()).await;
    assert_eq!(attempt.status(), 404);
}
