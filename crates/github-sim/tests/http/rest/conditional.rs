//! `ETag`, 304 and `/rate_limit`.

use crate::support::{Fixture, status_and_body};
use reqwest::{Method, Response, header};
use serde_json::json;

async fn get_if_changed(fixture: &Fixture, path: &str, tag: &str) -> Response {
    let request = fixture.client.get(format!("{}{path}", fixture.running.api)).bearer_auth(fixture.jwt());
    request.header(header::IF_NONE_MATCH, tag).send().await.unwrap()
}

#[tokio::test]
async fn unchanged_response_is_304_and_is_not_counted() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let path = format!("/app/installations/{id}");
    let first = fixture.send(Method::GET, &path, &fixture.jwt()).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\""));
    assert_eq!(first.headers()["x-ratelimit-used"], "1");
    for tag in [tag.as_str(), tag.trim_start_matches("W/"), &format!("\"other\", {tag}"), "*"] {
        let same = get_if_changed(&fixture, &path, tag).await;
        assert_eq!(
            (same.status().as_u16(), &same.headers()["x-ratelimit-used"]),
            (304, &"1".parse().unwrap())
        );
        assert_eq!(same.headers()["etag"], first.headers()["etag"]);
        assert!(same.bytes().await.unwrap().is_empty());
    }
    assert_eq!(get_if_changed(&fixture, &path, "\"other\"").await.status(), 200);
    fixture.sim().suspend(id, None).unwrap();
    assert_eq!(get_if_changed(&fixture, &path, &tag).await.status(), 200);
    let missing = fixture.send(Method::GET, "/app/installations/1", &fixture.jwt()).await;
    assert!(!missing.headers().contains_key("etag"));
}

#[tokio::test]
async fn rate_limit_shows_the_callers_count_without_counting() {
    let fixture = Fixture::new().await;
    let id = fixture.install("acme-coffee");
    let token = fixture.token(id, &json!({})).await;
    fixture.get("/installation/repositories", &token).await;
    for _ in 0..2 {
        let (status, body) = fixture.get("/rate_limit", &token).await;
        let core = &body["resources"]["core"];
        assert_eq!((status, &core["used"], &core["remaining"]), (200, &json!(1), &json!(4999)));
        assert_eq!(&body["rate"], core);
    }
    let url = format!("{}/rate_limit", fixture.running.api);
    let request = fixture.client.get(&url).header("X-GitHub-Api-Version", "2026-03-10");
    let (status, body) = status_and_body(request.send().await.unwrap()).await;
    assert_eq!((status, body.get("rate")), (200, None));
}
