//! The body over HTTP: 413, 415 and every `details.issues` code (`contract.md` §3).

use secrecy::ExposeSecret;

use crate::answer::Answer;
use crate::world::{INSTALLATION, World};

async fn post(world: &World, content_type: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let mut request = world
        .http
        .post(format!("{}{INSTALLATION}", world.api))
        .bearer_auth(world.acme.key.expose_secret())
        .body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn every_issue_code_of_the_body() {
    let world = World::start().await;
    for (body, expected) in [
        ("{}", vec!["installationId missing", "state missing"]),
        (
            r#"{"orgLogin":"a","note":"b","installationId":"1","state":1}"#,
            vec!["orgLogin unknown_key", "note unknown_key", "installationId wrong_type", "state wrong_type"],
        ),
        (r#"{"installationId":1.0,"state":"s"}"#, vec!["installationId wrong_type"]),
        (r#"{"installationId":1e3,"state":"s"}"#, vec!["installationId wrong_type"]),
        (r#"{"installationId":9007199254740992,"state":"s"}"#, vec!["installationId out_of_range"]),
        (r#"{"installationId":0,"state":""}"#, vec!["installationId out_of_range", "state malformed"]),
        (r#"{"state":"s","installationId":1,"state":"s"}"#, vec!["state duplicate_key"]),
        ("[7,\"x\"]", vec![" wrong_type"]),
        ("{", vec![" malformed"]),
        ("", vec![" malformed"]),
        // L-15: no state of ours, no binding.
        (r#"{"installationId":1,"state":"never-issued"}"#, vec!["state not_claimable"]),
    ] {
        let answer = world.post(&world.acme, body).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), expected, "{body}");
        let issues = answer.json["error"]["details"]["issues"].as_array().unwrap();
        assert!(issues.iter().all(|issue| !issue["message"].as_str().unwrap().is_empty()));
    }
    assert!(world.github().requests().is_empty(), "a bad body never reaches GitHub");
}

#[tokio::test]
async fn an_expired_state_is_said_to_be_expired_and_does_not_reach_github() {
    let world = World::start().await;
    let state = world.fresh_state(&world.acme).await;
    world.clock.advance(time::Duration::minutes(15));
    let answer = world.register(&world.acme, 1, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["state expired"]);
    assert!(world.github().requests().is_empty());
}

#[tokio::test]
async fn only_json_in_utf_8_without_an_encoding_is_taken() {
    let world = World::start().await;
    for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
    {
        post(&world, Some(good), "{}").await.expect_error(422, "VALIDATION");
    }
    for bad in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=latin1"),
        Some("application/jsonp"),
        Some("application/vnd.api+json"),
        Some(""),
    ] {
        post(&world, bad, "{}").await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let request = world
        .http
        .post(format!("{}{INSTALLATION}", world.api))
        .bearer_auth(world.acme.key.expose_secret())
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("{}");
    Answer::of(request).await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn sixteen_kibibytes_are_the_most_l_65() {
    let world = World::start().await;
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    post(&world, Some("application/json"), padded(16 * 1024)).await.expect_error(422, "VALIDATION");
    post(&world, Some("application/json"), padded(16 * 1024 + 1))
        .await
        .expect_error(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn an_announced_length_is_refused_before_the_body_is_waited_for() {
    let world = World::start().await;
    let key = world.acme.key.expose_secret();
    let head = format!(
        "POST {INSTALLATION} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"
    );
    let answer = crate::http_rules::raw(&world, &head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}
