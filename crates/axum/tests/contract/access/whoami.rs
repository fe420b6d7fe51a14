//! `GET /v1/whoami`.

use dockline::{Scope, Tier};

use crate::fixture::{Fixture, tenant};
use crate::response::Response;

const WHOAMI: &str = "/v1/whoami";

#[tokio::test]
async fn a_key_without_scopes_is_described() {
    let fixture = Fixture::start().await;
    for (scopes, spelled) in [
        (vec![], "[]"),
        (vec![Scope::GithubAdmin], r#"["github:admin"]"#),
        (vec![Scope::Other("audit:read".into()), Scope::All], r#"["audit:read","*"]"#),
    ] {
        let reader = tenant(&fixture.keys, "org_reader", "Readers \"R\" Us", |record| {
            record.scopes = scopes;
            record.tier = Tier::pilot();
        });
        let answer = fixture.get(&reader, WHOAMI).await.expect(200);
        let key = dockline::ApiKey::parse(secrecy::ExposeSecret::expose_secret(&reader.key)).unwrap();
        let expected = format!(
            "{{\"organizationId\":\"org_reader\",\"organizationName\":\"Readers \\\"R\\\" Us\",\"apiKeyId\":\"{}\",\
             \"scopes\":{spelled},\"rateLimitTier\":\"pilot\"}}",
            key.id()
        );
        assert_eq!(answer.text, expected);
        assert_eq!(answer.header("x-ratelimit-endpoint-class"), "read-light");
        assert_eq!(answer.header("x-ratelimit-limit"), "1200");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn without_a_valid_key_it_is_a_401_and_it_uses_the_read_budget() {
    let fixture = Fixture::start().await;
    let anonymous = fixture.http.get(format!("{}{WHOAMI}", fixture.api));
    let answer = Response::of(anonymous).await.expect_error(401, "UNAUTHENTICATED");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let few = Tier { reads_per_minute: 2, ..Tier::standard() };
    let caller = tenant(&fixture.keys, "org_few", "Few", |record| record.tier = few);
    for remaining in ["1", "0"] {
        let answer = fixture.get(&caller, WHOAMI).await.expect(200);
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
    }
    fixture.get(&caller, WHOAMI).await.expect_error(429, "RATE_LIMITED");
    let posted = fixture.http.post(format!("{}{WHOAMI}", fixture.api));
    Response::of(posted).await.expect_error(405, "METHOD_NOT_ALLOWED");
}
