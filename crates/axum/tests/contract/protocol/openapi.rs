//! The OpenAPI documents: served as expected, complete, and valid. [`crate::documented`] compares every response of every test
//! with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use dockline_axum::{ApiErrorCode, Exposition};
use reqwest::Method;
use serde_json::Value;

use crate::documented::{DOCUMENT, valid};
use crate::fixture::{Fixture, Setup};
use crate::response::Response;

const DOCUMENT_PATH: &str = "/openapi.json";
const DOCUMENT_3_0_PATH: &str = "/openapi-3.0.json";

#[derive(Debug)]
struct Nothing;

impl Exposition for Nothing {
    fn render(&self) -> String {
        String::new()
    }
}

async fn with_metrics() -> Fixture {
    let options = |options: dockline_axum::RouterOptions| options.with_metrics(Arc::new(Nothing));
    Fixture::with(Setup { options, ..Setup::default() }).await
}

async fn get(fixture: &Fixture, path: &str) -> Response {
    Response::of(fixture.http.get(format!("{}{path}", fixture.api))).await
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
async fn the_document_is_public_and_has_an_etag() {
    let fixture = with_metrics().await;
    let answer = get(&fixture, DOCUMENT_PATH).await.expect(200);
    assert_eq!(answer.json, *DOCUMENT);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let tag = answer.header("etag");
    let url = format!("{}{DOCUMENT_PATH}", fixture.api);
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = Response::of(fixture.http.get(&url).header("if-none-match", &known)).await.expect(304);
        assert_eq!(again.header("etag"), tag, "{known}");
    }
    for other in ["\"other\"", "nonsense", ""] {
        Response::of(fixture.http.get(&url).header("if-none-match", other)).await.expect(200);
    }
}

#[tokio::test]
async fn the_document_names_the_server_and_the_served_paths() {
    let nested = Fixture::with(Setup { prefix: "/partners/github-api", ..Setup::default() }).await;
    let document = get(&nested, DOCUMENT_PATH).await.expect(200).json;
    assert_eq!(document["servers"][0]["url"], "/partners/github-api");
    let older = get(&nested, DOCUMENT_3_0_PATH).await.expect(200).json;
    assert_eq!(older["servers"][0]["url"], "/partners/github-api");
    let options =
        |options: dockline_axum::RouterOptions| options.with_public_url("https://api.example.com/base");
    let named = Fixture::with(Setup { options, ..Setup::default() }).await;
    let document = get(&named, DOCUMENT_PATH).await.expect(200).json;
    assert_eq!(document["servers"][0]["url"], "https://api.example.com/base");
    assert!(document["paths"].get("/metrics").is_none(), "the host provides no metrics");
    assert!(document["paths"].get("/healthz").is_some());
}

/// Detects a route that is not in the table of endpoints.
#[tokio::test]
async fn every_documented_operation_is_served_and_no_path_has_other_methods() {
    let fixture = with_metrics().await;
    for (path, method, _) in operations() {
        let url = format!("{}{path}", fixture.api);
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let answer = Response::of(fixture.http.request(method.clone(), &url)).await;
        assert!(![404, 405].contains(&answer.status), "{method} {path}: {answer:?}");
        let refused = Response::of(fixture.http.put(&url)).await.expect_error(405, "METHOD_NOT_ALLOWED");
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
fn tags_and_operation_ids_are_stable() {
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
        ("operations", "getOpenapi30"),
        ("operations", "healthz"),
        ("operations", "metrics"),
        ("operations", "readyz"),
    ];
    assert_eq!(names, expected);
}

#[test]
fn every_error_code_is_documented() {
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    let failures = schemas.iter().filter(|(name, _)| name.ends_with("Failure"));
    let documented: BTreeSet<_> = failures
        .flat_map(|(_, schema)| schema["properties"]["code"]["enum"].as_array().unwrap())
        .map(|code| code.as_str().unwrap())
        .collect();
    assert_eq!(documented, ApiErrorCode::all().map(|code| code.as_str()).collect());
}

#[test]
fn every_component_is_referenced_and_every_reference_resolves() {
    let mut referenced = BTreeSet::new();
    walk(&DOCUMENT, &mut |value| {
        if let Some(target) = value["$ref"].as_str() {
            assert!(DOCUMENT.pointer(target.trim_start_matches('#')).is_some(), "{target}");
            referenced.insert(target.to_owned());
        }
    });
    for kind in ["schemas", "responses", "headers"] {
        for name in DOCUMENT["components"][kind].as_object().unwrap().keys() {
            assert!(referenced.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is unused");
        }
    }
    let used: BTreeSet<_> = operations()
        .flat_map(|(_, _, operation)| operation["security"].as_array().unwrap())
        .flat_map(|requirement| requirement.as_object().unwrap().keys())
        .collect();
    let schemes = DOCUMENT["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(used, schemes.keys().collect());
}

#[test]
fn request_bodies_are_named() {
    let mut names = Vec::new();
    for (_, _, operation) in operations().filter(|(_, _, operation)| operation.get("requestBody").is_some()) {
        for body in operation["requestBody"]["content"].as_object().unwrap().values() {
            let name = body["schema"]["$ref"].as_str().unwrap();
            names.push(name.trim_start_matches("#/components/schemas/"));
        }
    }
    names.sort_unstable();
    assert_eq!(names, ["ConfirmationForm", "DeliveryForm", "DeliveryPayload", "RegisterInstallationBody"]);
}

#[test]
fn operations_of_github_and_browsers_are_marked_and_internal() {
    let marked: Vec<_> = operations()
        .filter_map(|(_, _, operation)| {
            Some((operation["operationId"].as_str()?, operation["x-audience"].as_str()?))
        })
        .collect();
    let expected =
        [("arriveFromGithub", "browser"), ("answerConfirmation", "browser"), ("takeDelivery", "github")];
    assert_eq!(marked, expected);
    for (_, _, operation) in operations() {
        assert_eq!(operation["x-internal"] == true, operation.get("x-audience").is_some(), "{operation}");
    }
}

/// OpenAPI Generator rejects a link whose `requestBody` is an object.
#[test]
fn there_are_no_links() {
    walk(&DOCUMENT, &mut |value| assert!(value.get("links").is_none(), "{value}"));
}

#[tokio::test]
async fn the_older_rendition_has_the_same_operations_and_its_own_etag() {
    let fixture = with_metrics().await;
    let older = get(&fixture, DOCUMENT_3_0_PATH).await.expect(200);
    assert_eq!(older.json["openapi"], "3.0.3");
    assert_eq!(older.header("cache-control"), "public, max-age=300");
    let newer = get(&fixture, DOCUMENT_PATH).await.expect(200);
    assert_ne!(older.header("etag"), newer.header("etag"));
    let url = format!("{}{DOCUMENT_3_0_PATH}", fixture.api);
    Response::of(fixture.http.get(url).header("if-none-match", older.header("etag"))).await.expect(304);
    let methods = |document: &Value| {
        let paths = document["paths"].as_object().unwrap().iter();
        let methods = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        paths.map(|(path, item)| (path.clone(), methods(item))).collect::<Vec<_>>()
    };
    assert_eq!(methods(&older.json), methods(&newer.json));
}

/// Every example of a body, parameter or schema is valid.
#[test]
fn examples_are_valid() {
    let mut count = 0;
    walk(&DOCUMENT, &mut |value| {
        let Some(schema) = value.get("schema").or_else(|| value.get("type").map(|_| value)) else { return };
        let named =
            value["examples"].as_object().into_iter().flat_map(|all| all.values().map(|one| &one["value"]));
        let listed = value["examples"].as_array().into_iter().flatten();
        for example in named.chain(listed).chain(value.get("example")) {
            valid(schema, example).unwrap_or_else(|problem| panic!("{problem}: {example}\n{schema}"));
            count += 1;
        }
    });
    assert!(count > 50, "{count}");
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(object) => object.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The comparison can fail.
#[test]
fn an_undocumented_response_is_detected() {
    let unbound = &DOCUMENT["components"]["schemas"]["NotFoundError"];
    let check = |code: &str, more: &str| {
        let id = "req_01HXZ9G7KMV2QX8Y1S5RJW3B7T";
        let text = format!(r#"{{"error":{{"code":"{code}","message":"m","requestId":"{id}"{more}}}}}"#);
        valid(unbound, &serde_json::from_str(&text).unwrap())
    };
    check("NOT_FOUND", "").unwrap();
    check("CONFLICT", "").unwrap_err();
    check("NOT_FOUND", r#","details":{}"#).unwrap_err();
    check("NOT_FOUND", r#","hint":1"#).unwrap_err();
}
