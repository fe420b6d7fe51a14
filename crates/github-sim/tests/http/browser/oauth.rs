//! The OAuth web flow.

use crate::support::{CALLBACK, Fixture, location_query, status_and_body};
use dockline_github_sim::NewApp;
use reqwest::{Response, Url, header};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

async fn exchange(fixture: &Fixture, form: &[(&str, &str)]) -> (u16, Value) {
    let secret = fixture.app.client_secret.expose_secret();
    let mut all = vec![("client_id", fixture.app.client_id.as_str()), ("client_secret", secret)];
    all.extend_from_slice(form);
    let url = format!("{}/login/oauth/access_token", fixture.running.web);
    let request = fixture.client.post(url).header(header::ACCEPT, "application/json").form(&all);
    status_and_body(request.send().await.unwrap()).await
}

async fn authorize(fixture: &Fixture, parameters: &[(&str, &str)]) -> Response {
    let url = format!("{}/login/oauth/authorize", fixture.running.web);
    fixture.client.get(Url::parse_with_params(&url, parameters).unwrap()).send().await.unwrap()
}

fn code(fixture: &Fixture) -> String {
    fixture.sim().issue_code(fixture.app.app_id, "olga").unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn authorization_code_is_exchanged_for_a_token() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let client_id = fixture.app.client_id.clone();
    let response =
        authorize(&fixture, &[("client_id", &client_id), ("redirect_uri", CALLBACK), ("state", "a&b c")])
            .await;
    assert_eq!(response.status(), 302);
    let back = location_query(&response);
    assert_eq!(back["from"], "github");
    assert_eq!(back["state"], "a&b c");
    let (status, tokens) = exchange(&fixture, &[("code", &back["code"])]).await;
    assert_eq!(status, 200);
    assert_eq!(tokens["expires_in"], 28_800);
    assert_eq!((tokens["scope"].as_str(), tokens["token_type"].as_str()), (Some(""), Some("bearer")));
    let token = tokens["access_token"].as_str().unwrap();
    assert!(token.starts_with("ghu_") && tokens["refresh_token"].as_str().unwrap().starts_with("ghr_"));
    assert_eq!(fixture.get("/user", token).await.1["login"], "olga");
}

#[tokio::test]
async fn redirect_uri_must_match_a_callback_url_exactly() {
    let second = "http://127.0.0.1:1/second";
    let fixture = Fixture::with(NewApp::new("dockline-dev", CALLBACK).with_callback_url(second)).await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let client_id = fixture.app.client_id.clone();
    let allowed = authorize(&fixture, &[("client_id", &client_id), ("redirect_uri", second)]).await;
    assert!(allowed.headers()["location"].to_str().unwrap().starts_with(second));
    for uri in ["http://127.0.0.1:1/second/", "http://127.0.0.1:1/callback", "https://evil.example/", ""] {
        let response = authorize(&fixture, &[("client_id", &client_id), ("redirect_uri", uri)]).await;
        assert_eq!(response.status(), 400, "{uri}");
        assert!(!response.headers().contains_key("location"));
    }
    assert_eq!(authorize(&fixture, &[("client_id", "unknown")]).await.status(), 404);
    let none = authorize(&fixture, &[("client_id", &client_id)]).await;
    assert!(none.headers()["location"].to_str().unwrap().starts_with(CALLBACK));
}

#[tokio::test]
async fn code_works_once() {
    let fixture = Fixture::new().await;
    let code = code(&fixture);
    assert!(exchange(&fixture, &[("code", &code)]).await.1["access_token"].is_string());
    let (status, again) = exchange(&fixture, &[("code", &code)]).await;
    assert_eq!((status, again["error"].as_str()), (200, Some("bad_verification_code")));
    assert_eq!(again["error_description"], "The code passed is incorrect or expired.");
    assert!(again["error_uri"].is_string());
    assert_eq!(fixture.sim().live_user_tokens(), 1);
}

#[tokio::test]
async fn code_expires_after_ten_minutes() {
    let fixture = Fixture::new().await;
    let (in_time, late) = (code(&fixture), code(&fixture));
    fixture.sim().advance_clock(540);
    assert!(exchange(&fixture, &[("code", &in_time)]).await.1["access_token"].is_string());
    fixture.sim().advance_clock(60);
    assert_eq!(exchange(&fixture, &[("code", &late)]).await.1["error"], "bad_verification_code");
}

#[tokio::test]
async fn failed_exchange_does_not_consume_the_code() {
    let fixture = Fixture::new().await;
    let other = fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let code = code(&fixture);
    let secret = other.client_secret.expose_secret();
    let foreign = [("client_id", other.client_id.as_str()), ("client_secret", secret), ("code", &code)];
    let url = format!("{}/login/oauth/access_token", fixture.running.web);
    let request = fixture.client.post(&url).header(header::ACCEPT, "application/json").form(&foreign);
    assert_eq!(status_and_body(request.send().await.unwrap()).await.1["error"], "bad_verification_code");
    let wrong = [("client_id", fixture.app.client_id.as_str()), ("client_secret", "wrong"), ("code", &code)];
    let request = fixture.client.post(&url).header(header::ACCEPT, "application/json").form(&wrong);
    let (status, body) = status_and_body(request.send().await.unwrap()).await;
    assert_eq!((status, body["error"].as_str()), (200, Some("incorrect_client_credentials")));
    let mismatch = exchange(&fixture, &[("code", &code), ("redirect_uri", "http://127.0.0.1:1/other")]).await;
    assert_eq!(mismatch.1["error"], "redirect_uri_mismatch");
    assert!(exchange(&fixture, &[("code", &code)]).await.1["access_token"].is_string());
}

#[tokio::test]
async fn exchange_accepts_json_and_answers_form_encoded() {
    let fixture = Fixture::new().await;
    let url = format!("{}/login/oauth/access_token", fixture.running.web);
    let body = json!({
        "client_id": fixture.app.client_id,
        "client_secret": fixture.app.client_secret.expose_secret(),
        "code": code(&fixture),
    });
    let response = fixture.client.post(url).json(&body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.starts_with("access_token=ghu_") && text.contains("&token_type=bearer"));
}

#[tokio::test]
async fn refresh_token_works_once_and_revokes_its_access_token() {
    let fixture = Fixture::new().await;
    let first = exchange(&fixture, &[("code", &code(&fixture))]).await.1;
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
    let second = exchange(&fixture, &refresh).await.1;
    assert_eq!(fixture.get("/user", first["access_token"].as_str().unwrap()).await.0, 401);
    assert_eq!(fixture.get("/user", second["access_token"].as_str().unwrap()).await.0, 200);
    assert_eq!(exchange(&fixture, &refresh).await.1["error"], "bad_refresh_token");
}

#[tokio::test]
async fn exchange_reads_query_parameters_too() {
    let fixture = Fixture::new().await;
    let url = format!("{}/login/oauth/access_token", fixture.running.web);
    let code = code(&fixture);
    let query = [
        ("client_id", fixture.app.client_id.as_str()),
        ("client_secret", fixture.app.client_secret.expose_secret()),
        ("code", &code),
    ];
    let url = Url::parse_with_params(&url, query).unwrap();
    let request = fixture.client.post(url.clone()).header(header::ACCEPT, "application/json");
    let body = request.form(&[("code", "the body's code wins")]).send().await.unwrap();
    assert_eq!(status_and_body(body).await.1["error"], "bad_verification_code");
    let request = fixture.client.post(url).header(header::ACCEPT, "application/json");
    let (status, tokens) = status_and_body(request.send().await.unwrap()).await;
    assert_eq!((status, tokens["access_token"].is_string()), (200, true), "{tokens}");
}

/// From RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn code_with_a_challenge_needs_its_verifier() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let client_id = fixture.app.client_id.clone();
    let proof = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let response = authorize(&fixture, &[("client_id", &client_id), proof[0], proof[1]]).await;
    let code = location_query(&response)["code"].clone();
    for form in [vec![("code", code.as_str())], vec![("code", &code), ("code_verifier", CHALLENGE)]] {
        assert_eq!(exchange(&fixture, &form).await.1["error"], "bad_verification_code");
    }
    let form = [("code", code.as_str()), ("code_verifier", VERIFIER)];
    assert!(exchange(&fixture, &form).await.1["access_token"].is_string());
    let plain = self::code(&fixture);
    let form = [("code", plain.as_str()), ("code_verifier", VERIFIER)];
    assert!(exchange(&fixture, &form).await.1["access_token"].is_string(), "no challenge, no check");
}

#[tokio::test]
async fn challenge_of_another_method_is_refused() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let client_id = fixture.app.client_id.clone();
    for proof in [
        vec![("code_challenge", CHALLENGE)],
        vec![("code_challenge", CHALLENGE), ("code_challenge_method", "plain")],
        vec![("code_challenge", "short"), ("code_challenge_method", "S256")],
    ] {
        let mut query = vec![("client_id", client_id.as_str()), ("state", "s")];
        query.extend(proof);
        let back = location_query(&authorize(&fixture, &query).await);
        assert_eq!((back["error"].as_str(), back["state"].as_str()), ("invalid_request", "s"));
        assert!(!back.contains_key("code"));
    }
}

#[tokio::test]
async fn select_account_asks_for_the_account_and_continues() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let client_id = fixture.app.client_id.clone();
    let query = [("client_id", client_id.as_str()), ("state", "s"), ("prompt", "select_account")];
    let response = authorize(&fixture, &query).await;
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("/login?"), "{location}");
    let login = Url::parse(&fixture.running.web).unwrap().join(location).unwrap();
    let return_to = login.query_pairs().find(|(name, _)| name == "return_to").unwrap().1.into_owned();
    let url = format!("{}/session/mia", fixture.running.web);
    let url = Url::parse_with_params(&url, [("return_to", &return_to)]).unwrap();
    let signed_in = fixture.client.get(url).send().await.unwrap();
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let next = signed_in.headers()["location"].to_str().unwrap();
    let next = fixture.client.get(format!("{}{next}", fixture.running.web)).header(header::COOKIE, cookie);
    let back = location_query(&next.send().await.unwrap());
    assert_eq!(back["state"], "s");
    let tokens = exchange(&fixture, &[("code", &back["code"])]).await.1;
    assert_eq!(fixture.get("/user", tokens["access_token"].as_str().unwrap()).await.1["login"], "mia");
}

#[tokio::test]
async fn app_has_at_most_ten_callback_urls() {
    let fixture = Fixture::new().await;
    let with = |slug: &str, more: usize| {
        (0..more).fold(NewApp::new(slug, CALLBACK), |app, number| {
            app.with_callback_url(&format!("http://127.0.0.1:1/{number}"))
        })
    };
    assert!(fixture.sim().create_app(with("eleven", 10)).is_err());
    let app = fixture.sim().create_app(with("ten", 9)).unwrap();
    fixture.sim().default_user(Some("olga")).unwrap();
    let last = [("client_id", app.client_id.as_str()), ("redirect_uri", "http://127.0.0.1:1/8")];
    assert_eq!(authorize(&fixture, &last).await.status(), 302);
}
