//! How the simulator judges an App's JWT, and in which words.

use crate::support::{CALLBACK, World, answer, jwt, jwt_with_header};
use dockline_github_sim::NewApp;
use serde_json::{Value, json};

const UNDECODABLE: &str = "A JSON web token could not be decoded";
const TOO_FAR: &str = "'Expiration time' claim ('exp') is too far in the future";
const NO_EXP: &str = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires";
const NO_IAT: &str =
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";

async fn judged(world: &World, claims: Value) -> (u16, String) {
    let (status, body) = world.get("/app", &jwt(&world.app, &claims)).await;
    (status, body["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_form_of_the_issuer_is_taken() {
    let world = World::new().await;
    let (now, id) = (world.sim().now().unix_timestamp(), world.app.app_id);
    for iss in [json!(id), json!(id.to_string()), json!(world.app.client_id)] {
        assert_eq!(
            judged(&world, json!({ "iat": now - 60, "exp": now + 540, "iss": iss })).await.0,
            200,
            "{iss}"
        );
    }
}

#[tokio::test]
async fn an_issuer_that_is_no_app_is_404() {
    let world = World::new().await;
    let (now, id) = (world.sim().now().unix_timestamp(), world.app.app_id);
    for iss in [json!(1), json!(format!("{id}\n")), json!("+1"), json!("Iv23liNoAppHasThisId"), json!(null)] {
        let judged = judged(&world, json!({ "iat": now - 60, "exp": now + 540, "iss": iss })).await;
        assert_eq!(judged, (404, "Integration not found".to_owned()), "{iss}");
    }
}

#[tokio::test]
async fn times_are_judged_by_the_simulators_clock() {
    let world = World::new().await;
    world.sim().set_clock_offset(86_400);
    let now = world.sim().now().unix_timestamp();
    let iss = world.app.app_id;
    // Some seconds may pass between reading the clock and the judgement.
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
        assert_eq!(judged(&world, claims.clone()).await, (status, message.to_owned()), "{claims}");
    }
}

#[tokio::test]
async fn a_client_can_measure_the_skew_from_the_date_header() {
    let world = World::new().await;
    world.sim().set_clock_offset(-3600);
    let token = world.jwt();
    world.sim().set_clock_offset(0);
    let response = world.send(reqwest::Method::GET, "/app", &token).await;
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    let (status, body) = answer(response).await;
    assert_eq!((status, body["message"].as_str()), (401, Some(NO_EXP)));
    world.sim().set_clock_offset(86_400);
    let later =
        world.send(reqwest::Method::GET, "/app", &token).await.headers()["date"].to_str().unwrap().to_owned();
    assert_ne!(date[..16], later[..16], "the day did not move with the clock");
    assert!(later.ends_with(" GMT"));
}

#[tokio::test]
async fn another_apps_key_another_algorithm_and_rubbish_are_undecodable() {
    let world = World::new().await;
    let other = world.sim().create_app(NewApp::new("other", CALLBACK)).unwrap();
    let now = world.sim().now().unix_timestamp();
    let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": world.app.app_id });
    let good = jwt(&world.app, &claims);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let tokens = [
        jwt(&other, &claims),
        jwt_with_header(&world.app, &json!({ "alg": "RS512" }), &claims),
        jwt_with_header(&world.app, &json!({ "alg": "none" }), &claims),
        format!("{signed}."),
        format!("{good}="),
        signed.to_owned(),
        format!("{good}.x"),
        "rubbish".to_owned(),
        world.user_token("olga"),
    ];
    for token in tokens {
        let (status, body) = world.get("/app", &token).await;
        assert_eq!((status, body["message"].as_str()), (401, Some(UNDECODABLE)));
    }
}

#[tokio::test]
async fn a_jwt_comes_as_bearer_only() {
    let world = World::new().await;
    let url = format!("{}/app", world.running.api);
    let with = |value: String| world.client.get(&url).header("Authorization", value).send();
    assert_eq!(with(format!("bearer {}", world.jwt())).await.unwrap().status(), 200);
    assert_eq!(with(format!("token {}", world.jwt())).await.unwrap().status(), 401);
    let (status, body) = answer(world.client.get(&url).send().await.unwrap()).await;
    assert_eq!((status, body["message"].as_str()), (401, Some(UNDECODABLE)));
}
