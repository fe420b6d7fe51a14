//! `GET /v1/whoami` (`contract.md` §2).

use dockline::{Scope, Tier};

use crate::answer::Answer;
use crate::world::{World, tenant};

const WHOAMI: &str = "/v1/whoami";

#[tokio::test]
async fn a_key_says_what_it_is_whatever_it_may() {
    let world = World::start().await;
    for (scopes, spelled) in [
        (vec![], "[]"),
        (vec![Scope::GithubAdmin], r#"["github:admin"]"#),
        (vec![Scope::Other("audit:read".into()), Scope::All], r#"["audit:read","*"]"#),
    ] {
        let reader = tenant(&world.keys, "org_reader", "Readers \"R\" Us", |record| {
            record.scopes = scopes;
            record.tier = Tier::pilot();
        });
        let answer = world.get(&reader, WHOAMI).await.expect(200);
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
async fn without_a_valid_key_it_is_a_401_and_the_budget_is_the_reads() {
    let world = World::start().await;
    let anonymous = world.http.get(format!("{}{WHOAMI}", world.api));
    let answer = Answer::of(anonymous).await.expect_error(401, "UNAUTHENTICATED");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let few = Tier { reads_per_minute: 2, ..Tier::standard() };
    let caller = tenant(&world.keys, "org_few", "Few", |record| record.tier = few);
    for remaining in ["1", "0"] {
        let answer = world.get(&caller, WHOAMI).await.expect(200);
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
    }
    world.get(&caller, WHOAMI).await.expect_error(429, "RATE_LIMITED");
    let posted = world.http.post(format!("{}{WHOAMI}", world.api));
    Answer::of(posted).await.expect_error(405, "METHOD_NOT_ALLOWED");
}
