//! A schema belongs to the Apps that were added to it (I35).

use serde_json::Value;

use crate::faults::lifecycle::{bound, reconcile, status};
use crate::schema::TestSchema;
use crate::server::{Github, Server, dockline, run};

fn stderr(ended: &std::process::Output) -> String {
    String::from_utf8(ended.stderr.clone()).unwrap()
}

fn apps(schema: &TestSchema) -> Vec<Value> {
    let listed = run(schema, &["apps", "list", "--json"]);
    serde_json::from_slice(&listed.stdout).unwrap()
}

/// Arguments of commands that use the App.
pub(super) fn app_arguments(github: &Github) -> Vec<String> {
    let files = &github.files;
    [
        ("--github-web-url", github.sim.web.clone()),
        ("--github-api-url", github.sim.api.clone()),
        ("--github-app-id", github.app.app_id.to_string()),
        ("--github-app-slug", files.slug.clone()),
        ("--github-private-key-file", files.path("key.pem")),
    ]
    .into_iter()
    .flat_map(|(option, value)| [option.to_owned(), value])
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_apps_credential_is_refused_until_its_app_is_added_c02() {
    let schema = TestSchema::migrated().await;
    let production = Github::start(&schema).await;
    let server = Server::start(&schema, &production, "127.0.0.1:0");
    let tenants = bound(&schema, &production, &server.api, 3).await;

    let staging = Github::start(&schema).await;
    let refused = Server::command(&schema, &staging, "127.0.0.1:0", &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("belongs to another App") && said.contains("dockline apps add"), "{said}");
    let refused = reconcile(&schema, &staging, &["--all"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    for (backend, _) in &tenants {
        assert_eq!(status(backend, &server.api).await, "active");
    }
    assert_eq!(apps(&schema).len(), 1);

    let mut arguments = vec!["apps".to_owned(), "add".to_owned()];
    arguments.extend(app_arguments(&staging));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let added = run(&schema, &arguments);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let other = Server::start(&schema, &staging, "127.0.0.1:0");
    // The same organization is bound to an installation of each App, each by itself.
    let (backend, _) = &tenants[0];
    assert_eq!(backend.inspect(&other.api).await.unwrap().status, 404);
    // Each GitHub host numbers installations by itself.
    let installation = staging.install("acme-staging");
    assert_eq!(installation, tenants[0].1);
    let state = backend.state(&other.api).await;
    assert_eq!(backend.register(&other.api, installation, &state).await.unwrap().status, 201);
    assert_eq!(backend.detach(&other.api).await.unwrap().status, 204);
    assert_eq!(status(backend, &server.api).await, "active");
    assert_eq!(apps(&schema).len(), 2);
}

/// The schema has bindings of a version without Apps.
#[tokio::test(flavor = "multi_thread")]
async fn staging_that_starts_first_after_an_upgrade_adopts_nothing_c84() {
    let schema = TestSchema::migrated().await;
    let production = Github::start(&schema).await;
    let server = Server::start(&schema, &production, "127.0.0.1:0");
    let tenants = bound(&schema, &production, &server.api, 2).await;
    assert_eq!(server.end(), Some(0));
    let forget = "with gone as (delete from $schema.apps returning 1) select count(*) from gone";
    assert_eq!(schema.number(forget).await, 1);

    let staging = Github::start(&schema).await;
    let refused = Server::command(&schema, &staging, "127.0.0.1:0", &[]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("0 of 2 of their installations"), "{said}");
    assert!(apps(&schema).is_empty());

    let server = Server::start(&schema, &production, "127.0.0.1:0");
    for (backend, _) in &tenants {
        assert_eq!(status(backend, &server.api).await, "active");
    }
    assert_eq!(apps(&schema)[0]["apiBase"], production.sim.api.to_ascii_lowercase());
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_apps_do_not_start_and_unknown_ones_are_named() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    Server::start(&schema, &github, "127.0.0.1:0").end();
    let number = github.app.app_id.to_string();
    let unknown = run(&schema, &["apps", "retire", &number]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("dockline apps list"), "{}", stderr(&unknown));
    let retired = run(&schema, &["apps", "retire", &number, "--api-base", &github.sim.api]);
    assert_eq!(retired.status.code(), Some(0), "{}", stderr(&retired));
    let refused = Server::command(&schema, &github, "127.0.0.1:0", &[]).output().unwrap();
    assert!(stderr(&refused).contains("is retired"), "{}", stderr(&refused));
    let moved =
        ["apps", "rename", &number, "--api-base", &github.sim.api, "--to", "https://ghes.test/api/v3"];
    assert_eq!(run(&schema, &moved).status.code(), Some(0));
    assert_eq!(apps(&schema)[0]["apiBase"], "https://ghes.test/api/v3");
    // Readable output has a line per App.
    let shown = dockline(&schema, &["apps", "list"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("https://ghes.test/api/v3") && shown.contains("retired"), "{shown}");
}
