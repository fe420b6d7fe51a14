//! The OAuth web flow.

use crate::support::{CALLBACK, World, answer, query};
use dockline_github_sim::NewApp;
use reqwest::{Response, Url, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

async fn exchange(world: &World, form: &[(&str, &str)]) -> (u16, Value) {
    let secret = world.app.client_secret.expose_secret();
    let mut all = vec![("client_id", world.app.client_id.as_str()), ("client_secret", secret)];
    all.extend_from_slice(form);
    let url = format!("{}/login/oauth/access_token", world.running.web);
    let request = world.client.post(url).header(header::ACCEPT, "application/json").form(&all);
    answer(request.send().await.unwrap()).await
}

async fn authorize(world: &World, parameters: &[(&str, &str)]) -> Response {
    let url = format!("{}/login/oauth/authorize", world.running.web);
    world.client.get(Url::parse_with_params(&url, parameters).unwrap()).send().await.unwrap()
}

fn code(world: &World) -> String {
    world.sim().issue_code(world.app.app_id, "olga").unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn a_signed_in_person_comes_back_with_a_code_that_makes_a_token() {
    let world = World::new().await;
    world.sim().default_user(Some("olga")).unwrap();
    let client_id = world.app.client_id.clone();
    let response =
        authorize(&world, &[("client_id", &client_id), ("redirect_uri", CALLBACK), ("state", "a&b c")]).await;
    assert_eq!(response.status(), 302);
    let back = query(&response);
    assert_eq!(back["from"], "github");
    assert_eq!(back["state"], "a&b c");
    let (status, tokens) = exchange(&world, &[("code", &back["code"])]).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["expires_in"], 28_800);
    assert_eq!((tokens["scope"].as_str(), tokens["token_type"].as_str()), (Some(""), Some("bearer")));
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.starts_with("ghu_") && tokens["refresh_token"].as_str().unwrap().starts_with("ghr_"));
    assert_eq!(world.get("/user", token).await.1["login"], "olga");
}

#[tokio::test]
async fn the_redirect_uri_must_be_one_of_the_apps_to_the_letter() {
    let second = "http://127.0.0.1:1/second";
    let world = World::with(NewApp::new("dockline-dev", CALLBACK).with_callback_url(second)).await;
    world.sim().default_user(Some("olga")).unwrap();
    let client_id = world.app.client_id.clone();
    let allowed = authorize(&world, &[("client_id", &client_id), ("redirect_uri", second)]).await;
    assert!(allowed.headers()["location"].to_str().unwrap().starts_with(second));
    for uri in ["http://127.0.0.1:1/second/", "http://127.0.0.1:1/callback", "https://evil.example/", ""] {
        let response = authorize(&world, &[("client_id", &client_id), ("redirect_uri", uri)]).await;
        assert_eq!(response.status(), 400, "{uri}");
        assert!(!response.headers().contains_key("location"));
    }
    assert_eq!(authorize(&world, &[("client_id", "nobody")]).await.status(), 404);
    let none = authorize(&world, &[("client_id", &client_id)]).await;
    assert!(none.headers()["location"].to_str().unwrap().starts_with(CALLBACK));
}

#[tokio::test]
async fn a_code_is_good_once() {
    let world = World::new().await;
    let code = code(&world);
    assert!(exchange(&world, &[("code", &code)]).await.1["access_token"].is_string());
    let (status, again) = exchange(&world, &[("code", &code)]).await;
    assert_eq!((status, again["error"].as_str()), (200, Some("bad_verification_code")));
    assert_eq!(again["error_description"], "The code passed is incorrect or expired.");
    assert!(again["error_uri"].is_string());
    assert_eq!(world.sim().live_user_tokens(), 1);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let world = World::new().await;
    let (in_time, late) = (code(&world), code(&world));
    world.sim().advance_clock(540);
    assert!(exchange(&world, &[("code", &in_time)]).await.1["access_token"].is_string());
    world.sim().advance_clock(60);
    assert_eq!(exchange(&world, &[("code", &late)]).await.1["error"], "bad_verification_code");
}

#[tokio::test]
async fn a_code_belongs_to_its_app_and_a_failed_attempt_does_not_use_it_up() {
    let world = World::new().await;
    let other = world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let code = code(&world);
    let secret = other.client_secret.expose_secret();
    let foreign = [("client_id", other.client_id.as_str()), ("client_secret", secret), ("code", &code)];
    let url = format!("{}/login/oauth/access_token", world.running.web);
    let request = world.client.post(&url).header(header::ACCEPT, "application/json").form(&foreign);
    assert_eq!(answer(request.send().await.unwrap()).await.1["error"], "bad_verification_code");
    let wrong = [("client_id", world.app.client_id.as_str()), ("client_secret", "wrong"), ("code", &code)];
    let request = world.client.post(&url).header(header::ACCEPT, "application/json").form(&wrong);
    let (status, body) = answer(request.send().await.unwrap()).await;
    assert_eq!((status, body["error"].as_str()), (200, Some("incorrect_client_credentials")));
    let mismatch = exchange(&world, &[("code", &code), ("redirect_uri", "http://127.0.0.1:1/other")]).await;
    assert_eq!(mismatch.1["error"], "redirect_uri_mismatch");
    assert!(exchange(&world, &[("code", &code)]).await.1["access_token"].is_string());
}

#[tokio::test]
async fn the_exchange_speaks_json_and_forms() {
    let world = World::new().await;
    let url = format!("{}/login/oauth/access_token", world.running.web);
    let body = json!({
        "client_id": world.app.client_id,
        "client_secret": world.app.client_secret.expose_secret(),
        "code": code(&world),
    });
    let response = world.client.post(url).json(&body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("access_token=ghu_") && text.contains("&token_type=bearer"));
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_ends_its_access_token() {
    let world = World::new().await;
    let first = exchange(&world, &[("code", &code(&world))]).await.1;
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
    let second = exchange(&world, &refresh).await.1;
    assert_eq!(world.get("/user", first["access_token"].as_str().unwrap()).await.0, 401);
    assert_eq!(world.get("/user", second["access_token"].as_str().unwrap()).await.0, 200);
    assert_eq!(exchange(&world, &refresh).await.1["error"], "bad_refresh_token");
}
