//! `dockline installations`: an operator has the final end of an installation forgotten (I7).

use std::process::Output;

use serde_json::Value;

use crate::faults::lifecycle::{bound, status};
use crate::schema::TestSchema;
use crate::server::{Github, Server, run};

fn stderr(ended: &Output) -> String {
    String::from_utf8(ended.stderr.clone()).unwrap()
}

fn json(ended: &Output) -> Value {
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(ended));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// A GitHub Enterprise Server was restored from a backup and gives the number of a deleted installation again.
#[tokio::test(flavor = "multi_thread")]
async fn reset_needs_a_detach_and_a_confirmation_and_leaves_an_entry() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let (backend, installation) = bound(&schema, &github, &server.api, 1).await.remove(0);
    let id = installation.to_string();
    let reset = |further: &[&str]| run(&schema, &[&["installations", "reset", &id], further].concat());

    let living = reset(&["--yes"]);
    assert_eq!(living.status.code(), Some(1));
    assert!(stderr(&living).contains("was not uninstalled for good"), "{}", stderr(&living));
    let hook = format!("{}/v1/github/webhooks", server.api);
    let sim = github.sim.sim();
    sim.set_webhook_url(github.app.app_id, Some(&hook)).unwrap();
    sim.uninstall(installation).unwrap();
    sim.settled().await;
    assert_eq!(status(&backend, &server.api).await, "uninstalled");
    let still_bound = reset(&["--yes"]);
    assert_eq!(still_bound.status.code(), Some(1));
    let said = stderr(&still_bound);
    assert!(
        said.contains("still bound to the organization org_0") && said.contains("detach first"),
        "{said}"
    );
    assert_eq!(backend.detach(&server.api).await.unwrap().status, 204);
    let unconfirmed = reset(&[]);
    assert_eq!(unconfirmed.status.code(), Some(1));
    assert!(stderr(&unconfirmed).contains("repeat the command with --yes"), "{}", stderr(&unconfirmed));
    assert_eq!(json(&run(&schema, &["installations", "resets", "--json"])), Value::Array(vec![]));

    let entry = json(&reset(&["--yes", "--json", "--note", "ann: restored from backup"]));
    assert_eq!(
        (&entry["installation"], &entry["uninstalledBy"], &entry["note"]),
        (&installation.into(), &"deletion".into(), &"ann: restored from backup".into())
    );
    assert!(entry["endedAt"].as_str() < entry["resetAt"].as_str(), "{entry}");
    assert_eq!(json(&run(&schema, &["installations", "resets", "--json"])), Value::Array(vec![entry]));
    let listed = run(&schema, &["installations", "resets"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&format!("installation {id}  uninstalled (by deletion)")), "{listed}");
    let again = reset(&["--yes"]);
    assert_eq!(again.status.code(), Some(1), "it is forgotten already");

    let unknown = run(&schema, &["installations", "reset", &id, "--app", "77", "--yes"]);
    assert!(stderr(&unknown).contains("has no such App"), "{}", stderr(&unknown));
    let long = "x".repeat(501);
    assert_eq!(reset(&["--yes", "--note", &long]).status.code(), Some(2));
}
