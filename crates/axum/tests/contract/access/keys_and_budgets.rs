//! 401, 403 and 429 (I11, I12, I13).

use dockline::{Scope, Tier};
use secrecy::ExposeSecret;

use crate::fixture::{Fixture, INSTALL_URL, INSTALLATION, tenant};
use crate::response::Response;

async fn with_authorization(fixture: &Fixture, value: Option<&str>) -> Response {
    let mut request = fixture.http.get(format!("{}{INSTALLATION}", fixture.api));
    if let Some(value) = value {
        request = request.header("authorization", value);
    }
    Response::of(request).await
}

#[tokio::test]
async fn all_failures_to_authenticate_are_alike_and_cost_nothing() {
    let fixture = Fixture::start().await;
    let good = fixture.acme.key.expose_secret().to_owned();
    let rival = fixture.rival.key.expose_secret().to_owned();
    let revoked = tenant(&fixture.keys, "org_revoked", "Revoked", |record| {
        record.revoked_at = Some(time::OffsetDateTime::UNIX_EPOCH);
    });
    let expired = tenant(&fixture.keys, "org_expired", "Expired", |record| {
        record.expires_at = Some(time::OffsetDateTime::UNIX_EPOCH);
    });
    let stranger = tenant(&dockline_memory::MemoryKeyStore::new(), "org_x", "X", |_| {});
    let (head, _) = good.rsplit_once('_').unwrap();
    let mut wrong_secret: Vec<_> = good.splitn(4, '_').collect();
    wrong_secret[3] = rival.splitn(4, '_').nth(3).unwrap();
    let attempts = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(good.clone()),
        Some(format!("Basic {good}")),
        Some(format!("Bearer {good}x")),
        Some(format!("Bearer {head}")),
        Some(format!("Bearer {}", wrong_secret.join("_"))),
        Some(format!("Bearer {}", good.replace("lp_live", "lp_test"))),
        Some(format!("Bearer {}", stranger.key.expose_secret())),
        Some(format!("Bearer {}", revoked.key.expose_secret())),
        Some(format!("Bearer {}", expired.key.expose_secret())),
    ];
    let mut bodies = std::collections::HashSet::new();
    for attempt in &attempts {
        let answer = with_authorization(&fixture, attempt.as_deref()).await;
        let answer = answer.expect_error(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.header("x-ratelimit-limit"), "", "a 401 has no budget");
        bodies.insert(answer.without_request_id());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    // The scheme is compared without case (RFC 9110 §11.1).
    let answer = with_authorization(&fixture, Some(&format!("bearer {good}"))).await.expect(404);
    assert_eq!(answer.header("x-ratelimit-remaining"), "5999", "401s cost no budget");
}

#[tokio::test]
async fn scopes_are_deny_by_default() {
    let fixture = Fixture::start().await;
    for (scopes, allowed) in [
        (vec![], false),
        (vec!["github:read"], false),
        (vec!["github"], false),
        (vec!["github:*"], false),
        (vec!["repos:admin", "github:admin"], true),
        (vec!["*"], true),
    ] {
        let scoped = tenant(&fixture.keys, "org_scoped", "Scoped", |record| {
            record.scopes = scopes.iter().map(|scope| Scope::parse(scope)).collect();
        });
        let answers = [
            fixture.get(&scoped, INSTALLATION).await,
            fixture.get(&scoped, INSTALL_URL).await,
            fixture.post(&scoped, "not even json").await,
            fixture.delete(&scoped, INSTALLATION).await,
        ];
        for answer in answers {
            if allowed {
                assert!(answer.status == 404 || answer.status == 422, "{scopes:?} {answer:?}");
            } else {
                let answer = answer.expect_error(403, "FORBIDDEN_SCOPE");
                // A 403 has the headers and is not charged.
                assert_eq!(answer.header("x-ratelimit-remaining"), answer.header("x-ratelimit-limit"));
            }
        }
    }
}

#[tokio::test]
async fn budgets_are_per_key_and_class_and_a_429_has_retry_after() {
    let fixture = Fixture::start().await;
    let small = tenant(&fixture.keys, "org_small", "Small", |record| record.tier = Tier::standard());
    for left in (0..60).rev() {
        let answer = fixture.post(&small, "{}").await.expect_error(422, "VALIDATION");
        assert_eq!(answer.header("x-ratelimit-endpoint-class"), "write-light");
        assert_eq!(answer.header("x-ratelimit-limit"), "60");
        assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
    }
    // Before the body is checked (I12): this media type would be a 415.
    let request = fixture
        .http
        .post(format!("{}{INSTALLATION}", fixture.api))
        .bearer_auth(small.key.expose_secret())
        .body("x");
    let limited = Response::of(request).await.expect_error(429, "RATE_LIMITED");
    assert_eq!(limited.header("x-ratelimit-remaining"), "0");
    assert_eq!(limited.header("x-ratelimit-reset"), "60");
    let wait: i64 = limited.header("retry-after").parse().unwrap();
    assert!(wait >= 1, "{wait}");
    // Reads and other keys have their own budgets.
    let read = fixture.get(&small, INSTALLATION).await.expect(404);
    assert_eq!(read.header("x-ratelimit-endpoint-class"), "read-light");
    assert_eq!(read.header("x-ratelimit-remaining"), "119");
    fixture.post(&fixture.acme, "{}").await.expect(422);
    // After exactly Retry-After the request succeeds.
    fixture.clock.advance(time::Duration::seconds(wait));
    fixture.post(&small, "{}").await.expect(422);
}
