//! Bodies over HTTP: 413, 415 and every `details.issues` code.

use secrecy::ExposeSecret;

use crate::fixture::{Fixture, INSTALLATION};
use crate::response::Response;

async fn post(fixture: &Fixture, content_type: Option<&str>, body: impl Into<reqwest::Body>) -> Response {
    let mut request = fixture
        .http
        .post(format!("{}{INSTALLATION}", fixture.api))
        .bearer_auth(fixture.acme.key.expose_secret())
        .body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    Response::of(request).await
}

#[tokio::test]
async fn every_issue_code_of_the_body() {
    let fixture = Fixture::start().await;
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
        // L-15: without a state there is no binding.
        (r#"{"installationId":1,"state":"never-issued"}"#, vec!["state not_claimable"]),
    ] {
        let answer = fixture.post(&fixture.acme, body).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), expected, "{body}");
        let issues = answer.json["error"]["details"]["issues"].as_array().unwrap();
        assert!(issues.iter().all(|issue| !issue["message"].as_str().unwrap().is_empty()));
    }
    assert!(fixture.github().requests().is_empty(), "a bad body never reaches GitHub");
}

#[tokio::test]
async fn an_expired_state_is_reported_without_a_call_to_github() {
    let fixture = Fixture::start().await;
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.clock.advance(time::Duration::minutes(15));
    let answer = fixture.register(&fixture.acme, 1, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["state expired"]);
    assert!(fixture.github().requests().is_empty());
}

#[tokio::test]
async fn only_json_in_utf_8_without_an_encoding_is_accepted() {
    let fixture = Fixture::start().await;
    for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
    {
        post(&fixture, Some(good), "{}").await.expect_error(422, "VALIDATION");
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
        post(&fixture, bad, "{}").await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let request = fixture
        .http
        .post(format!("{}{INSTALLATION}", fixture.api))
        .bearer_auth(fixture.acme.key.expose_secret())
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("{}");
    Response::of(request).await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn bodies_above_16_kib_are_rejected_l_65() {
    let fixture = Fixture::start().await;
    let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
    post(&fixture, Some("application/json"), padded(16 * 1024)).await.expect_error(422, "VALIDATION");
    post(&fixture, Some("application/json"), padded(16 * 1024 + 1))
        .await
        .expect_error(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_large_content_length_is_rejected_before_the_body_arrives() {
    let fixture = Fixture::start().await;
    let key = fixture.acme.key.expose_secret();
    let head = format!(
        "POST {INSTALLATION} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"
    );
    let answer = crate::sockets::raw(&fixture, &head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}
