//! `GET /openapi.json` (`contract.md` §3), and whether the document says what the router does. That every answer is as
//! documented is held by [`crate::documented`] in all tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use dockline_axum::{ApiErrorCode, Exposition};
use reqwest::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::documented::{DOCUMENT, valid};
use crate::world::{Choice, World};

const DOCUMENT_PATH: &str = "/openapi.json";

#[derive(Debug)]
struct Nothing;

impl Exposition for Nothing {
    fn render(&self) -> String {
        String::new()
    }
}

async fn with_metrics() -> World {
    let options = |options: dockline_axum::RouterOptions| options.with_metrics(Arc::new(Nothing));
    World::with(Choice { options, ..Choice::default() }).await
}

async fn get(world: &World, path: &str) -> Answer {
    Answer::of(world.http.get(format!("{}{path}", world.api))).await
}

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    DOCUMENT["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[tokio::test]
async fn it_is_for_everybody_and_costs_nothing_the_second_time() {
    let world = with_metrics().await;
    let answer = get(&world, DOCUMENT_PATH).await.expect(200);
    assert_eq!(answer.json, *DOCUMENT);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let tag = answer.header("etag");
    let url = format!("{}{DOCUMENT_PATH}", world.api);
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = Answer::of(world.http.get(&url).header("if-none-match", &known)).await.expect(304);
        assert_eq!(again.header("etag"), tag, "{known}");
    }
    for other in ["\"other\"", "nonsense", ""] {
        Answer::of(world.http.get(&url).header("if-none-match", other)).await.expect(200);
    }
}

#[tokio::test]
async fn the_server_that_it_names_is_where_the_router_is() {
    let nested = World::with(Choice { prefix: "/partners/github-api", ..Choice::default() }).await;
    let document = get(&nested, DOCUMENT_PATH).await.expect(200).json;
    assert_eq!(document["servers"][0]["url"], "/partners/github-api");
    let options =
        |options: dockline_axum::RouterOptions| options.with_server_url("https://api.example.com/base");
    let named = World::with(Choice { options, ..Choice::default() }).await;
    let document = get(&named, DOCUMENT_PATH).await.expect(200).json;
    assert_eq!(document["servers"][0]["url"], "https://api.example.com/base");
    assert!(document["paths"].get("/metrics").is_none(), "nothing is counted here");
    assert!(document["paths"].get("/healthz").is_some());
}

/// Both are made from one table; this would notice a route that was added beside it at a path of its own method.
#[tokio::test]
async fn every_documented_operation_is_there_and_no_path_has_other_methods() {
    let world = with_metrics().await;
    for (path, method, _) in operations() {
        let url = format!("{}{path}", world.api);
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let answer = Answer::of(world.http.request(method.clone(), &url)).await;
        assert!(![404, 405].contains(&answer.status), "{method} {path}: {answer:?}");
        let refused = Answer::of(world.http.put(&url)).await.expect_error(405, "METHOD_NOT_ALLOWED");
        let allowed: BTreeSet<_> = refused.header("allow").split(',').map(str::trim).collect();
        let mut documented: BTreeSet<_> =
            operations().filter(|(at, ..)| *at == path).map(|(_, method, _)| method.to_uppercase()).collect();
        if documented.contains("GET") {
            documented.insert("HEAD".to_owned());
        }
        assert_eq!(allowed, documented.iter().map(String::as_str).collect(), "{path}");
    }
}

#[test]
fn names_are_the_ones_that_clients_are_made_from() {
    let mut names: Vec<_> = operations()
        .map(|(_, _, operation)| {
            (operation["tags"][0].as_str().unwrap(), operation["operationId"].as_str().unwrap())
        })
        .collect();
    names.sort_unstable();
    let expected = [
        ("account", "whoami"),
        ("github", "answerConfirmation"),
        ("github", "arriveFromGithub"),
        ("github", "detachInstallation"),
        ("github", "getInstallation"),
        ("github", "installUrl"),
        ("github", "listRepos"),
        ("github", "registerInstallation"),
        ("github", "takeDelivery"),
        ("operations", "getOpenapi"),
        ("operations", "healthz"),
        ("operations", "metrics"),
        ("operations", "readyz"),
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_code_is_some_operations_answer() {
    let codes: BTreeSet<_> = ApiErrorCode::all().map(|code| code.as_str()).collect();
    let listed = DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    assert_eq!(listed.iter().map(|code| code.as_str().unwrap()).collect::<BTreeSet<_>>(), codes);
    let text = |value: &Value| value.to_string();
    let used = text(&DOCUMENT["paths"]) + &text(&DOCUMENT["components"]["responses"]);
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    for code in codes {
        let kinds = schemas.iter().filter(|(name, schema)| {
            name.ends_with("Failure")
                && *name != "Failure"
                && text(&schema["properties"]["code"]).contains(code)
        });
        let answered = kinds.map(|(name, _)| name.replace("Failure", "Error"));
        let mut answered = answered.filter(|name| used.contains(&format!("schemas/{name}\"")));
        assert!(answered.next().is_some(), "{code}");
    }
}

/// Every example, of bodies, parameters and schemas, is one.
#[test]
fn examples_are_examples() {
    let mut seen = 0;
    walk(&DOCUMENT, &mut |value| {
        let Some(schema) = value.get("schema").or_else(|| value.get("type").map(|_| value)) else { return };
        let named =
            value["examples"].as_object().into_iter().flat_map(|all| all.values().map(|one| &one["value"]));
        let listed = value["examples"].as_array().into_iter().flatten();
        for example in named.chain(listed).chain(value.get("example")) {
            valid(schema, example).unwrap_or_else(|problem| panic!("{problem}: {example}\n{schema}"));
            seen += 1;
        }
    });
    assert!(seen > 50, "{seen}");
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(object) => object.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The checks can fail.
#[test]
fn an_answer_that_is_not_documented_is_noticed() {
    let unbound = &DOCUMENT["components"]["schemas"]["NotFoundError"];
    let answer = |code: &str, more: &str| {
        let id = "req_01HXZ9G7KMV2QX8Y1S5RJW3B7T";
        let text = format!(r#"{{"error":{{"code":"{code}","message":"m","requestId":"{id}"{more}}}}}"#);
        valid(unbound, &serde_json::from_str(&text).unwrap())
    };
    answer("NOT_FOUND", "").unwrap();
    answer("CONFLICT", "").unwrap_err();
    answer("NOT_FOUND", r#","details":{}"#).unwrap_err();
    answer("NOT_FOUND", r#","hint":1"#).unwrap_err();
}
