//! `GET /installation/repositories`, and what changes what it says.

use crate::support::{World, answer};
use dockline_github_sim::{NewRepository, RepositoryChange, SimError};
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/installation/repositories";

async fn names(world: &World, token: &str) -> Vec<String> {
    let (status, body) = world.get(&format!("{LIST}?per_page=100"), token).await;
    assert_eq!(status, 200, "{body}");
    let all = body["repositories"].as_array().unwrap();
    assert_eq!(body["total_count"], all.len());
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_repository_says_what_it_is() {
    let world = World::new().await;
    let new =
        NewRepository::new("site").private(true).with_default_branch("trunk").with_language(Some("Rust"));
    let id = world.sim().create_repository("acme-coffee", new).unwrap();
    world.sim().add_repository("acme-coffee", "docs", false).unwrap();
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    let (_, body) = world.get(LIST, &token).await;
    let (site, docs) = (&body["repositories"][0], &body["repositories"][1]);
    assert_eq!((site["id"].as_u64(), &site["full_name"]), (Some(id), &json!("acme-coffee/site")));
    assert_eq!((&site["default_branch"], &docs["default_branch"]), (&json!("trunk"), &json!("main")));
    assert_eq!((&site["language"], &docs["language"]), (&json!("Rust"), &Value::Null));
    assert_eq!((&site["private"], &docs["private"]), (&json!(true), &json!(false)));
    assert_eq!((&site["visibility"], &docs["visibility"]), (&json!("private"), &json!("public")));
    assert_eq!(site["owner"]["login"], "acme-coffee");
    assert_eq!(site["clone_url"], format!("{}/acme-coffee/site.git", world.running.web));
}

#[tokio::test]
async fn the_list_comes_in_pages_by_id() {
    let world = World::new().await;
    let ids: Vec<u64> = (0..105)
        .map(|n| world.sim().add_repository("acme-coffee", &format!("r{n}"), true).unwrap())
        .collect();
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    let page = async |query: &str| {
        let response = world.send(Method::GET, &format!("{LIST}{query}"), &token).await;
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let (_, body) = answer(response).await;
        assert_eq!((&body["total_count"], &body["repository_selection"]), (&json!(105), &json!("all")));
        let seen: Vec<u64> =
            body["repositories"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
        (seen, link.unwrap_or_default())
    };
    let (first, link) = page("").await;
    assert_eq!(first, ids[..30]);
    let base = format!("{}{LIST}", world.running.api);
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
async fn a_selection_is_what_is_seen_and_changes_at_once() {
    let world = World::new().await;
    world.repositories(&["beans", "roaster", "site"]);
    let installation = world.install("acme-coffee");
    let token = world.token(installation, &json!({})).await;
    assert_eq!(names(&world, &token).await, ["beans", "roaster", "site"]);
    let sim = world.sim();
    let whole = sim.add_selected_repository(installation, "beans").unwrap_err();
    assert!(matches!(whole, SimError::Invalid(_)));
    sim.select_repositories(installation, &["Site", "beans"]).unwrap();
    assert_eq!(names(&world, &token).await, ["beans", "site"]);
    assert_eq!(world.get(LIST, &token).await.1["repository_selection"], "selected");
    sim.add_selected_repository(installation, "roaster").unwrap();
    sim.remove_selected_repository(installation, "beans").unwrap();
    sim.add_repository("acme-coffee", "new", true).unwrap();
    assert_eq!(names(&world, &token).await, ["roaster", "site"]);
    assert_eq!(
        sim.select_repositories(installation, &["beans", "tea"]).unwrap_err(),
        SimError::UnknownRepository("tea".into())
    );
    assert_eq!(names(&world, &token).await, ["roaster", "site"], "nothing changed");
    sim.select_repositories(installation, &[]).unwrap();
    assert!(names(&world, &token).await.is_empty());
    sim.select_all_repositories(installation).unwrap();
    assert_eq!(names(&world, &token).await, ["beans", "roaster", "site", "new"]);
    assert_eq!(sim.reachable_repositories(installation).unwrap().len(), 4);
    assert!(sim.select_all_repositories(1).is_err() && sim.reachable_repositories(1).is_err());
}

#[tokio::test]
async fn a_narrowed_token_sees_only_its_own() {
    let world = World::new().await;
    let ids = world.repositories(&["beans", "roaster", "site"]);
    let installation = world.install("acme-coffee");
    let narrow = world.token(installation, &json!({ "repository_ids": [ids[2], ids[0]] })).await;
    assert_eq!(names(&world, &narrow).await, ["beans", "site"]);
    assert_eq!(world.get(LIST, &narrow).await.1["repository_selection"], "selected");
    world.sim().select_repositories(installation, &["beans", "roaster"]).unwrap();
    assert_eq!(names(&world, &narrow).await, ["beans"], "what the installation lost is lost");
    let other = world.token(world.install("olga"), &json!({})).await;
    assert!(names(&world, &other).await.is_empty());
}

#[tokio::test]
async fn a_repository_changes_and_keeps_its_id() {
    let world = World::new().await;
    let ids = world.repositories(&["beans", "roaster"]);
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    let url = format!("{}/repositories/{}", world.running.control, ids[0]);
    let patch = async |body: Value| world.client.patch(&url).json(&body).send().await.unwrap().status();
    let all = json!({ "name": "grounds", "private": false, "default_branch": "trunk", "language": "Go" });
    assert_eq!(patch(all).await, 204);
    let first = async || world.get(LIST, &token).await.1["repositories"][0].clone();
    let changed = first().await;
    assert_eq!((changed["id"].as_u64(), &changed["name"]), (Some(ids[0]), &json!("grounds")));
    assert_eq!((&changed["default_branch"], &changed["language"]), (&json!("trunk"), &json!("Go")));
    assert_eq!(changed["private"], false);
    assert_eq!(patch(json!({})).await, 204);
    assert_eq!(first().await["language"], "Go", "what is not said stays");
    assert_eq!(patch(json!({ "language": null })).await, 204);
    assert_eq!((&first().await["language"], &first().await["name"]), (&Value::Null, &json!("grounds")));
    assert_eq!(patch(json!({ "name": "ROASTER" })).await, 409);
    assert_eq!(patch(json!({ "name": "a/b" })).await, 422);
    assert_eq!(patch(json!({ "default_branch": "-f" })).await, 422);
    let unknown = world.sim().change_repository(1, RepositoryChange::default()).unwrap_err();
    assert_eq!(unknown, SimError::UnknownRepository("1".into()));
}

#[tokio::test]
async fn the_control_api_makes_repositories_and_selects_them() {
    let world = World::new().await;
    let installation = world.install("acme-coffee");
    let token = world.token(installation, &json!({})).await;
    let post = async |path: &str, body: Value| {
        let url = format!("{}{path}", world.running.control);
        world.client.post(url).json(&body).send().await.unwrap().status().as_u16()
    };
    for name in ["a", "b", "c"] {
        let body = json!({ "owner": "acme-coffee", "name": name, "default_branch": "dev", "language": "C" });
        assert_eq!(post("/repositories", body).await, 201);
    }
    let (_, listed) = world.get(LIST, &token).await;
    assert_eq!(listed["repositories"][0]["default_branch"], "dev");
    let select = format!("/installations/{installation}/repositories");
    let steps = [
        (json!({ "only": ["a"] }), vec!["a"]),
        (json!({ "add": ["c", "b"] }), vec!["a", "b", "c"]),
        (json!({ "remove": ["a", "c"] }), vec!["b"]),
        (json!("all"), vec!["a", "b", "c"]),
    ];
    for (body, expected) in steps {
        assert_eq!(post(&select, body.clone()).await, 204, "{body}");
        assert_eq!(names(&world, &token).await, expected, "{body}");
    }
    assert_eq!(post(&select, json!({ "add": ["a"] })).await, 422);
    assert_eq!(post(&select, json!({ "only": ["nothing"] })).await, 404);
    assert_eq!(post("/installations/1/repositories", json!("all")).await, 404);
}

/// GitHub fact 44.
#[tokio::test]
async fn the_newest_version_has_two_fields_less() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    for (version, expected) in [("2022-11-28", true), ("2026-03-10", false)] {
        let request = world.client.get(format!("{}{LIST}", world.running.api)).bearer_auth(&token);
        let (_, body) = answer(request.header("X-GitHub-Api-Version", version).send().await.unwrap()).await;
        for field in ["has_downloads", "use_squash_pr_title_as_default"] {
            assert_eq!(body["repositories"][0].get(field).is_some(), expected, "{version} {field}");
        }
    }
}
