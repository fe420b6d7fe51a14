//! The REST API about deliveries: listed, read, redelivered; only the App's own, and only for three days.

use crate::receiver::Hooked;
use crate::support::{CALLBACK, World, answer};
use dockline_github_sim::{DeliveryMode, NewApp};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/app/hook/deliveries";

/// Where the answer's `Link` header leads, by relation, below `/api/v3`.
fn link(headers: &reqwest::header::HeaderMap, rel: &str) -> Option<String> {
    let links = headers.get("link")?.to_str().unwrap();
    let link = links.split(", ").find(|link| link.ends_with(&format!("rel=\"{rel}\"")))?;
    Some(link.split(['<', '>']).nth(1).unwrap().split_once("/api/v3").unwrap().1.to_owned())
}

async fn page(world: &World, path: &str) -> (Vec<u64>, Option<String>, Option<String>) {
    let response = world.send(Method::GET, path, &world.jwt()).await;
    let (next, prev) = (link(response.headers(), "next"), link(response.headers(), "prev"));
    let (status, body) = answer(response).await;
    assert_eq!(status, 200, "{body}");
    (body.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect(), next, prev)
}

#[tokio::test]
async fn a_delivery_is_read_whole() {
    let hooked = Hooked::new().await;
    let id = hooked.world.install("acme-coffee");
    hooked.receiver.answer_with(500);
    let arrived = hooked.only().await;
    let (_, list) = hooked.world.as_app(PATH).await;
    let item = &list[0];
    assert_eq!(
        (&item["event"], &item["action"], &item["installation_id"]),
        (&json!("installation"), &json!("created"), &json!(id))
    );
    assert_eq!((&item["status_code"], &item["status"]), (&json!(500), &json!("Invalid HTTP Response: 500")));
    assert_eq!((&item["redelivery"], &item["repository_id"]), (&json!(false), &Value::Null));
    assert_eq!(item.get("request"), None);
    let (status, whole) = hooked.world.as_app(&format!("{PATH}/{}", item["id"])).await;
    assert_eq!(status, 200);
    assert_eq!(whole["request"]["payload"], arrived.payload());
    assert_eq!(whole["request"]["headers"]["X-GitHub-Delivery"], arrived.header("x-github-delivery"));
    assert_eq!(whole["request"]["headers"]["X-Hub-Signature-256"], arrived.header("x-hub-signature-256"));
    assert_eq!(whole["response"]["headers"]["x-answered-by"], "receiver");
    assert_eq!(
        (&whole["response"]["payload"], &whole["url"]),
        (&json!("answered"), &json!(hooked.receiver.url))
    );
}

#[tokio::test]
async fn a_redelivery_has_the_guid_of_the_first() {
    let hooked = Hooked::new().await;
    hooked.receiver.answer_with(503);
    hooked.world.install("acme-coffee");
    let first = hooked.only().await;
    let id = hooked.world.as_app(PATH).await.1[0]["id"].clone();
    hooked.receiver.answer_with(204);
    let url = format!("{PATH}/{id}/attempts");
    let (status, body) = answer(hooked.world.send(Method::POST, &url, &hooked.world.jwt()).await).await;
    assert_eq!((status, body), (202, json!({})));
    let second = hooked.only().await;
    assert_eq!(
        (second.header("x-github-delivery"), &second.body),
        (first.header("x-github-delivery"), &first.body)
    );
    let (_, list) = hooked.world.as_app(PATH).await;
    assert_eq!((&list[0]["redelivery"], &list[0]["guid"]), (&json!(true), &list[1]["guid"]));
    assert_eq!(
        (&list[0]["status_code"], &list[1]["status_code"], &list[1]["id"]),
        (&json!(204), &json!(503), &id)
    );
    assert_ne!(list[0]["id"], id);
    // Failed ones alone, as whoever redelivers asks for them.
    assert_eq!(page(&hooked.world, &format!("{PATH}?status=failure")).await.0, [id.as_u64().unwrap()]);
    assert_eq!(
        page(&hooked.world, &format!("{PATH}?status=success")).await.0,
        [list[0]["id"].as_u64().unwrap()]
    );
}

#[tokio::test]
async fn pages_follow_the_cursor_even_while_more_comes() {
    let hooked = Hooked::new().await;
    let ping = || hooked.world.sim().ping(hooked.world.app.app_id).unwrap();
    (0..7).for_each(|_| ping());
    hooked.arrived().await;
    let all: Vec<u64> = hooked.world.sim().deliveries().iter().rev().map(|delivery| delivery.id).collect();
    let (first, next, prev) = page(&hooked.world, &format!("{PATH}?per_page=3")).await;
    assert_eq!((&first[..], prev), (&all[..3], None));
    let next = next.unwrap();
    assert!(next.contains("per_page=3") && next.contains("cursor="), "{next}");
    ping();
    hooked.arrived().await;
    let (second, next, prev) = page(&hooked.world, &next).await;
    assert_eq!(second, all[3..6], "a new delivery moves no page");
    let (third, end, _) = page(&hooked.world, &next.unwrap()).await;
    assert_eq!((&third[..], end), (&all[6..], None));
    assert_eq!(page(&hooked.world, &prev.unwrap()).await.0, all[..3]);
    assert_eq!(page(&hooked.world, PATH).await.0.len(), 8);
    assert_eq!(hooked.world.as_app(&format!("{PATH}?cursor=nonsense")).await.0, 400);
}

#[tokio::test]
async fn what_was_not_posted_is_not_listed() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.set_delivery_mode(DeliveryMode::Held);
    hooked.world.install("acme-coffee");
    let held = sim.deliveries()[0].id;
    assert_eq!(hooked.world.as_app(PATH).await, (200, json!([])));
    assert_eq!(hooked.world.as_app(&format!("{PATH}/{held}")).await.0, 404);
    sim.set_delivery_mode(DeliveryMode::Dropped);
    hooked.world.install("olga");
    let (_, list) = hooked.world.as_app(PATH).await;
    assert_eq!((&list[0]["status"], &list[0]["status_code"]), (&json!("failed"), &json!(0)));
    let (_, whole) = hooked.world.as_app(&format!("{PATH}/{}", list[0]["id"])).await;
    assert_eq!(whole["response"], json!({ "headers": null, "payload": null }));
}

#[tokio::test]
async fn another_apps_deliveries_and_unknown_ones_are_not_there() {
    let hooked = Hooked::new().await;
    hooked.world.install("acme-coffee");
    hooked.arrived().await;
    let own = hooked.world.as_app(PATH).await.1[0]["id"].clone();
    let other = hooked.world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let now = hooked.world.sim().now().unix_timestamp();
    let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": other.app_id });
    let foreign = crate::support::jwt(&other, &claims);
    assert_eq!(hooked.world.get(PATH, &foreign).await, (200, json!([])));
    for (path, jwt) in [(format!("{PATH}/{own}"), &foreign), (format!("{PATH}/1"), &hooked.world.jwt())] {
        assert_eq!(hooked.world.get(&path, jwt).await.0, 404, "{path}");
        let attempt = hooked.world.send(Method::POST, &format!("{path}/attempts"), jwt).await;
        assert_eq!(attempt.status(), 404);
    }
    assert_eq!(hooked.world.get(PATH, "rubbish").await.0, 401);
    let token = hooked.world.user_token("olga");
    assert_eq!(hooked.world.get(PATH, &token).await.0, 401, "a person has no deliveries");
    assert_eq!(hooked.arrived().await.len(), 0);
}

#[tokio::test]
async fn after_three_days_they_are_gone() {
    let hooked = Hooked::new().await;
    hooked.world.install("acme-coffee");
    hooked.arrived().await;
    let id = hooked.world.as_app(PATH).await.1[0]["id"].clone();
    hooked.world.sim().advance_clock(3 * 86_400 - 600);
    assert_eq!(hooked.world.as_app(&format!("{PATH}/{id}")).await.0, 200);
    hooked.world.sim().advance_clock(600);
    assert_eq!(hooked.world.as_app(&format!("{PATH}/{id}")).await.0, 404);
    assert_eq!(hooked.world.as_app(PATH).await, (200, json!([])));
    let attempt =
        hooked.world.send(Method::POST, &format!("{PATH}/{id}/attempts"), &hooked.world.jwt()).await;
    assert_eq!(attempt.status(), 404);
}
