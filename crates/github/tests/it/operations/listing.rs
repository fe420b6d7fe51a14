//! Listing the repositories of an installation token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use dockline::ports::{GithubGateway, ListOutcome};
use dockline::{PortErrorKind, Repository, RepositoryId};
use serde_json::{Value, json};

use crate::fixtures::{OPAQUE, gateway, kind, limited, repository_body, token, token_aged, usual};
use crate::scripted::{Reply, Scripted};

fn line(page: u32) -> String {
    format!("GET /api/installation/repositories?per_page=100&page={page}")
}

async fn saying(status: u16, body: Value) -> Scripted {
    Scripted::start(usual(move |_| Some(Reply::json(status, &body)))).await
}

fn page(repositories: &[Value], total: u64) -> Value {
    json!({ "total_count": total, "repository_selection": "selected", "repositories": repositories })
}

fn listed(outcome: ListOutcome) -> (Vec<Repository>, u64, Option<u32>) {
    match outcome {
        ListOutcome::Page { repositories, total, next } => (repositories, total, next),
        refused @ (ListOutcome::TokenRefused | ListOutcome::Denied(_)) => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn a_repository_has_the_fields_that_callers_need_l66() {
    let mut quiet = repository_body(3_000_000_000);
    quiet["language"] = Value::Null;
    let mut without = repository_body(2);
    without.as_object_mut().unwrap().remove("language");
    let github = saying(200, page(&[repository_body(1), quiet, without], 3)).await;
    let (repositories, total, _) = listed(gateway(&github).repositories(&token(), 1).await.unwrap());
    let repository = |id: u64, language: Option<&str>| Repository {
        id: RepositoryId::new(id).unwrap(),
        full_name: "acme-coffee/beans".to_owned(),
        owner: "acme-coffee".to_owned(),
        private: true,
        default_branch: "trunk".to_owned(),
        language: language.map(str::to_owned),
        html_url: "https://github.com/acme-coffee/beans".to_owned(),
    };
    assert_eq!(
        repositories,
        [repository(1, Some("Rust")), repository(3_000_000_000, None), repository(2, None)]
    );
    assert_eq!(total, 3);
    assert_eq!(github.lines(), [line(1)]);
    assert_eq!(github.seen()[0].bearer(), OPAQUE);
}

#[tokio::test]
async fn the_requested_page_is_requested_from_github() {
    let github = Scripted::start(usual(|seen| {
        let number: u64 = seen.line.rsplit_once("&page=").unwrap().1.parse().unwrap();
        let first = (number - 1) * 100 + 1;
        let full: Vec<Value> = (first..=250.min(first + 99)).map(repository_body).collect();
        Some(Reply::json(200, &page(&full, 250)))
    }))
    .await;
    let app = gateway(&github);
    for (number, ids) in [(3, 201..251), (1, 1..101), (4, 301..301)] {
        let (repositories, total, _) = listed(app.repositories(&token(), number).await.unwrap());
        assert!(repositories.iter().map(|repository| repository.id.get()).eq(ids), "{number}");
        assert_eq!(total, 250);
    }
    assert_eq!(github.lines(), [line(3), line(1), line(4)]);
}

#[tokio::test]
async fn the_next_page_is_the_one_that_github_links_l79() {
    let github = Scripted::start(usual(|seen| {
        let number: u64 = seen.line.rsplit_once("&page=").unwrap().1.parse().unwrap();
        let short: Vec<Value> = (1..=99).map(repository_body).collect();
        let reply = Reply::json(200, &page(&short, 253));
        let to = |page: u64, rel: &str| {
            format!(
                "<http://{}/api/installation/repositories?per_page=100&page={page}>; rel=\"{rel}\"",
                seen.header("host")
            )
        };
        Some(match number {
            1 => reply.header("link", format!("{}, {}", to(2, "next"), to(3, "last"))),
            2 => reply.header("link", format!("{}, {}", to(1, "prev"), to(4, "next"))),
            3 => reply,
            _ => reply.header("link", to(2, "prev")),
        })
    }))
    .await;
    let app = gateway(&github);
    // The third page has no links at all, and the total says that it is the last one.
    for (number, expected) in [(1, Some(2)), (2, Some(4)), (3, None), (4, None)] {
        let (repositories, total, next) = listed(app.repositories(&token(), number).await.unwrap());
        assert_eq!((repositories.len(), total, next), (99, 253, expected), "{number}");
    }
}

/// A short list is never given as a whole one because a proxy removed the links.
#[tokio::test]
async fn without_links_the_total_says_whether_there_is_a_next_page_l79() {
    let github = saying(200, page(&[repository_body(1)], 253)).await;
    let app = gateway(&github);
    for (number, expected) in [(1, Some(2)), (2, Some(3)), (3, None)] {
        let (_, _, next) = listed(app.repositories(&token(), number).await.unwrap());
        assert_eq!(next, expected, "{number}");
    }
    let github = saying(200, page(&[], 253)).await;
    assert_eq!(listed(gateway(&github).repositories(&token(), 1).await.unwrap()).2, None, "nothing follows");
}

#[tokio::test]
async fn a_next_page_on_another_host_or_path_is_corrupt_i18() {
    for link in [
        "http://evil.example/api/installation/repositories?page=2",
        "/api/user/repos?page=2",
        "?page=1",
        "?x=2",
    ] {
        let github = Scripted::start(usual(move |_| {
            let reply = Reply::json(200, &page(&[repository_body(1)], 253));
            Some(reply.header("link", format!("<{link}>; rel=\"next\"")))
        }))
        .await;
        assert_eq!(kind(gateway(&github).repositories(&token(), 1).await), PortErrorKind::Corrupt, "{link}");
    }
}

#[tokio::test]
async fn a_hundred_repositories_of_full_size_fit_l65() {
    let mut large = repository_body(1);
    large["filling"] = json!("x".repeat(40_000));
    let github = saying(200, page(&vec![large; 100], 100)).await;
    let listing = gateway(&github).repositories(&token(), 1).await.unwrap();
    assert!(matches!(listing, ListOutcome::Page { repositories, .. } if repositories.len() == 100));
}

#[tokio::test]
async fn anything_but_a_page_of_repositories_is_corrupt_l64() {
    let without = |field: &str| {
        let mut body = repository_body(1);
        body.as_object_mut().unwrap().remove(field);
        page(&[body], 1)
    };
    let mut null_branch = repository_body(1);
    null_branch["default_branch"] = Value::Null;
    for body in [
        without("default_branch"),
        without("id"),
        without("owner"),
        without("full_name"),
        without("private"),
        without("html_url"),
        page(&[null_branch], 1),
        page(&[repository_body(0)], 1),
        page(&[repository_body(1 << 53)], 1),
        page(&vec![repository_body(1); 101], 101),
        json!({ "repositories": [] }),
        json!({ "total_count": 0 }),
        json!([repository_body(1)]),
        Value::Null,
    ] {
        let github = saying(200, body.clone()).await;
        assert_eq!(kind(gateway(&github).repositories(&token(), 1).await), PortErrorKind::Corrupt, "{body}");
    }
}

#[tokio::test]
async fn a_rejected_old_token_is_refused_without_a_retry() {
    for (status, message) in
        [(401, "Bad credentials"), (403, "This installation has been suspended"), (404, "Not Found")]
    {
        let github = saying(status, json!({ "message": message })).await;
        for age in [5_000, 60_000, 7_200_000] {
            let listing = gateway(&github).repositories(&token_aged(age), 1).await.unwrap();
            assert_eq!(listing, ListOutcome::TokenRefused, "{status} {age}");
        }
        assert_eq!(github.seen().len(), 3, "{status}: one attempt each");
    }
}

#[tokio::test]
async fn other_errors_of_a_new_token_keep_their_kind_and_are_not_retried_l34() {
    let cases: [(fn() -> Reply, PortErrorKind); 3] = [
        (|| Reply::message(403, "You have exceeded a secondary rate limit"), limited(60)),
        (|| Reply::message(429, "").header("retry-after", "9"), limited(9)),
        (|| Reply::message(502, ""), PortErrorKind::Unavailable),
    ];
    for (reply, expected) in cases {
        let github = Scripted::start(move |_| reply()).await;
        assert_eq!(kind(gateway(&github).repositories(&token_aged(0), 1).await), expected);
        assert_eq!(github.seen().len(), 1, "only a 401 is retried");
    }
}

/// A GitHub that rejects the token this many times.
async fn late(refusals: usize) -> Scripted {
    let asked = Arc::new(AtomicUsize::new(0));
    Scripted::start(usual(move |_| {
        let refused = asked.fetch_add(1, Ordering::Relaxed) < refusals;
        refused.then(|| Reply::message(401, "Bad credentials"))
    }))
    .await
}

/// The clock stands still one millisecond before the token is five seconds old, so each wait is one millisecond. The unit
/// test of the schedule covers the real waits.
#[tokio::test]
async fn a_new_token_that_is_rejected_twice_is_accepted_at_the_third_attempt_l49() {
    let github = late(2).await;
    let listing = gateway(&github).repositories(&token_aged(4_999), 1).await.unwrap();
    assert!(matches!(listing, ListOutcome::Page { .. }));
    assert_eq!(github.lines(), [line(1), line(1), line(1)]);
}

#[tokio::test]
async fn a_new_token_is_refused_after_four_attempts_l49() {
    let github = late(usize::MAX).await;
    let begun = Instant::now();
    let listing = gateway(&github).repositories(&token_aged(4_999), 1).await.unwrap();
    assert_eq!(listing, ListOutcome::TokenRefused);
    assert_eq!(github.seen().len(), 4);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
