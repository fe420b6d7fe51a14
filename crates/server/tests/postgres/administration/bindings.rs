//! `dockline bindings`, on a schema that `dockline serve` has written.

use std::io::Write;
use std::process::{Output, Stdio};

use dockline_github_sim::{Fault, FaultRule};
use serde_json::{Value, json};

use super::apps::app_arguments;
use crate::faults::lifecycle::bound;
use crate::schema::TestSchema;
use crate::server::{Github, Server, dockline, run};

fn stdout(ended: &Output) -> String {
    String::from_utf8(ended.stdout.clone()).unwrap()
}

fn stderr(ended: &Output) -> String {
    String::from_utf8(ended.stderr.clone()).unwrap()
}

/// Runs a command that must succeed, and parses its output.
fn json(schema: &TestSchema, arguments: &[&str]) -> Value {
    let ended = run(schema, &[arguments, &["--json"]].concat());
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Runs a command with the App's options.
fn run_as_app(schema: &TestSchema, github: &Github, arguments: &[&str]) -> Output {
    let app = app_arguments(github);
    let app: Vec<&str> = app.iter().map(String::as_str).collect();
    run(schema, &[arguments, &app].concat())
}

/// Runs `dockline bindings import -` with this input. Returns the exit code, and the lines of its output.
fn import(schema: &TestSchema, github: &Github, input: &str, further: &[&str]) -> (Option<i32>, Vec<Value>) {
    let app = app_arguments(github);
    let app: Vec<&str> = app.iter().map(String::as_str).collect();
    let arguments = [&["bindings", "import", "-", "--json"], further, &app].concat();
    let mut command = dockline(schema, &arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let lines = stdout(&ended).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (ended.status.code(), lines)
}

fn organizations(listed: &Value) -> Vec<&str> {
    listed["bindings"].as_array().unwrap().iter().map(|it| it["organizationId"].as_str().unwrap()).collect()
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn bindings_are_listed_page_by_page_and_found_by_each_id() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let bound = bound(&schema, &github, &server.api, 5).await;

    let first = json(&schema, &["bindings", "list", "--limit", "2"]);
    assert_eq!(organizations(&first), ["org_0", "org_1"]);
    assert_eq!(first["next"], "org_1");
    let rest = json(&schema, &["bindings", "list", "--limit", "3", "--after", "org_1"]);
    assert_eq!(organizations(&rest), ["org_2", "org_3", "org_4"]);
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(
        keys(&first["bindings"][0]),
        [
            "actor",
            "githubAccount",
            "installationId",
            "lastVerifiedAt",
            "nextLookAt",
            "observedAt",
            "organizationId",
            "proof",
            "provenBy",
            "registeredAt",
            "state",
            "status"
        ]
    );
    let account = first["bindings"][1]["githubAccount"].clone();
    assert_eq!((&account["login"], &account["type"]), (&json!("account-1"), &json!("User")));

    for filter in [["--state", "active"], ["--proof", "state"], ["--login", "ACCOUNT-"]] {
        let listed = json(&schema, &[&["bindings", "list"], &filter[..]].concat());
        assert_eq!(organizations(&listed).len(), 5, "{filter:?}");
    }
    for filter in [["--state", "missing"], ["--proof", "imported"], ["--unverified-for", "1h"]] {
        let listed = json(&schema, &[&["bindings", "list"], &filter[..]].concat());
        assert_eq!(organizations(&listed), [""; 0], "{filter:?}");
    }
    let id = account["id"].to_string();
    let installation = bound[1].1.to_string();
    for which in
        [&["org_1"][..], &["--installation", &installation], &["--account", &id], &["--login", "Account-1"]]
    {
        let shown = json(&schema, &[&["bindings", "show"], which].concat());
        assert_eq!(shown[0]["organizationId"], "org_1", "{which:?}");
        assert_eq!(shown.as_array().unwrap().len(), 1);
    }
    let unknown = run(&schema, &["bindings", "show", "org_9"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("no live binding"), "{}", stderr(&unknown));

    let table = stdout(&run(&schema, &["bindings", "list", "--limit", "1"]));
    assert!(table.starts_with("ORGANIZATION  STATE") && table.contains("account-0 (User)"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_an_installation_are_shown_with_the_permissions_that_wait_for_acceptance() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let installation = bound(&schema, &github, &server.api, 1).await[0].1;
    let facts = || json(&schema, &["bindings", "show", "org_0"])[0]["facts"].clone();
    let before = facts();
    assert_eq!(before["permissions"]["contents"], "write");
    assert_eq!(before["repositorySelection"], "all");
    assert_eq!((&before["suspendedBy"], &before["waitingPermissions"]), (&Value::Null, &Value::Null));

    let sim = github.sim.sim();
    sim.suspend(installation, Some("account-0")).unwrap();
    let wanted = [("contents", "write"), ("issues", "read"), ("metadata", "read")];
    let wanted = wanted.map(|(name, level)| (name.to_owned(), level.to_owned())).into();
    sim.set_app_permissions(github.app.app_id, wanted).unwrap();
    let swept = crate::faults::lifecycle::reconcile(&schema, &github, &["--all"]).output().unwrap();
    assert_eq!(swept.status.code(), Some(0), "{}", stderr(&swept));
    let shown = run_as_app(&schema, &github, &["bindings", "show", "org_0", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown[0]["state"], "suspended");
    assert_eq!(shown[0]["facts"]["suspendedBy"]["login"], "account-0");
    let waiting = json!([{ "name": "issues", "requested": "read", "granted": null }]);
    assert_eq!(shown[0]["facts"]["waitingPermissions"], waiting);
    // The simulator has no HTTPS, so its links are not stored.
    assert_eq!(shown[0]["facts"]["settingsUrl"], Value::Null);

    let text = stdout(&run_as_app(&schema, &github, &["bindings", "show", "org_0"]));
    assert!(text.contains("issues: read (granted: none)") && text.contains("suspended by"), "{text}");
    let text = stdout(&run(&schema, &["bindings", "show", "org_0"]));
    assert!(text.contains("set the options of the App"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn detach_asks_first_and_leaves_the_binding_in_the_history() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let bound = bound(&schema, &github, &server.api, 2).await;

    // Without --uninstall, the options of the App are not needed.
    let asked = run(&schema, &["bindings", "detach", "org_0"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(stderr(&asked).contains("--yes"), "{}", stderr(&asked));
    let detached = run(&schema, &["bindings", "detach", "org_0", "--yes", "--json", "--actor", "ops:eve"]);
    assert!(
        stderr(&detached).contains("detached") && stderr(&detached).contains("ops:eve"),
        "{}",
        stderr(&detached)
    );
    assert_eq!(detached.status.code(), Some(0), "{}", stderr(&detached));
    let object: Value = serde_json::from_slice(&detached.stdout).unwrap();
    assert_eq!((&object["installationId"], &object["uninstalled"]), (&json!(bound[0].1), &json!(false)));
    assert_eq!(bound[0].0.inspect(&server.api).await.unwrap().status, 404);
    assert!(github.sim.sim().installation(bound[0].1).is_some(), "the App stays installed");
    let again = run(&schema, &["bindings", "detach", "org_0", "--yes"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("org_0 has no binding"), "{}", stderr(&again));
    let without_app = run(&schema, &["bindings", "detach", "org_1", "--yes", "--uninstall"]);
    assert_eq!(without_app.status.code(), Some(2), "{}", stderr(&without_app));

    let removed = run_as_app(&schema, &github, &["bindings", "detach", "org_1", "--yes", "--uninstall"]);
    assert_eq!(removed.status.code(), Some(0), "{}", stderr(&removed));
    assert!(github.sim.sim().installation(bound[1].1).is_none(), "the App is uninstalled");

    let history = json(&schema, &["bindings", "history", "org_0"]);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert!(history[0]["actor"].as_str().unwrap().starts_with("key:"), "{history}");
    assert!(history[0]["releasedAt"].is_string());
    assert_eq!(history[0]["releasedBy"], "ops:eve");
    let table = stdout(&run(&schema, &["bindings", "history", "org_1"]));
    assert!(table.contains("RELEASED BY") && table.trim_end().ends_with("operator"), "{table}");
    let same = json(&schema, &["bindings", "history", "--installation", &bound[0].1.to_string()]);
    assert_eq!(same, history);
    assert_eq!(organizations(&json(&schema, &["bindings", "list"])), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_waits_for_githubs_rate_limit_and_goes_on() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let installation = github.install("later");
    let account = github.sim.sim().installation(installation).unwrap().account_id;
    let limit = Fault::SecondaryRateLimit { retry_after: Some(1), status: 429 };
    let path = format!("/api/v3/app/installations/{installation}");
    github.sim.sim().set_fault(FaultRule::new(limit).for_path(&path).times(1));
    let csv = format!("organization,installationId,accountId\norg_1,{installation},{account}\n");
    let (code, lines) = import(&schema, &github, &csv, &["--apply"]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(lines[0]["waitSeconds"].as_u64().is_some_and(|seconds| seconds > 0), "{lines:?}");
    assert_eq!((&lines[1]["imported"], &lines[1]["failed"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_imported_elsewhere_once_and_conflicts_are_listed_with_their_lines() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let bound = bound(&schema, &github, &server.api, 3).await;
    let exported = run(&schema, &["bindings", "export"]);
    assert_eq!(exported.status.code(), Some(0), "{}", stderr(&exported));
    assert!(stderr(&exported).contains("exported 3"), "{}", stderr(&exported));
    let exported = stdout(&exported);
    assert_eq!(exported.lines().count(), 3);
    drop(server);

    let other = TestSchema::migrated().await;
    let (code, lines) = import(&other, &github, &exported, &[]);
    let summary = json!({ "status": "complete", "applied": false, "rows": 3, "imported": 3, "unchanged": 0,
                          "refused": 0, "invalid": 0, "failed": 0 });
    assert_eq!((code, lines), (Some(0), vec![summary]));
    assert_eq!(organizations(&json(&other, &["bindings", "list"])), [""; 0]);
    let (code, lines) = import(&other, &github, &exported, &["--apply", "--actor", "migration 7"]);
    assert_eq!((code, &lines[0]["imported"]), (Some(0), &json!(3)));
    let listed = json(&other, &["bindings", "list", "--proof", "imported"]);
    assert_eq!(organizations(&listed), ["org_0", "org_1", "org_2"]);
    assert_eq!(listed["bindings"][0]["actor"], "migration 7");
    let (code, lines) = import(&other, &github, &exported, &["--apply"]);
    assert_eq!((code, &lines[0]["unchanged"], &lines[0]["imported"]), (Some(0), &json!(3), &json!(0)));

    // An imported binding works like any other.
    let served = Server::start(&other, &github, "127.0.0.1:0");
    let backend = crate::api::Backend::new(other.key("org_0").await);
    assert_eq!(backend.inspect(&served.api).await.unwrap().json()["status"], "active");

    let free = github.install("free");
    let taken = bound[0].1;
    let account = |id: u64| github.sim.sim().installation(id).unwrap().account_id;
    let csv = format!(
        "organization,installationId,accountId\norg_0,{free},{}\nnew_1,{taken},{}\nnew_2,{free},999999\nnew 3,1,1\n\
         new_4,999999999,1\n",
        account(free),
        account(taken),
    );
    let before = json(&other, &["bindings", "list"]);
    let (code, lines) = import(&other, &github, &csv, &["--apply"]);
    assert_eq!(code, Some(1));
    let reasons: Vec<_> = lines
        .iter()
        .map(|line| (line["line"].as_u64(), line["outcome"].as_str(), line["reason"].as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (Some(2), Some("refused"), Some("organization_bound")),
            (Some(3), Some("refused"), Some("installation_taken")),
            (Some(4), Some("invalid"), None),
            (Some(5), Some("invalid"), None),
            (Some(6), Some("refused"), Some("not_found")),
            (None, None, None),
        ]
    );
    assert_eq!(json(&other, &["bindings", "list"]), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_schema_with_several_apps_need_its_number() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    bound(&schema, &github, &server.api, 1).await;
    let other = Github::start(&schema).await;
    let added = run_as_app(&schema, &other, &["apps", "add"]);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let unclear = run(&schema, &["bindings", "list"]);
    assert_eq!(unclear.status.code(), Some(2));
    assert!(stderr(&unclear).contains("several Apps"), "{}", stderr(&unclear));
    assert_eq!(organizations(&json(&schema, &["bindings", "list", "--app", "1"])), ["org_0"]);
    assert_eq!(organizations(&json(&schema, &["bindings", "list", "--app", "2"])), [""; 0]);
    assert_eq!(run(&schema, &["bindings", "list", "--app", "9"]).status.code(), Some(2));
}
