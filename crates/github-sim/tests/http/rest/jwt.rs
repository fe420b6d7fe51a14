//! Verification of an App's JWT, with GitHub's messages.

use crate::support::{CALLBACK, Fixture, jwt, jwt_with_header, status_and_body};
use dockline_github_sim::NewApp;
use serde_json::{Value, json};

const UNDECODABLE: &str = "A JSON web token could not be decoded";
const TOO_FAR: &str = "'Expiration time' claim ('exp') is too far in the future";
const NO_EXP: &str = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
const NO_IAT: &str =
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";

async fn verify(fixture: &Fixture, claims: Value) -> (u16, String) {
    let (status, body) = fixture.get("/app", &jwt(&fixture.app, &claims)).await;
    (status, body["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn issuer_is_app_id_or_client_id() {
    let fixture = Fixture::new().await;
    let (now, id) = (fixture.sim().now().unix_timestamp(), fixture.app.app_id);
    for iss in [json!(id), json!(id.to_string()), json!(fixture.app.client_id)] {
        assert_eq!(
            verify(&fixture, json!({ "iat": now - 60, "exp": now + 540, "iss": iss })).await.0,
            200,
            "{iss}"
        );
    }
}

#[tokio::test]
async fn unknown_issuer_is_404() {
    let fixture = Fixture::new().await;
    let (now, id) = (fixture.sim().now().unix_timestamp(), fixture.app.app_id);
    for iss in [json!(1), json!(format!("{id}\n")), json!("+1"), json!("Iv23liNoAppHasThisId"), json!(null)] {
        let result = verify(&fixture, json!({ "iat": now - 60, "exp": now + 540, "iss": iss })).await;
        assert_eq!(result, (404, "Integration not found".to_owned()), "{iss}");
    }
}

#[tokio::test]
async fn jwt_times_are_checked_by_the_simulators_clock() {
    let fixture = Fixture::new().await;
    fixture.sim().set_clock_offset(86_400);
    let now = fixture.sim().now().unix_timestamp();
    let iss = fixture.app.app_id;
    // The cases leave room for some seconds between reading the clock and the verification.
    let cases = [
        (json!({ "iat": now, "exp": now + 600, "iss": iss }), 200, ""),
        (json!({ "iat": now, "exp": now + 630, "iss": iss }), 401, TOO_FAR),
        (json!({ "iat": now - 60, "exp": now, "iss": iss }), 401, NO_EXP),
        (json!({ "iat": now - 60, "iss": iss }), 401, NO_EXP),
        (json!({ "iat": now - 60, "exp": "soon", "iss": iss }), 401, NO_EXP),
        (json!({ "iat": now + 60, "exp": now + 540, "iss": iss }), 401, NO_IAT),
        (json!({ "iat": now as f64 - 0.5, "exp": now + 540, "iss": iss }), 401, NO_IAT),
        (json!({ "exp": now + 540, "iss": iss }), 401, NO_IAT),
    ];
    for (claims, status, message) in cases {
        assert_eq!(verify(&fixture, claims.clone()).await, (status, message.to_owned()), "{claims}");
    }
}

#[tokio::test]
async fn date_header_shows_the_simulators_clock() {
    let fixture = Fixture::new().await;
    fixture.sim().set_clock_offset(-3600);
    let token = fixture.jwt();
    fixture.sim().set_clock_offset(0);
    let response = fixture.send(reqwest::Method::GET, "/app", &token).await;
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, body["message"].as_str()), (401, Some(NO_EXP)));
    fixture.sim().set_clock_offset(86_400);
    let later = fixture.send(reqwest::Method::GET, "/app", &token).await.headers()["date"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_ne!(date[..16], later[..16], "the date does not follow the clock");
    assert!(later.ends_with(" GMT"));
}

#[tokio::test]
async fn jwt_with_wrong_key_or_algorithm_is_undecodable() {
    let fixture = Fixture::new().await;
    let other = fixture.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let now = fixture.sim().now().unix_timestamp();
    let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": fixture.app.app_id });
    let good = jwt(&fixture.app, &claims);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let tokens = [
        jwt(&other, &claims),
        jwt_with_header(&fixture.app, &json!({ "alg": "RS512" }), &claims),
        jwt_with_header(&fixture.app, &json!({ "alg": "none" }), &claims),
        format!("{signed}."),
        format!("{good}="),
        signed.to_owned(),
        format!("{good}.x"),
        "rubbish".to_owned(),
        fixture.user_token("olga").await,
    ];
    for token in tokens {
        let (status, body) = fixture.get("/app", &token).await;
        assert_eq!((status, body["message"].as_str()), (401, Some(UNDECODABLE)));
    }
}

#[tokio::test]
async fn jwt_needs_the_bearer_scheme() {
    let fixture = Fixture::new().await;
    let url = format!("{}/app", fixture.running.api);
    let with = |value: String| fixture.client.get(&url).header("Authorization", value).send();
    assert_eq!(with(format!("bearer {}", fixture.jwt())).await.unwrap().status(), 200);
    assert_eq!(with(format!("token {}", fixture.jwt())).await.unwrap().status(), 401);
    let (status, body) = status_and_body(fixture.client.get(&url).send().await.unwrap()).await;
    assert_eq!((status, body["message"].as_str()), (401, Some(UNDECODABLE)));
}
