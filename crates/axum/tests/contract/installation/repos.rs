//! `GET /v1/github/repos`.

use std::collections::BTreeSet;

use dockline::ClaimPolicy;
use dockline_github_sim::NewRepository;
use serde_json::json;

use crate::fixture::{Fixture, INSTALLATION, REPOS};
use crate::response::Response;

pub(super) const AT_GITHUB: &str = "/api/v3/installation/repositories";

pub(super) async fn fixture() -> (Fixture, u64) {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    (fixture, installation)
}

impl Fixture {
    pub(super) async fn repos(&self, query: &str) -> Response {
        self.get(&self.acme, &format!("{REPOS}{query}")).await
    }

    /// Returns the ids on a page and the next cursor.
    pub(super) async fn page(&self, query: &str) -> (Vec<u64>, Option<String>) {
        let answer = self.repos(query).await.expect(200);
        let items = answer.json["items"].as_array().unwrap();
        let numbers = items.iter().map(|item| item["repoId"].as_u64().unwrap()).collect();
        (numbers, answer.json["nextCursor"].as_str().map(str::to_owned))
    }

    /// Lets the cached list expire.
    pub(super) fn half_a_minute_later(&self) {
        self.clock.advance(time::Duration::seconds(31));
    }
}

#[tokio::test]
async fn items_have_all_eight_fields_in_order() {
    let (fixture, _) = fixture().await;
    let none = fixture.repos("").await.expect(200);
    assert_eq!(none.text, r#"{"items":[],"nextCursor":null}"#);
    assert_eq!(none.header("x-ratelimit-endpoint-class"), "read-light");
    let beans =
        NewRepository::new("beans").private(true).with_default_branch("trunk").with_language(Some("Rust"));
    let beans = fixture.github().create_repository("acme-coffee", beans).unwrap();
    let site = fixture.github().create_repository("acme-coffee", NewRepository::new("site")).unwrap();
    fixture.half_a_minute_later();
    let web = &fixture.sim.web;
    let expected = format!(
        "{{\"items\":[{{\"repoId\":{beans},\"fullName\":\"acme-coffee/beans\",\"owner\":\"acme-coffee\",\"private\":true,\
         \"defaultBranch\":\"trunk\",\"language\":\"Rust\",\"primaryLanguage\":\"Rust\",\
         \"htmlUrl\":\"{web}/acme-coffee/beans\"}},\
         {{\"repoId\":{site},\"fullName\":\"acme-coffee/site\",\"owner\":\"acme-coffee\",\"private\":false,\
         \"defaultBranch\":\"main\",\"language\":null,\"primaryLanguage\":null,\
         \"htmlUrl\":\"{web}/acme-coffee/site\"}}],\"nextCursor\":null}}"
    );
    assert_eq!(fixture.repos("").await.expect(200).text, expected);
}

#[tokio::test]
async fn pages_cover_more_repositories_than_one_page_of_github() {
    let (fixture, _) = fixture().await;
    let all: Vec<u64> = (0..237)
        .map(|number| fixture.github().add_repository("acme-coffee", &format!("r{number}"), false).unwrap())
        .collect();
    let (first, _) = fixture.page("").await;
    assert_eq!(first, all[..30], "the default limit is 30");
    for limit in [1, 30, 100, 118, 119, 200] {
        let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let (numbers, next) = fixture.page(&format!("?limit={limit}{after}")).await;
            assert!(numbers.len() <= limit);
            seen.extend(numbers);
            pages += 1;
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all, "{limit}");
        assert_eq!(pages, 237_usize.div_ceil(limit), "no empty page at the end");
    }
    // All pages come from one listing at GitHub, in requests of 100.
    assert_eq!(fixture.github().count_requests("GET", AT_GITHUB), 3);
}

#[tokio::test]
async fn repositories_added_or_removed_between_pages_move_no_other() {
    let (fixture, installation) = fixture().await;
    let names: Vec<String> = (0..40).map(|number| format!("r{number}")).collect();
    let all: Vec<u64> = names
        .iter()
        .map(|name| fixture.github().add_repository("acme-coffee", name, false).unwrap())
        .collect();
    let (first, next) = fixture.page("?limit=10").await;
    assert_eq!(first, all[..10]);
    // The first five of each of the first two pages are removed; another one is added.
    let kept: Vec<&str> = names
        .iter()
        .enumerate()
        .filter(|(at, _)| *at >= 5 && !(10..15).contains(at))
        .map(|(_, n)| &**n)
        .collect();
    fixture.github().select_repositories(installation, &kept).unwrap();
    fixture.github().add_repository("acme-coffee", "late", false).unwrap();
    fixture.github().select_repositories(installation, &[&kept[..], &["late"]].concat()).unwrap();
    fixture.half_a_minute_later();
    let mut seen = Vec::new();
    let mut cursor = next;
    while let Some(after) = cursor {
        let (numbers, next) = fixture.page(&format!("?limit=10&cursor={after}")).await;
        seen.extend(numbers);
        cursor = next;
    }
    assert_eq!(seen[..25], all[15..], "each of the rest once");
    assert_eq!(seen.len(), 26, "and the one that was added");
}

#[tokio::test]
async fn a_search_matches_parts_of_full_names_ignoring_case() {
    let (fixture, _) = fixture().await;
    for name in ["Storefront", "storage", "beans", "a.b_c-d"] {
        fixture.github().add_repository("acme-coffee", name, false).unwrap();
    }
    let found = async |search: &str| {
        let answer = fixture.repos(&format!("?search={search}")).await.expect(200);
        let names = answer.json["items"].as_array().unwrap().iter();
        names.map(|item| item["fullName"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(found("STOR").await.len(), 2);
    assert_eq!(found("front").await.len(), 1);
    assert_eq!(found("acme-coffee%2Fb").await.len(), 1);
    assert_eq!(found("a.b_c-d").await.len(), 1, "no pattern, plain text");
    assert_eq!(found(".%2A").await.len(), 0);
    assert_eq!(found("").await.len(), 4);
    let (first, next) = fixture.page("?limit=1&search=stor").await;
    let (second, end) = fixture.page(&format!("?limit=1&search=stor&cursor={}", next.unwrap())).await;
    assert!(first.len() == 1 && second.len() == 1 && first != second && end.is_none());
}

#[tokio::test]
async fn invalid_parameters_are_422_and_listed_at_once() {
    let (fixture, _) = fixture().await;
    for (query, issues) in [
        ("?limit=0", vec!["limit out_of_range"]),
        ("?limit=201", vec!["limit out_of_range"]),
        ("?limit=99999999999999999999", vec!["limit out_of_range"]),
        ("?limit=-1", vec!["limit malformed"]),
        ("?limit=ten", vec!["limit malformed"]),
        ("?limit=1.0", vec!["limit malformed"]),
        ("?cursor=nonsense", vec!["cursor malformed"]),
        ("?cursor=%00", vec!["cursor malformed"]),
        ("?limit=1&limit=2", vec!["limit duplicate_key"]),
        ("?page=2", vec!["page unknown_key"]),
        ("?Search=x", vec!["Search unknown_key"]),
        ("?foo=1&limit=0&cursor=x", vec!["foo unknown_key", "limit out_of_range", "cursor malformed"]),
    ] {
        let answer = fixture.repos(query).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), issues, "{query}");
    }
    let long = fixture.repos(&format!("?search={}", "x".repeat(201))).await.expect_error(422, "VALIDATION");
    assert_eq!(long.issues(), ["search out_of_range"]);
    assert_eq!(fixture.github().count_requests("GET", AT_GITHUB), 0);
}

#[tokio::test]
async fn a_binding_without_access_is_a_422_that_names_it_and_the_remedy() {
    let fixture = Fixture::with_webhooks(ClaimPolicy::State).await;
    let installation = fixture.bound().await;
    fixture.github().add_repository("acme-coffee", "beans", false).unwrap();
    fixture.repos("").await.expect(200);
    let refused = async |status: &str, action: &str| {
        let answer = fixture.repos("").await.expect_error(422, "VALIDATION");
        let error = &answer.json["error"];
        let details = json!({ "boundInstallationId": installation, "boundStatus": status });
        assert_eq!(error["details"], details);
        assert!(error["message"].as_str().unwrap().contains(action), "{error}");
    };
    fixture.github().suspend(installation, Some("olga")).unwrap();
    fixture.settled().await;
    refused("suspended", "unsuspend").await;
    fixture.github().unsuspend(installation).unwrap();
    fixture.settled().await;
    fixture.repos("").await.expect(200);
    fixture.github().uninstall(installation).unwrap();
    fixture.settled().await;
    refused("uninstalled", "Detach").await;
    fixture.delete(&fixture.acme, INSTALLATION).await.expect(204);
    let nothing = fixture.repos("").await.expect_error(404, "NOT_FOUND");
    let expected = "No GitHub App installation is registered for this organization.";
    assert_eq!(nothing.json["error"]["message"], expected);
}

/// GitHub's 404 is a 502 until the next look, and the last status is still shown.
#[tokio::test]
async fn a_missing_installation_is_a_502_with_the_time_of_the_next_look_c01() {
    let (fixture, installation) = fixture().await;
    let verified_at = fixture.binding_field("lastVerifiedAt").await;
    fixture.github().uninstall(installation).unwrap();
    for _ in 0..2 {
        let answer = fixture.repos("").await.expect_error(502, "PLATFORM_ERROR");
        assert_eq!(answer.json["error"]["details"], json!({ "platform": "github" }));
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        // A minute after the look, whose time is later than the stored one by a microsecond. Rounded up.
        assert!((1..=61).contains(&seconds), "{seconds}");
        assert_eq!(fixture.binding_field("status").await, "active");
        assert_eq!(fixture.binding_field("lastVerifiedAt").await, verified_at);
    }
}

#[tokio::test]
async fn each_key_with_the_scope_sees_its_own_repositories() {
    let (fixture, _) = fixture().await;
    fixture.github().add_repository("acme-coffee", "beans", true).unwrap();
    let anonymous = fixture.http.get(format!("{}{REPOS}", fixture.api));
    Response::of(anonymous).await.expect_error(401, "UNAUTHENTICATED");
    let reader = crate::fixture::tenant(&fixture.keys, "org_reader", "R", |record| record.scopes.clear());
    fixture.get(&reader, REPOS).await.expect_error(403, "FORBIDDEN_SCOPE");
    let rivals = fixture.get(&fixture.rival, REPOS).await.expect_error(404, "NOT_FOUND");
    assert!(!rivals.text.contains("beans"));
}
