//! The installer of an installation, from GitHub's delivery log.

use dockline::ports::GithubGateway;
use dockline::{InstallerRecord, PortErrorKind};
use serde_json::{Value, json};

use crate::fixtures::{APP, INSTALLATION, VISITOR, account_id, chain, gateway, installation_id, kind, usual};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted, Seen};

const LIST: &str = "GET /api/app/hook/deliveries?per_page=100";
/// L-63: delivery ids exceed 2^53.
const DELIVERY: u64 = 12_077_215_967_123_456_789;
const DETAIL: &str = "GET /api/app/hook/deliveries/12077215967123456789";

/// An entry of the list.
fn entry(id: u64, event: &str, action: Value, installation: Value) -> Value {
    json!({ "id": id, "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516", "delivered_at": "2026-11-18T11:00:00Z",
            "redelivery": false, "duration": 0.03, "status": "Invalid HTTP Response: 502", "status_code": 502,
            "event": event, "action": action, "installation_id": installation, "repository_id": null,
            "throttled_at": null })
}

fn created(id: u64) -> Value {
    entry(id, "installation", json!("created"), json!(INSTALLATION))
}

fn others() -> Vec<Value> {
    vec![
        entry(1, "ping", Value::Null, Value::Null),
        entry(2, "installation", json!("created"), json!(INSTALLATION + 1)),
        entry(3, "installation", json!("suspend"), json!(INSTALLATION)),
        entry(4, "installation_repositories", json!("created"), json!(INSTALLATION)),
    ]
}

fn record(members_permission: bool) -> InstallerRecord {
    InstallerRecord { installer: account_id(VISITOR), members_permission }
}

fn payload() -> Value {
    json!({ "action": "created",
            "installation": { "id": INSTALLATION, "app_id": APP, "account": { "id": 1, "login": "payload-canary" } },
            "repositories": [{ "id": 1, "full_name": "payload-canary/x" }],
            "requester": { "id": 5, "login": "asker" }, "sender": { "id": VISITOR, "login": "mona" } })
}

fn detail(payload: &Value) -> Value {
    let mut detail = created(DELIVERY);
    detail["request"] = json!({ "headers": { "X-GitHub-Event": "installation" }, "payload": payload });
    detail["response"] = json!({ "headers": {}, "payload": "Bad Gateway" });
    detail
}

/// A GitHub with these pages of deliveries, each with a link to the next, and this response for the one delivery.
async fn logging(pages: Vec<Vec<Value>>, detail: Reply) -> Scripted {
    let detail = std::sync::Mutex::new(Some(detail));
    Scripted::start(usual(move |seen: &Seen| {
        if seen.line == DETAIL {
            return detail.lock().unwrap().take();
        }
        let rest = seen.line.strip_prefix(LIST)?;
        let number = rest.strip_prefix("&cursor=v1_").map_or(0, |cursor| cursor.parse().unwrap());
        let reply = Reply::json(200, &json!(pages[number]));
        let next = format!(
            "<http://{}/api/app/hook/deliveries?per_page=100&cursor=v1_{}>; rel=\"next\"",
            seen.header("host"),
            number + 1
        );
        Some(if number + 1 < pages.len() { reply.header("link", next) } else { reply })
    }))
    .await
}

async fn of_payload(payload: Value) -> Scripted {
    logging(vec![vec![created(DELIVERY)]], Reply::json(200, &detail(&payload))).await
}

#[tokio::test]
async fn the_sender_of_the_newest_installation_created_is_the_installer() {
    let mut page = others();
    page.extend([created(DELIVERY), created(9)]);
    let github = logging(vec![page], Reply::json(200, &detail(&payload()))).await;
    let installer = gateway(&github).installer(installation_id()).await.unwrap();
    assert_eq!(installer, Some(record(false)));
    assert_eq!(github.lines(), [LIST, DETAIL]);
    assert!(github.seen().iter().all(|seen| seen.bearer().starts_with("eyJ")), "as the App");
}

/// Whether only an owner can have installed the App.
#[tokio::test]
async fn the_record_tells_whether_the_app_had_the_permission_members_c75() {
    for (permissions, expected) in [
        (json!({ "metadata": "read" }), false),
        (json!({ "members": "read", "metadata": "read" }), true),
        (json!({ "members": "write" }), true),
        (json!({ "members": null }), false),
    ] {
        let mut payload = payload();
        payload["installation"]["permissions"] = permissions;
        let github = of_payload(payload).await;
        let found = gateway(&github).installer(installation_id()).await.unwrap();
        assert_eq!(found, Some(record(expected)));
    }
}

#[tokio::test]
async fn at_most_three_pages_are_read() {
    let reply = || Reply::json(200, &detail(&payload()));
    let github = logging(vec![others(), others(), vec![created(DELIVERY)], others()], reply()).await;
    let installer = gateway(&github).installer(installation_id()).await.unwrap();
    assert_eq!(installer, Some(record(false)));
    let (second, third) = (format!("{LIST}&cursor=v1_1"), format!("{LIST}&cursor=v1_2"));
    assert_eq!(github.lines(), [LIST, &second, &third, DETAIL]);

    let github = logging(vec![others(), others(), others(), vec![created(DELIVERY)]], reply()).await;
    assert_eq!(gateway(&github).installer(installation_id()).await.unwrap(), None);
    assert_eq!(github.lines(), [LIST, &second, &third]);
}

#[tokio::test]
async fn an_installation_that_is_not_in_the_log_has_no_installer() {
    for pages in [vec![vec![]], vec![others()], vec![vec![], others()]] {
        let github = logging(pages, Reply::bytes(500, "")).await;
        assert_eq!(gateway(&github).installer(installation_id()).await.unwrap(), None);
        assert!(!github.lines().contains(&DETAIL.to_owned()));
    }
    // The delivery expires between the two calls, or has no payload.
    let github = logging(vec![vec![created(DELIVERY)]], Reply::message(404, "Not Found")).await;
    assert_eq!(gateway(&github).installer(installation_id()).await.unwrap(), None);
    let github = of_payload(Value::Null).await;
    assert_eq!(gateway(&github).installer(installation_id()).await.unwrap(), None);
}

#[tokio::test]
async fn a_delivery_about_something_else_is_an_error_l64() {
    let changed = |pointer: &str, value: Value| {
        let mut payload = payload();
        *payload.pointer_mut(pointer).unwrap() = value;
        payload
    };
    let mut without_sender = payload();
    without_sender.as_object_mut().unwrap().remove("sender");
    for payload in [
        changed("/installation/id", json!(INSTALLATION + 1)),
        changed("/installation/app_id", json!(APP + 1)),
        changed("/action", json!("deleted")),
        changed("/sender", Value::Null),
        changed("/sender/id", json!(0)),
        changed("/sender/id", json!(VISITOR.to_string())),
        without_sender,
        json!({}),
        json!("{\"action\":\"created\"}"),
    ] {
        let github = of_payload(payload.clone()).await;
        assert_eq!(
            kind(gateway(&github).installer(installation_id()).await),
            PortErrorKind::Corrupt,
            "{payload}"
        );
    }
    let mut another = detail(&payload());
    another["event"] = json!("installation_target");
    let github = logging(vec![vec![created(DELIVERY)]], Reply::json(200, &another)).await;
    assert_eq!(kind(gateway(&github).installer(installation_id()).await), PortErrorKind::Corrupt);
}

#[tokio::test]
async fn a_next_page_on_another_host_is_not_requested_i18() {
    let elsewhere = Scripted::start(usual(|_| None)).await;
    let link = format!("<{}/api/app/hook/deliveries?cursor=v1_1>; rel=\"next\"", elsewhere.base());
    let github =
        Scripted::start(usual(move |_| Some(Reply::json(200, &json!([])).header("link", &link)))).await;
    assert_eq!(kind(gateway(&github).installer(installation_id()).await), PortErrorKind::Corrupt);
    assert_eq!(github.seen().len(), 1);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_missing_log_is_an_error() {
    let github = Scripted::start(usual(|_| None)).await;
    assert_eq!(kind(gateway(&github).installer(installation_id()).await), PortErrorKind::Unexpected);
    let github = Scripted::start(usual(|_| Some(Reply::message(404, "Integration not found")))).await;
    assert_eq!(kind(gateway(&github).installer(installation_id()).await), PortErrorKind::Rejected);
}

#[tokio::test]
async fn nothing_of_a_payload_is_logged_or_in_an_error_i14() {
    let (logs, _guard) = Logs::capture();
    let github = of_payload(payload()).await;
    gateway(&github).installer(installation_id()).await.unwrap();
    let mut foreign = payload();
    foreign["installation"]["app_id"] = json!("payload-canary");
    let github = of_payload(foreign).await;
    let error = gateway(&github).installer(installation_id()).await.unwrap_err();
    assert!(!chain(&error).contains("canary"), "{}", chain(&error));
    tracing::warn!("captured");
    assert!(logs.text().contains("captured") && !logs.text().contains("canary"), "{}", logs.text());
}
