//! The App manifest flow.

use crate::rest::openapi::{agrees, agrees_as_error, validator};
use crate::support::{Fixture, location_query, status_and_body};
use serde_json::{Value, json};

fn manifest() -> Value {
    json!({
        "name": "Acme Dock",
        "url": "https://app.example.com",
        "hook_attributes": { "url": "https://api.example.com/hooks", "active": true },
        "redirect_url": "http://127.0.0.1:1/created?a=b",
        "callback_urls": ["https://api.example.com/callback"],
        "public": true,
        "request_oauth_on_install": true,
        "setup_on_update": true,
        "default_permissions": { "members": "read" },
        "default_events": [],
    })
}

/// Posts the manifest, and then the form of the page. Returns the parameters of the redirect.
async fn create(
    fixture: &Fixture,
    owner: &str,
    manifest: &Value,
) -> std::collections::HashMap<String, String> {
    let settings = format!("{}{owner}/settings/apps", fixture.running.web);
    let manifest = manifest.to_string();
    let form = [("manifest", manifest.as_str())];
    let shown = fixture.client.post(format!("{settings}/new?state=st4te")).form(&form).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    let page = shown.text().await.unwrap();
    assert!(page.contains("value=\"Acme Dock\"") && page.contains("members: read"), "{page}");
    assert!(page.contains("name=\"state\" value=\"st4te\""), "{page}");
    let form = [("manifest", manifest.as_str()), ("state", "st4te"), ("name", "Acme Dock")];
    let redirect = fixture.client.post(format!("{settings}/manifest")).form(&form).send().await.unwrap();
    assert_eq!(redirect.status(), 302);
    location_query(&redirect)
}

async fn convert(fixture: &Fixture, code: &str) -> (u16, Value) {
    let url = format!("{}/app-manifests/{code}/conversions", fixture.running.api);
    status_and_body(fixture.client.post(url).send().await.unwrap()).await
}

#[tokio::test]
async fn manifest_creates_an_app_whose_code_is_exchanged_once() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let back = create(&fixture, "", &manifest()).await;
    assert_eq!((back["a"].as_str(), back["state"].as_str()), ("b", "st4te"));
    let (status, created) = convert(&fixture, &back["code"]).await;
    assert_eq!(status, 201, "{created}");
    let errors: Vec<String> = validator("POST /app-manifests/{code}/conversions 201", false)
        .iter_errors(&created)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut integration = created.clone();
    for secret in ["client_secret", "webhook_secret", "pem"] {
        assert!(integration.as_object_mut().unwrap().remove(secret).unwrap().is_string());
    }
    agrees("GET /app 200", &integration);
    assert_eq!((&created["slug"], &created["owner"]["login"]), (&json!("acme-dock"), &json!("olga")));
    assert_eq!(created["permissions"], json!({ "members": "read" }));

    let app = fixture.sim().credentials(created["id"].as_u64().unwrap()).unwrap();
    assert_eq!(created["client_id"], app.client_id);
    let fixture = Fixture { app, ..fixture };
    let (_, hook) = fixture.get_as_app("/app/hook/config").await;
    assert_eq!(hook["url"], "https://api.example.com/hooks");
    agrees_as_error(404, &convert(&fixture, &back["code"]).await);
}

#[tokio::test]
async fn code_expires_after_an_hour_and_an_app_without_a_webhook_has_no_secret_for_it() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let mut bare = manifest();
    bare.as_object_mut().unwrap().remove("hook_attributes");
    let code = create(&fixture, "/organizations/acme-coffee", &bare).await["code"].clone();
    fixture.sim().advance_clock(3599);
    let (status, created) = convert(&fixture, &code).await;
    assert_eq!((status, &created["webhook_secret"]), (201, &Value::Null));
    assert_eq!(created["owner"]["login"], "acme-coffee");

    bare["name"] = json!("Acme Dock");
    let other = json!({ "manifest": bare.to_string(), "name": "Second Dock" });
    let settings = format!("{}/settings/apps/manifest", fixture.running.web);
    let second = location_query(&fixture.client.post(settings).form(&other).send().await.unwrap());
    assert!(!second.contains_key("state"));
    fixture.sim().advance_clock(3600);
    assert_eq!(convert(&fixture, &second["code"]).await.0, 404);
}

#[tokio::test]
async fn only_administrators_create_apps_of_an_organization_and_invalid_manifests_are_refused() {
    let fixture = Fixture::new().await;
    let post = async |owner: &str, form: &[(&str, &str)]| {
        let url = format!("{}{owner}/settings/apps/manifest", fixture.running.web);
        fixture.client.post(url).form(form).send().await.unwrap().status().as_u16()
    };
    let valid = manifest().to_string();
    assert_eq!(post("", &[("manifest", &valid), ("name", "x")]).await, 302, "to the sign-in");
    fixture.sim().default_user(Some("mia")).unwrap();
    assert_eq!(post("/organizations/acme-coffee", &[("manifest", &valid), ("name", "x")]).await, 404);
    assert_eq!(post("/organizations/none", &[("manifest", &valid), ("name", "x")]).await, 404);
    for (manifest, name) in [
        ("", "x"),
        ("{}", "x"),
        ("{\"url\":\"ftp://a.test\"}", "x"),
        ("{\"url\":\"https://a.test\",\"nonsense\":1}", "x"),
        (&*valid, ""),
        (&valid, "dockline-dev"),
        (&valid, &*"x".repeat(35)),
    ] {
        assert_eq!(post("", &[("manifest", manifest), ("name", name)]).await, 422, "{manifest} {name}");
    }
}
