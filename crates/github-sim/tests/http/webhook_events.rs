//! Which change tells Apps what, and what it does not tell.

use crate::installation_requests::ask;
use crate::receiver::{Arrived, Hooked, Receiver};
use crate::support::CALLBACK;
use dockline_github_sim::NewApp;
use serde_json::{Value, json};

fn names(repositories: &Value) -> Vec<&str> {
    repositories.as_array().unwrap().iter().map(|r| r["full_name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_installation_is_told_from_beginning_to_end() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.add_repository("acme-coffee", "beans", true).unwrap();
    let id = hooked.world.install("acme-coffee");
    let created = hooked.only().await;
    assert_eq!(created.what(), "installation.created");
    let created = created.payload();
    assert_eq!(created["sender"]["login"], "olga");
    assert_eq!(created["requester"], Value::Null);
    assert_eq!(names(&created["repositories"]), ["acme-coffee/beans"]);
    let (_, rest) = hooked.world.as_app(&format!("/app/installations/{id}")).await;
    for field in ["id", "account", "app_id", "permissions", "html_url", "target_type"] {
        assert_eq!(created["installation"][field], rest[field], "{field}");
    }
    let date = created["installation"]["created_at"].as_str().unwrap();
    assert!(date.ends_with(".000-07:00"), "{date}");

    sim.suspend(id, Some("olga")).unwrap();
    sim.suspend(id, None).unwrap();
    let suspend = hooked.only().await;
    assert_eq!(suspend.what(), "installation.suspend");
    assert_eq!(suspend.payload()["installation"]["suspended_by"]["login"], "olga");
    assert_eq!(suspend.payload().get("repositories"), None);
    sim.unsuspend(id).unwrap();
    sim.unsuspend(id).unwrap();
    let unsuspend = hooked.only().await;
    assert_eq!(unsuspend.what(), "installation.unsuspend");
    assert!(unsuspend.payload()["installation"]["suspended_at"].is_null());

    sim.accept_permissions(id).unwrap();
    sim.set_app_permissions(hooked.world.app.app_id, [("members".into(), "write".into())].into()).unwrap();
    assert_eq!(hooked.arrived().await.len(), 0, "asking for more changes no installation");
    sim.accept_permissions(id).unwrap();
    let accepted = hooked.only().await;
    assert_eq!(accepted.what(), "installation.new_permissions_accepted");
    assert_eq!(accepted.payload()["installation"]["permissions"], json!({ "members": "write" }));

    sim.uninstall_by(id, "mia").unwrap();
    let deleted = hooked.only().await;
    assert_eq!(deleted.what(), "installation.deleted");
    assert_eq!(
        (&deleted.payload()["installation"]["id"], &deleted.payload()["sender"]["login"]),
        (&json!(id), &json!("mia"))
    );

    let again = hooked.world.install("acme-coffee");
    assert_ne!(again, id);
    assert_eq!(hooked.only().await.payload()["installation"]["id"], again);
}

#[tokio::test]
async fn an_approved_request_names_who_asked() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    ask(&hooked.world).await;
    assert_eq!(hooked.arrived().await.len(), 0, "asking installs nothing");
    sim.approve_request(sim.installation_requests()[0].id, "olga").unwrap();
    let created = hooked.only().await.payload();
    assert_eq!(
        (&created["requester"]["login"], &created["sender"]["login"]),
        (&json!("mia"), &json!("olga"))
    );
}

#[tokio::test]
async fn whatever_way_a_change_comes_it_is_told() {
    let hooked = Hooked::new().await;
    let id = hooked.world.install("acme-coffee");
    let path = format!("/app/installations/{id}");
    hooked.world.send(reqwest::Method::PUT, &format!("{path}/suspended"), &hooked.world.jwt()).await;
    hooked.world.send(reqwest::Method::DELETE, &format!("{path}/suspended"), &hooked.world.jwt()).await;
    let page = format!("{}/settings/installations/{id}", hooked.world.running.web);
    hooked.world.sim().default_user(Some("olga")).unwrap();
    for action in ["suspend", "unsuspend"] {
        hooked.world.client.post(&page).form(&[("action", action)]).send().await.unwrap();
    }
    hooked.world.send(reqwest::Method::DELETE, &path, &hooked.world.jwt()).await;
    let arrived = hooked.arrived().await;
    let told: Vec<(String, Value)> =
        arrived.iter().map(|a| (a.what(), a.payload()["sender"]["login"].clone())).collect();
    let expected = [
        ("installation.created", "olga"),
        ("installation.suspend", "dockline-dev[bot]"),
        ("installation.unsuspend", "dockline-dev[bot]"),
        ("installation.suspend", "olga"),
        ("installation.unsuspend", "olga"),
        ("installation.deleted", "dockline-dev[bot]"),
    ];
    assert_eq!(told, expected.map(|(what, who)| (what.to_owned(), json!(who))));
}

#[tokio::test]
async fn a_selection_tells_what_it_adds_and_what_it_removes() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    let beans = sim.add_repository("acme-coffee", "beans", true).unwrap();
    let cups = sim.add_repository("acme-coffee", "cups", false).unwrap();
    hooked.world.install("acme-coffee");
    hooked.arrived().await;
    hooked.save_selection("acme-coffee", Some(&[beans])).await;
    let removed = hooked.only().await;
    assert_eq!(removed.what(), "installation_repositories.removed");
    assert_eq!(names(&removed.payload()["repositories_removed"]), ["acme-coffee/cups"]);
    assert_eq!(removed.payload()["repository_selection"], "selected");
    hooked.save_selection("acme-coffee", Some(&[cups])).await;
    let both = hooked.arrived().await;
    let told: Vec<String> = both.iter().map(Arrived::what).collect();
    assert_eq!(told, ["installation_repositories.added", "installation_repositories.removed"]);
    hooked.save_selection("acme-coffee", Some(&[cups])).await;
    assert_eq!(hooked.arrived().await.len(), 0, "saving the same changes nothing");
    hooked.save_selection("acme-coffee", None).await;
    let added = hooked.only().await.payload();
    assert_eq!(
        (names(&added["repositories_added"]), &added["repository_selection"]),
        (vec!["acme-coffee/beans"], &json!("all"))
    );
    assert_eq!((&added["requester"], &added["sender"]["login"]), (&Value::Null, &json!("olga")));
}

#[tokio::test]
async fn a_transferred_repository_leaves_one_installation_and_joins_another() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    let beans = sim.add_repository("acme-coffee", "beans", true).unwrap();
    let cups = sim.add_repository("acme-coffee", "cups", false).unwrap();
    sim.create_organization("tea").unwrap();
    let (from, to) = (hooked.world.install("acme-coffee"), hooked.world.install("tea"));
    hooked.save_selection("acme-coffee", Some(&[beans])).await;
    hooked.arrived().await;
    sim.transfer(beans, "tea").unwrap();
    let arrived = hooked.arrived().await;
    let told: Vec<_> =
        arrived.iter().map(|a| (a.what(), a.payload()["installation"]["id"].as_u64().unwrap())).collect();
    let expected = [("installation_repositories.removed", from), ("installation_repositories.added", to)];
    assert_eq!(told, expected.map(|(what, id)| (what.to_owned(), id)));
    assert_eq!(names(&arrived[0].payload()["repositories_removed"]), ["acme-coffee/beans"]);
    assert_eq!(names(&arrived[1].payload()["repositories_added"]), ["tea/beans"]);
    assert_eq!(arrived[1].payload()["repositories_added"][0]["id"], beans, "the id stays");

    // Nobody selected cups, and a selection gains nothing by itself.
    sim.transfer(cups, "tea").unwrap();
    assert_eq!(hooked.only().await.what(), "installation_repositories.added");
    let kept = sim.add_repository("acme-coffee", "kept", false).unwrap();
    hooked.save_selection("acme-coffee", Some(&[kept])).await;
    hooked.arrived().await;
    sim.transfer(beans, "acme-coffee").unwrap();
    let back = hooked.only().await;
    assert_eq!(
        (back.what().as_str(), back.payload()["installation"]["id"].as_u64()),
        ("installation_repositories.removed", Some(to))
    );
    sim.add_repository("tea", "beans", false).unwrap();
    assert!(sim.transfer(beans, "tea").is_err(), "the name is taken there");
    assert!(sim.transfer(beans, "acme-coffee").is_err() && sim.transfer(1, "tea").is_err());
    assert_eq!(hooked.arrived().await.len(), 0);
}

#[tokio::test]
async fn a_rename_keeps_the_id_and_tells_the_old_login() {
    let hooked = Hooked::new().await;
    let id = hooked.world.install("acme-coffee");
    hooked.arrived().await;
    hooked.world.sim().rename("acme-coffee", "acme-tea").unwrap();
    let renamed = hooked.only().await;
    assert_eq!(renamed.what(), "installation_target.renamed");
    let payload = renamed.payload();
    assert_eq!(payload["changes"], json!({ "login": { "from": "acme-coffee" } }));
    assert_eq!(
        (&payload["account"]["login"], &payload["target_type"]),
        (&json!("acme-tea"), &json!("Organization"))
    );
    assert_eq!(payload["installation"]["id"], id);
    assert_eq!(payload["installation"].as_object().unwrap().len(), 2, "id and node_id, no more");
    assert_eq!(hooked.world.sim().installation(id).unwrap().account_login, "acme-tea");
    hooked.world.sim().rename("mia", "maria").unwrap();
    hooked.world.sim().rename("acme-tea", "acme-tea").unwrap();
    assert_eq!(hooked.arrived().await.len(), 0, "not installed there, or not renamed");
}

#[tokio::test]
async fn while_suspended_an_app_hears_nothing() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    let beans = sim.add_repository("acme-coffee", "beans", true).unwrap();
    sim.add_repository("acme-coffee", "cups", true).unwrap();
    let id = hooked.world.install("acme-coffee");
    let other = hooked.world.install("olga");
    sim.suspend(id, Some("olga")).unwrap();
    assert_eq!(hooked.arrived().await.len(), 3);
    hooked.save_selection("acme-coffee", Some(&[beans])).await;
    sim.rename("acme-coffee", "acme-tea").unwrap();
    sim.set_app_permissions(hooked.world.app.app_id, [].into()).unwrap();
    sim.accept_permissions(id).unwrap();
    sim.transfer(beans, "olga").unwrap();
    let elsewhere = hooked.only().await;
    assert_eq!(
        (elsewhere.what().as_str(), elsewhere.payload()["installation"]["id"].as_u64()),
        ("installation_repositories.added", Some(other))
    );
    sim.unsuspend(id).unwrap();
    let back = hooked.only().await.payload();
    assert_eq!(
        (&back["action"], &back["installation"]["account"]["login"]),
        (&json!("unsuspend"), &json!("acme-tea"))
    );
    sim.suspend(id, None).unwrap();
    sim.uninstall(id).unwrap();
    assert_eq!(hooked.only().await.what(), "installation.suspend", "nobody hears of its end");
}

#[tokio::test]
async fn a_revoked_authorization_ends_tokens_and_is_told() {
    let hooked = Hooked::new().await;
    let (sim, app_id) = (hooked.world.sim(), hooked.world.app.app_id);
    let id = hooked.world.install("acme-coffee");
    hooked.arrived().await;
    assert!(sim.revoke_authorization(app_id, "olga").is_err(), "she never authorized it");
    let (hers, mias) = (hooked.world.user_token("olga"), hooked.world.user_token("mia"));
    sim.revoke_authorization(app_id, "olga").unwrap();
    let revoked = hooked.only().await;
    assert_eq!(revoked.what(), "github_app_authorization.revoked");
    assert_eq!(revoked.payload()["sender"]["login"], "olga");
    assert_eq!(hooked.world.get("/user", &hers).await.0, 401);
    assert_eq!(hooked.world.get("/user", &mias).await.0, 200);
    assert!(sim.installation(id).is_some(), "nothing is uninstalled");
    assert!(sim.revoke_authorization(app_id, "olga").is_err());
}

#[tokio::test]
async fn the_older_shape_has_integers_and_less() {
    let hooked = Hooked::new().await;
    let sim = hooked.world.sim();
    sim.set_old_webhook_shape(true);
    hooked.world.install("acme-coffee");
    let created = hooked.only().await.payload();
    let installation = &created["installation"];
    assert!(installation["created_at"].is_i64() && installation["updated_at"].is_i64());
    assert!((sim.now().unix_timestamp() - installation["created_at"].as_i64().unwrap()).abs() < 60);
    for gone in ["app_slug", "suspended_by", "suspended_at"] {
        assert_eq!(installation.get(gone), None, "{gone}");
    }
    assert_eq!(created.get("repositories"), None);
    sim.set_old_webhook_shape(false);
    hooked.world.install("olga");
    assert!(hooked.only().await.payload()["installation"]["app_slug"].is_string());
}

#[tokio::test]
async fn a_ping_comes_with_every_url_and_by_hand() {
    let hooked = Hooked::new().await;
    let (sim, app_id) = (hooked.world.sim(), hooked.world.app.app_id);
    let second = Receiver::new().await;
    sim.set_webhook_url(app_id, Some(&second.url)).unwrap();
    sim.ping(app_id).unwrap();
    assert_eq!(hooked.arrived().await.len(), 0);
    assert_eq!(second.whats(), ["ping", "ping"]);
    let ping = second.arrived()[0].payload();
    assert_eq!(
        (&ping["hook"]["app_id"], &ping["hook"]["config"]["url"]),
        (&json!(app_id), &json!(second.url))
    );
    assert_eq!(ping["hook"]["config"]["secret"], "********");
    assert!(!ping.to_string().contains(&hooked.secret()));
    for wrong in ["", "ftp://127.0.0.1/", "/hook", "http://"] {
        assert!(sim.set_webhook_url(app_id, Some(wrong)).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn without_a_url_or_when_off_nothing_is_made() {
    let hooked = Hooked::new().await;
    let (sim, app_id) = (hooked.world.sim(), hooked.world.app.app_id);
    let other = sim.create_app(NewApp::new("other", CALLBACK)).unwrap();
    sim.install(other.app_id, "acme-coffee", "olga").unwrap();
    sim.set_webhook_active(app_id, false).unwrap();
    hooked.world.install("acme-coffee");
    sim.set_webhook_active(app_id, true).unwrap();
    sim.set_webhook_url(app_id, None).unwrap();
    hooked.world.install("olga");
    assert_eq!((hooked.arrived().await.len(), sim.deliveries()), (0, vec![]));
}
