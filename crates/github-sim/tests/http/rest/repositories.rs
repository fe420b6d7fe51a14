//! `GET /installation/repositories` and the selection of repositories.

use crate::support::{Fixture, status_and_body};
use dockline_github_sim::{NewRepository, SimError};
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/installation/repositories";

async fn names(fixture: &Fixture, token: &str) -> Vec<String> {
    let (status, body) = fixture.get(&format!("{LIST}?per_page=100"), token).await;
    assert_eq!(status, 200, "{body}");
    let all = body["repositories"].as_array().unwrap();
    assert_eq!(body["total_count"], all.len());
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn repository_shows_its_properties() {
    let fixture = Fixture::new().await;
    let new =
        NewRepository::new("site").private(true).with_default_branch("trunk").with_language(Some("Rust"));
    let id = fixture.sim().create_repository("acme-coffee", new).unwrap();
    fixture.sim().add_repository("acme-coffee", "docs", false).unwrap();
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    let (_, body) = fixture.get(LIST, &token).await;
    let (site, docs) = (&body["repositories"][0], &body["repositories"][1]);
    assert_eq!((site["id"].as_u64(), &site["full_name"]), (Some(id), &json!("acme-coffee/site")));
    assert_eq!((&site["default_branch"], &docs["default_branch"]), (&json!("trunk"), &json!("main")));
    assert_eq!((&site["language"], &docs["language"]), (&json!("Rust"), &Value::Null));
    assert_eq!((&site["private"], &docs["private"]), (&json!(true), &json!(false)));
    assert_eq!((&site["visibility"], &docs["visibility"]), (&json!("private"), &json!("public")));
    assert_eq!(site["owner"]["login"], "acme-coffee");
    assert_eq!(site["clone_url"], format!("{}/acme-coffee/site.git", fixture.running.web));
}

#[tokio::test]
async fn repository_list_is_paged_by_id() {
    let fixture = Fixture::new().await;
    let ids: Vec<u64> = (0..105)
        .map(|n| fixture.sim().add_repository("acme-coffee", &format!("r{n}"), true).unwrap())
        .collect();
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    let page = async |query: &str| {
        let response = fixture.send(Method::GET, &format!("{LIST}{query}"), &token).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let (_, body) = status_and_body(response).await;
        assert_eq!((&body["total_count"], &body["repository_selection"]), (&json!(105), &json!("all")));
        let seen: Vec<u64> =
            body["repositories"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
        (seen, link.unwrap_or_default())
    };
    let (first, link) = page("").await;
    assert_eq!(first, ids[..30]);
    let base = format!("{}{LIST}", fixture.running.api);
    assert_eq!(
        link,
        format!("<{base}?per_page=30&page=2>; rel=\"next\", <{base}?per_page=30&page=4>; rel=\"last\"")
    );
    assert_eq!(page("?per_page=30&page=4").await.0, ids[90..]);
    assert_eq!(page("?per_page=500").await.0, ids[..100]);
    assert_eq!(page("?per_page=100&page=2").await.0, ids[100..]);
    assert!(page("?page=9").await.0.is_empty());
}

#[tokio::test]
async fn token_lists_the_current_selection() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans", "roaster", "site"]);
    let installation = fixture.install("acme-coffee");
    let token = fixture.token(installation, &json!({})).await;
    assert_eq!(names(&fixture, &token).await, ["beans", "roaster", "site"]);
    let sim = fixture.sim();
    sim.select_repositories(installation, &["Site", "beans"]).unwrap();
    assert_eq!(names(&fixture, &token).await, ["beans", "site"]);
    assert_eq!(fixture.get(LIST, &token).await.1["repository_selection"], "selected");
    sim.select_repositories(installation, &["site", "roaster"]).unwrap();
    sim.add_repository("acme-coffee", "new", true).unwrap();
    assert_eq!(names(&fixture, &token).await, ["roaster", "site"]);
    assert_eq!(
        sim.select_repositories(installation, &["beans", "tea"]).unwrap_err(),
        SimError::UnknownRepository("tea".into())
    );
    assert_eq!(names(&fixture, &token).await, ["roaster", "site"], "the selection stays");
    sim.select_repositories(installation, &[]).unwrap();
    assert!(names(&fixture, &token).await.is_empty());
    sim.select_all_repositories(installation).unwrap();
    assert_eq!(names(&fixture, &token).await, ["beans", "roaster", "site", "new"]);
    assert!(sim.select_all_repositories(1).is_err());
}

#[tokio::test]
async fn restricted_token_lists_only_its_repositories() {
    let fixture = Fixture::new().await;
    let ids = fixture.repositories(&["beans", "roaster", "site"]);
    let installation = fixture.install("acme-coffee");
    let narrow = fixture.token(installation, &json!({ "repository_ids": [ids[2], ids[0]] })).await;
    assert_eq!(names(&fixture, &narrow).await, ["beans", "site"]);
    assert_eq!(fixture.get(LIST, &narrow).await.1["repository_selection"], "selected");
    fixture.sim().select_repositories(installation, &["beans", "roaster"]).unwrap();
    assert_eq!(names(&fixture, &narrow).await, ["beans"], "the token loses what the installation loses");
    let other = fixture.token(fixture.install("olga"), &json!({})).await;
    assert!(names(&fixture, &other).await.is_empty());
}

#[tokio::test]
async fn control_api_creates_and_selects_repositories() {
    let fixture = Fixture::new().await;
    let installation = fixture.install("acme-coffee");
    let token = fixture.token(installation, &json!({})).await;
    let post = async |path: &str, body: Value| {
        let url = format!("{}{path}", fixture.running.control);
        fixture.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    for name in ["a", "b", "c"] {
        let body = json!({ "owner": "acme-coffee", "name": name, "default_branch": "dev", "language": "C" });
        assert_eq!(post("/repositories", body).await, 201);
    }
    let (_, listed) = fixture.get(LIST, &token).await;
    assert_eq!(listed["repositories"][0]["default_branch"], "dev");
    let select = format!("/installations/{installation}/repositories");
    let steps = [
        (json!({ "only": ["a"] }), vec!["a"]),
        (json!({ "only": ["c", "b"] }), vec!["b", "c"]),
        (json!("all"), vec!["a", "b", "c"]),
    ];
    for (body, expected) in steps {
        assert_eq!(post(&select, body.clone()).await, 204, "{body}");
        assert_eq!(names(&fixture, &token).await, expected, "{body}");
    }
    assert_eq!(post(&select, json!({ "only": ["nothing"] })).await, 404);
    assert_eq!(post("/installations/1/repositories", json!("all")).await, 404);
}

#[tokio::test]
async fn api_version_2026_03_10_omits_two_repository_fields() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    for (version, expected) in [("2022-11-28", true), ("2026-03-10", false)] {
        let request = fixture.client.get(format!("{}{LIST}", fixture.running.api)).bearer_auth(&token);
        let (_, body) =
            status_and_body(request.header("X-GitHub-Api-Version", version).send().await.unwrap()).await;
        for field in ["has_downloads", "use_squash_pr_title_as_default"] {
            assert_eq!(body["repositories"][0].get(field).is_some(), expected, "{version} {field}");
        }
    }
}
