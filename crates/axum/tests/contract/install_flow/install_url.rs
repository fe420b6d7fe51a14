//! `GET /v1/github/installation/install-url` (L-04, L-22, I28).

use crate::fixture::{Fixture, INSTALL_URL, RETURN_URL};

#[tokio::test]
async fn the_response_has_four_fields_and_a_link_with_the_state() {
    let fixture = Fixture::start().await;
    let return_url = "https://App.Example.com:8443/back?tab=git&x=%C3%A9#top";
    let encoded = "https%3A%2F%2FApp.Example.com%3A8443%2Fback%3Ftab%3Dgit%26x%3D%25C3%25A9%23top";
    let answer = fixture.get(&fixture.acme, &format!("{INSTALL_URL}?returnUrl={encoded}")).await.expect(200);
    let state = answer.json["state"].as_str().unwrap();
    assert_eq!(state.len(), 32);
    assert!(state.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{state}");
    let link = format!(
        "{}/apps/dockline-test/installations/new?state={state}&redirect_uri={encoded}",
        fixture.sim.web
    );
    let expires_at = answer.json["expiresAt"].as_str().unwrap();
    assert_eq!((expires_at.len(), &expires_at[19..20], &expires_at[23..]), (24, ".", "Z"), "{expires_at}");
    let expected = format!(
        r#"{{"authUrl":"{link}","installUrl":"{link}","state":"{state}","expiresAt":"{expires_at}"}}"#
    );
    assert_eq!(answer.text, expected, "{return_url}");
    assert_eq!(answer.header("x-ratelimit-endpoint-class"), "read-light");
    // It makes no call to GitHub.
    assert!(fixture.github().requests().is_empty());
}

#[tokio::test]
async fn a_state_of_the_callers_own_is_echoed_if_it_cannot_be_guessed() {
    let fixture = Fixture::start().await;
    let own = "sixteen.chars-_~";
    let answer = fixture.start_install(&fixture.acme, own).await.expect(200);
    assert_eq!(answer.json["state"], own);
    // The same request works again while the state is unused.
    fixture.start_install(&fixture.acme, own).await.expect(200);
    for bad in ["", "fifteen-chars-x", "sixteen+chars+++", "with%20a%20blank%20inside", &"x".repeat(257)] {
        let answer = fixture.start_install(&fixture.acme, bad).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["state malformed"], "{bad}");
    }
    // Another organization cannot use a live state, and the error does not name its owner (I10).
    let answer = fixture.start_install(&fixture.rival, own).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["state not_claimable"]);
    assert!(!answer.text.contains("acme"));
}

#[tokio::test]
async fn a_return_url_is_on_the_keys_list() {
    let fixture = Fixture::start().await;
    let ask = |url: &str| format!("{INSTALL_URL}?returnUrl={url}");
    for good in ["https://app.example.com", "https://APP.EXAMPLE.COM/x", "http://127.0.0.1:3000/x"] {
        fixture.get(&fixture.acme, &ask(good)).await.expect(200);
    }
    for bad in [
        "https://evil.test/",
        "https://sub.app.example.com/",
        "https://app.example.com.evil.test/",
        "https://app.example.com@evil.test/",
        "http://app.example.com/",
        "http://localhost/",
        "javascript://app.example.com/%250aalert(1)",
    ] {
        let answer = fixture.get(&fixture.acme, &ask(bad)).await;
        answer.expect_error(403, "RETURN_URL_NOT_ALLOWED");
    }
    for bad in ["", "back", "/back", "//app.example.com/", "https://app.example.com%5C@evil.test/"] {
        let answer = fixture.get(&fixture.acme, &ask(bad)).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), ["returnUrl malformed"], "{bad}");
    }
}

#[tokio::test]
async fn all_errors_are_reported_at_once() {
    let fixture = Fixture::start().await;
    let answer = fixture.get(&fixture.acme, INSTALL_URL).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["returnUrl missing"]);
    let answer = fixture.get(&fixture.acme, &format!("{INSTALL_URL}?state=short")).await;
    // In the order of the request; what is missing comes last.
    assert_eq!(answer.expect(422).issues(), ["state malformed", "returnUrl missing"]);
    let doubled = format!("{INSTALL_URL}?returnUrl={RETURN_URL}&returnUrl=https://evil.test/&return_url=x");
    let answer = fixture.get(&fixture.acme, &doubled).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["returnUrl duplicate_key", "return_url unknown_key"]);
}
