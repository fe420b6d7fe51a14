//! Queries: all issues at once, in the order of the request, and no parameter twice.

use reqwest::Method;
use secrecy::ExposeSecret;

use crate::fixture::{Fixture, INSTALL_URL, INSTALLATION, REPOS, RETURN_URL};
use crate::response::Response;

async fn issues(fixture: &Fixture, method: &Method, path: &str, query: &str) -> Vec<String> {
    let url = format!("{}{path}?{query}", fixture.api);
    let request = fixture.http.request(method.clone(), url).bearer_auth(fixture.acme.key.expose_secret());
    Response::of(request).await.expect_error(422, "VALIDATION").issues()
}

#[tokio::test]
async fn all_issues_of_a_query_are_reported_in_its_order_and_what_is_missing_last() {
    let fixture = Fixture::start().await;
    let good = format!("returnUrl={RETURN_URL}");
    for (method, path, query, expected) in [
        (Method::GET, INSTALL_URL, "bogus=1&state=x", "bogus unknown_key|state malformed|returnUrl missing"),
        (Method::GET, INSTALL_URL, "state=x&bogus=1", "state malformed|bogus unknown_key|returnUrl missing"),
        (Method::GET, INSTALL_URL, "state=x&returnUrl=y", "state malformed|returnUrl malformed"),
        (Method::GET, INSTALL_URL, "returnUrl=y&state=x", "returnUrl malformed|state malformed"),
        (Method::GET, INSTALL_URL, "returnUrl=y&returnUrl=z", "returnUrl malformed|returnUrl duplicate_key"),
        (Method::GET, INSTALL_URL, &format!("{good}&a=1&a=1"), "a unknown_key|a unknown_key"),
        (
            Method::GET,
            INSTALL_URL,
            &format!("b=1&{good}&state=&{good}"),
            "b unknown_key|state malformed|returnUrl duplicate_key",
        ),
        // What is not allowed is a 403 only if nothing else is wrong.
        (Method::GET, INSTALL_URL, "returnUrl=https://evil.test/&x=1", "x unknown_key"),
        (Method::DELETE, INSTALLATION, "uninstall=maybe&x=1", "uninstall malformed|x unknown_key"),
        (Method::DELETE, INSTALLATION, "x=1&uninstall=maybe", "x unknown_key|uninstall malformed"),
        (
            Method::DELETE,
            INSTALLATION,
            "uninstall=maybe&uninstall=true",
            "uninstall malformed|uninstall duplicate_key",
        ),
        (Method::DELETE, INSTALLATION, "uninstall=true&uninstall=true", "uninstall duplicate_key"),
        (
            Method::DELETE,
            INSTALLATION,
            "Uninstall=true&=&uninstall",
            "Uninstall unknown_key| unknown_key|uninstall malformed",
        ),
        (Method::GET, REPOS, "limit=0&bogus=1", "limit out_of_range|bogus unknown_key"),
        (
            Method::GET,
            REPOS,
            "cursor=x&limit=0&b=1&limit=5&limit=x",
            "cursor malformed|limit out_of_range|b unknown_key|limit duplicate_key|limit duplicate_key",
        ),
        (Method::GET, REPOS, "search=a&search=b&cursor=x", "search duplicate_key|cursor malformed"),
    ] {
        let expected: Vec<_> = expected.split('|').collect();
        assert_eq!(issues(&fixture, &method, path, query).await, expected, "{method} {path}?{query}");
    }
    let many: String = (0..200).map(|number| format!("p{number}=1&")).collect();
    let found = issues(&fixture, &Method::GET, REPOS, &format!("{many}limit=0")).await;
    assert_eq!((found.len(), found[99].as_str()), (100, "p99 unknown_key"));
    assert!(fixture.github().requests().is_empty(), "no use case ran");
}

/// Many clients show only the message.
#[tokio::test]
async fn the_message_says_what_the_first_issue_is() {
    let fixture = Fixture::start().await;
    for (query, message) in [
        ("", "returnUrl is required: the URL to which the browser returns."),
        ("bogus=1", "bogus: There is no such parameter. details.issues lists all 2 problems."),
    ] {
        let answer = fixture.get(&fixture.acme, &format!("{INSTALL_URL}?{query}")).await.expect(422);
        assert_eq!(answer.json["error"]["message"], message);
    }
    let answer = fixture.post(&fixture.acme, "[]").await.expect(422);
    assert_eq!(answer.json["error"]["message"], "The body must be one JSON object.");
    // A refused claim has one message, whatever the reason is.
    let state = fixture.fresh_state(&fixture.acme).await;
    let answer = fixture.register(&fixture.acme, 4_711, &state).await.expect(422);
    let issue = answer.json["error"]["details"]["issues"][0]["message"].as_str().unwrap().to_owned();
    assert!(answer.json["error"]["message"].as_str().unwrap().ends_with(&issue), "{}", answer.text);
}
