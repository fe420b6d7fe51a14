//! Creation, rotation, expiry and revocation of keys, with running nodes.

use serde_json::Value;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server, Starting, run};

const CREATE: [&str; 8] =
    ["keys", "create", "--organization", "org_1", "--name", "Acme Coffee", "--scope", "github:admin"];

/// Runs a command with `--json` and parses its output.
fn json(schema: &TestSchema, arguments: &[&str]) -> Value {
    let ended = run(schema, &[arguments, &["--json"]].concat());
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Runs a command that must fail. Returns its standard error.
fn refused(schema: &TestSchema, arguments: &[&str]) -> String {
    let ended = run(schema, arguments);
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stdout.is_empty());
    String::from_utf8(ended.stderr).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn status(backend: &Backend, server: &Server) -> u16 {
    backend.inspect(&server.api).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_key_works_beside_the_new_one_until_its_grace_ends() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let further =
        ["--tier", "gold", "--reads-per-minute", "50", "--writes-per-minute", "7", "--writes-per-day", "9"];
    let old = json(&schema, &[&CREATE[..], &further, &["--expires-in", "90d", "--label", "ci"]].concat());
    let fresh = json(&schema, &["keys", "rotate", text(&old["keyId"])]);
    for same in [
        "env",
        "organizationId",
        "organizationName",
        "scopes",
        "tier",
        "readsPerMinute",
        "writesPerDay",
        "label",
    ] {
        assert_eq!(fresh[same], old[same], "{same}");
    }
    assert_eq!(old["writesPerMinute"], 7);
    assert_eq!(fresh["rotatedFrom"], old["keyId"]);
    assert_ne!(fresh["apiKey"], old["apiKey"]);
    assert!(text(&fresh["expiresAt"]) > text(&old["expiresAt"]), "the same lifetime, from now");
    let [before, after] = [&old, &fresh].map(|key| Backend::new(text(&key["apiKey"]).into()));
    assert_eq!((status(&before, &server).await, status(&after, &server).await), (404, 404));

    let stderr = refused(&schema, &["keys", "rotate", text(&old["keyId"])]);
    assert!(stderr.contains(text(&fresh["keyId"])), "{stderr}");
    // Without grace the old key is rejected at once.
    let third = json(&schema, &["keys", "rotate", text(&fresh["keyId"]), "--grace", "0"]);
    assert_eq!((status(&before, &server).await, status(&after, &server).await), (404, 401));
    let third = Backend::new(text(&third["apiKey"]).into());
    assert_eq!(status(&third, &server).await, 404);
    let stderr = refused(&schema, &["keys", "rotate", "00000000000000"]);
    assert!(stderr.contains("there is no key"), "{stderr}");

    let listed = json(&schema, &["keys", "list", "--organization", "org_1"]);
    assert_eq!(listed[0]["replacedBy"], fresh["keyId"]);
    assert_eq!(listed[0]["expiresAt"], fresh["oldExpiresAt"]);
    assert_eq!(listed[1]["rotatedFrom"], old["keyId"]);
    let table = String::from_utf8(run(&schema, &["keys", "list"]).stdout).unwrap();
    let line = |id: &Value| table.lines().find(|line| line.starts_with(text(id))).unwrap();
    assert!(line(&old["keyId"]).contains(text(&fresh["keyId"])), "{table}");
    assert!(line(&fresh["keyId"]).contains("expired"), "{table}");
    let secret = text(&old["apiKey"]).splitn(4, '_').nth(3).unwrap();
    assert!(!table.contains(secret) && !listed.to_string().contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_key_gets_the_same_response_as_an_unknown_one() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let made = json(&schema, &[&CREATE[..], &["--expires-in", "1d"]].concat());
    let backend = Backend::new(text(&made["apiKey"]).into());
    assert_eq!(status(&backend, &server).await, 404);
    schema.execute("update $schema.api_keys set expires_at = now()").await;
    let expired = backend.inspect(&server.api).await.unwrap();
    schema.execute("delete from $schema.api_keys").await;
    let unknown = backend.inspect(&server.api).await.unwrap();
    assert_eq!((expired.status, unknown.status), (401, 401));
    let body = |answer: &Value| (answer["error"]["code"].clone(), answer["error"]["message"].clone());
    assert_eq!(body(&expired.json()), body(&unknown.json()));
}

/// I13.
#[tokio::test(flavor = "multi_thread")]
async fn revocation_applies_to_the_next_request_on_every_node() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let starting: Vec<_> = (0..2).map(|_| Server::spawn(&schema, &github, "127.0.0.1:0")).collect();
    let nodes: Vec<Server> = starting.into_iter().map(Starting::listening).collect();
    for _ in 0..10 {
        let made = json(&schema, &CREATE);
        let backend = Backend::new(text(&made["apiKey"]).into());
        // Enough requests to fill any cache.
        for node in nodes.iter().cycle().take(6) {
            assert_eq!(status(&backend, node).await, 404);
        }
        json(&schema, &["keys", "revoke", text(&made["keyId"])]);
        for node in &nodes {
            assert_eq!(status(&backend, node).await, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_use_of_keys_is_written_at_shutdown() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let [used, named, unused] = [(); 3].map(|()| json(&schema, &CREATE));
    let backend = Backend::new(text(&used["apiKey"]).into());
    for _ in 0..5 {
        assert_eq!(status(&backend, &server).await, 404);
    }
    // A wrong secret with the id of an existing key.
    let secret = text(&used["apiKey"]).splitn(4, '_').nth(3).unwrap();
    let forged = format!("lp_live_{}_{secret}", text(&named["keyId"]));
    assert_eq!(status(&Backend::new(forged.into()), &server).await, 401);
    assert_eq!(server.end(), Some(0));
    let listed = json(&schema, &["keys", "list"]);
    let last_used = |made: &Value| {
        let listed = listed.as_array().unwrap();
        listed.iter().find(|key| key["keyId"] == made["keyId"]).unwrap()["lastUsedAt"].clone()
    };
    assert!(text(&last_used(&used)) > text(&used["createdAt"]), "{listed}");
    assert_eq!((last_used(&named), last_used(&unused)), (Value::Null, Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_tiers_and_expiries_are_rejected_before_a_key_is_created() {
    let schema = TestSchema::migrated().await;
    for (further, named) in [
        (&["--tier", "gold"][..], "--reads-per-minute"),
        (&["--tier", "pilot", "--writes-per-day", "1"], "is predefined"),
        (&["--expires-in", "0"], "future"),
        (&["--expires-at", "2001-01-01T00:00:00Z"], "future"),
    ] {
        let stderr = refused(&schema, &[&CREATE[..], further].concat());
        assert!(stderr.contains(named), "{stderr}");
    }
    let both = run(
        &schema,
        &[&CREATE[..], &["--expires-in", "1d", "--expires-at", "2999-01-01T00:00:00Z"]].concat(),
    );
    assert_eq!(both.status.code(), Some(2));
    assert_eq!(schema.number("select count(*) from $schema.api_keys").await, 0);
}
