//! `GET /v1/github/repos` (`contract.md` §2).

use std::collections::BTreeSet;

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule, NewRepository};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::world::{INSTALLATION, REPOS, World};

async fn world() -> (World, u64) {
    let world = World::with_policy(ClaimPolicy::State).await;
    let installation = world.bound().await;
    (world, installation)
}

impl World {
    async fn repos(&self, query: &str) -> Answer {
        self.get(&self.acme, &format!("{REPOS}{query}")).await
    }

    /// The numbers on a page, and where the next one begins.
    async fn page(&self, query: &str) -> (Vec<u64>, Option<String>) {
        let answer = self.repos(query).await.expect(200);
        let items = answer.json["items"].as_array().unwrap();
        let numbers = items.iter().map(|item| item["repoId"].as_u64().unwrap()).collect();
        (numbers, answer.json["nextCursor"].as_str().map(str::to_owned))
    }

    /// Lets what is kept of the repositories grow old.
    fn half_a_minute_later(&self) {
        self.clock.advance(time::Duration::seconds(31));
    }
}

#[tokio::test]
async fn items_have_all_eight_fields_in_order() {
    let (world, _) = world().await;
    let none = world.repos("").await.expect(200);
    assert_eq!(none.text, r#"{"items":[],"nextCursor":null}"#);
    assert_eq!(none.header("x-ratelimit-endpoint-class"), "read-light");
    let beans =
        NewRepository::new("beans").private(true).with_default_branch("trunk").with_language(Some("Rust"));
    let beans = world.github().create_repository("acme-coffee", beans).unwrap();
    let site = world.github().create_repository("acme-coffee", NewRepository::new("site")).unwrap();
    world.half_a_minute_later();
    let web = &world.sim.web;
    let expected = format!(
        "{{\"items\":[{{\"repoId\":{beans},\"fullName\":\"acme-coffee/beans\",\"owner\":\"acme-coffee\",\"private\":true,\
         \"defaultBranch\":\"trunk\",\"language\":\"Rust\",\"primaryLanguage\":\"Rust\",\
         \"htmlUrl\":\"{web}/acme-coffee/beans\"}},\
         {{\"repoId\":{site},\"fullName\":\"acme-coffee/site\",\"owner\":\"acme-coffee\",\"private\":false,\
         \"defaultBranch\":\"main\",\"language\":null,\"primaryLanguage\":null,\
         \"htmlUrl\":\"{web}/acme-coffee/site\"}}],\"nextCursor\":null}}"
    );
    assert_eq!(world.repos("").await.expect(200).text, expected);
}

#[tokio::test]
async fn pages_go_through_all_of_more_than_github_gives_at_a_time() {
    let (world, _) = world().await;
    let all: Vec<u64> = (0..237)
        .map(|number| world.github().add_repository("acme-coffee", &format!("r{number}"), false).unwrap())
        .collect();
    let (first, _) = world.page("").await;
    assert_eq!(first, all[..30], "30 where no number is asked for");
    for limit in [1, 30, 100, 118, 119, 200] {
        let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, None);
        loop {
            let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let (numbers, next) = world.page(&format!("?limit={limit}{after}")).await;
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
    // Whoever turns pages does not have GitHub list them anew for each: 100 at a time, once.
    assert_eq!(world.github().count_requests("GET", "/api/v3/installation/repositories"), 3);
}

#[tokio::test]
async fn what_comes_and_goes_between_pages_moves_no_other() {
    let (world, installation) = world().await;
    let names: Vec<String> = (0..40).map(|number| format!("r{number}")).collect();
    let all: Vec<u64> =
        names.iter().map(|name| world.github().add_repository("acme-coffee", name, false).unwrap()).collect();
    let (first, next) = world.page("?limit=10").await;
    assert_eq!(first, all[..10]);
    // The first five of the first page go, and so do the next five; others come.
    let kept: Vec<&str> = names
        .iter()
        .enumerate()
        .filter(|(at, _)| *at >= 5 && !(10..15).contains(at))
        .map(|(_, n)| &**n)
        .collect();
    world.github().select_repositories(installation, &kept).unwrap();
    world.github().add_repository("acme-coffee", "late", false).unwrap();
    world.github().select_repositories(installation, &[&kept[..], &["late"]].concat()).unwrap();
    world.half_a_minute_later();
    let mut seen = Vec::new();
    let mut cursor = next;
    while let Some(after) = cursor {
        let (numbers, next) = world.page(&format!("?limit=10&cursor={after}")).await;
        seen.extend(numbers);
        cursor = next;
    }
    assert_eq!(seen[..25], all[15..], "each of the rest once");
    assert_eq!(seen.len(), 26, "and the one that came");
}

#[tokio::test]
async fn a_search_finds_parts_of_full_names_whatever_their_case() {
    let (world, _) = world().await;
    for name in ["Storefront", "storage", "beans", "a.b_c-d"] {
        world.github().add_repository("acme-coffee", name, false).unwrap();
    }
    let found = async |search: &str| {
        let answer = world.repos(&format!("?search={search}")).await.expect(200);
        let names = answer.json["items"].as_array().unwrap().iter();
        names.map(|item| item["fullName"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(found("STOR").await.len(), 2);
    assert_eq!(found("front").await.len(), 1);
    assert_eq!(found("acme-coffee%2Fb").await.len(), 1);
    assert_eq!(found("a.b_c-d").await.len(), 1, "no pattern, plain text");
    assert_eq!(found(".%2A").await.len(), 0);
    assert_eq!(found("").await.len(), 4);
    let (first, next) = world.page("?limit=1&search=stor").await;
    let (second, end) = world.page(&format!("?limit=1&search=stor&cursor={}", next.unwrap())).await;
    assert!(first.len() == 1 && second.len() == 1 && first != second && end.is_none());
}

#[tokio::test]
async fn wrong_parameters_are_422_and_all_named_at_once() {
    let (world, _) = world().await;
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
        ("?foo=1&limit=0&cursor=x", vec!["foo unknown_key", "cursor malformed", "limit out_of_range"]),
    ] {
        let answer = world.repos(query).await.expect_error(422, "VALIDATION");
        assert_eq!(answer.issues(), issues, "{query}");
    }
    let long = world.repos(&format!("?search={}", "x".repeat(201))).await.expect_error(422, "VALIDATION");
    assert_eq!(long.issues(), ["search out_of_range"]);
    assert_eq!(world.github().count_requests("GET", "/api/v3/installation/repositories"), 0);
}

#[tokio::test]
async fn a_binding_that_gives_no_tokens_is_a_422_that_names_it_and_says_what_to_do() {
    let world = World::with_webhooks(ClaimPolicy::State).await;
    let installation = world.bound().await;
    world.github().add_repository("acme-coffee", "beans", false).unwrap();
    world.repos("").await.expect(200);
    let refused = async |status: &str, mend: &str| {
        let answer = world.repos("").await.expect_error(422, "VALIDATION");
        let error = &answer.json["error"];
        let details = json!({ "boundInstallationId": installation, "boundStatus": status });
        assert_eq!(error["details"], details);
        assert!(error["message"].as_str().unwrap().contains(mend), "{error}");
    };
    world.github().suspend(installation, Some("olga")).unwrap();
    world.settled().await;
    refused("suspended", "unsuspend").await;
    world.github().unsuspend(installation).unwrap();
    world.settled().await;
    world.repos("").await.expect(200);
    world.github().uninstall(installation).unwrap();
    world.settled().await;
    refused("uninstalled", "Detach").await;
    world.delete(&world.acme, INSTALLATION).await.expect(204);
    let nothing = world.repos("").await.expect_error(404, "NOT_FOUND");
    let expected = "No GitHub App installation is registered for this organization.";
    assert_eq!(nothing.json["error"]["message"], expected);
}

/// Nobody told us: it is found when GitHub is asked for a token.
#[tokio::test]
async fn what_no_webhook_told_is_found_by_asking() {
    for (change, status) in [("suspend", "suspended"), ("uninstall", "uninstalled")] {
        let (world, installation) = world().await;
        match change {
            "suspend" => world.github().suspend(installation, Some("olga")).unwrap(),
            _ => world.github().uninstall(installation).unwrap(),
        }
        let answer = world.repos("").await.expect_error(422, "VALIDATION");
        assert_eq!(answer.json["error"]["details"]["boundStatus"], status);
        assert_eq!(world.seen("status").await, status);
    }
}

#[tokio::test]
async fn it_is_for_keys_with_the_scope_and_each_sees_its_own() {
    let (world, _) = world().await;
    world.github().add_repository("acme-coffee", "beans", true).unwrap();
    let anonymous = world.http.get(format!("{}{REPOS}", world.api));
    Answer::of(anonymous).await.expect_error(401, "UNAUTHENTICATED");
    let reader = crate::world::tenant(&world.keys, "org_reader", "R", |record| record.scopes.clear());
    world.get(&reader, REPOS).await.expect_error(403, "FORBIDDEN_SCOPE");
    let rivals = world.get(&world.rival, REPOS).await.expect_error(404, "NOT_FOUND");
    assert!(!rivals.text.contains("beans"));
}

#[tokio::test]
async fn github_in_trouble_is_told_as_elsewhere_and_passes() {
    let (world, _) = world().await;
    world.github().add_repository("acme-coffee", "beans", true).unwrap();
    let path = "/api/v3/installation/repositories";
    world.github().set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path(path));
    let answer = world.repos("").await.expect_error(502, "PLATFORM_ERROR");
    assert_eq!(answer.json["error"]["details"]["platform"], Value::from("github"));
    world.github().clear_faults();
    assert_eq!(world.page("").await.0.len(), 1);
}
