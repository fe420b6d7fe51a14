//! `dockline keys`, `dockline migrate`, and how `dockline serve` refuses to start.

use serde_json::Value;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server, Starting, dockline, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn serve_without_a_database_names_the_demo() {
    let schema = TestSchema::new();
    let mut command = dockline(&schema, &["serve"]);
    let ended = command.env_remove("DOCKLINE_DATABASE_URL").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let told = text(&ended.stderr);
    assert!(told.contains("--database-url") && told.contains("cargo run -p dockline-demo"), "{told}");
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let schema = TestSchema::new();
    let mut command = dockline(&schema, &["migrate"]);
    let url = "postgres://dockline:canary@127.0.0.1:1/x?sslmode=disable&connect_timeout=2";
    let ended = command.env("DOCKLINE_DATABASE_URL", url).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(!text(&ended.stderr).contains("canary"), "{}", text(&ended.stderr));
}

#[test]
fn keys_before_the_migration_say_what_to_do() {
    let schema = TestSchema::new();
    let ended = run(&schema, &["keys", "list"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("migrat"), "{}", text(&ended.stderr));
}

#[test]
fn migrate_tells_what_it_did_and_check_changes_nothing() {
    let schema = TestSchema::new();
    assert_eq!(run(&schema, &["migrate", "--check"]).status.code(), Some(1));
    let first = run(&schema, &["migrate"]);
    assert!(text(&first.stdout).contains("migrated from version 0"), "{}", text(&first.stdout));
    let second = run(&schema, &["migrate"]);
    assert!(text(&second.stdout).contains("nothing to do"), "{}", text(&second.stdout));
    assert_eq!(run(&schema, &["migrate", "--check"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_works_and_is_refused_once_it_is_revoked() {
    let schema = TestSchema::migrated().await;
    let made = run(
        &schema,
        &[
            "keys",
            "create",
            "--organization",
            "org_1",
            "--name",
            "Acme Coffee",
            "--scope",
            "github:admin",
            "--tier",
            "pilot",
            "--return-domain",
            "app.example.com",
            "--env",
            "test",
            "--json",
        ],
    );
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = made["apiKey"].as_str().unwrap();
    assert!(key.starts_with("lp_test_"), "{made}");
    let secret = key.splitn(4, '_').nth(3).unwrap();

    let listed = run(&schema, &["keys", "list", "--organization", "org_1", "--json"]);
    assert!(!text(&listed.stdout).contains(secret));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[0]["organizationName"], "Acme Coffee");
    assert_eq!(listed[0]["tier"], "pilot");
    // The database has a hash of it only.
    let clear = format!("select count(*) from $schema.api_keys k where k::text like '%{secret}%'");
    assert_eq!(schema.number(&clear).await, 0);

    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let backend = Backend::new(key.into());
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
    let id = made["keyId"].as_str().unwrap();
    assert_eq!(run(&schema, &["keys", "revoke", id]).status.code(), Some(0));
    // At once (I13): there is no cache of keys.
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 401);
    assert_eq!(run(&schema, &["keys", "revoke", "00000000000000"]).status.code(), Some(1));
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_instances_may_start_at_once_on_an_empty_schema_i_26() {
    let schema = TestSchema::new();
    let github = Github::start(&schema).await;
    let starting: Vec<_> = (0..8).map(|_| Server::spawn(&schema, &github, "127.0.0.1:0")).collect();
    let servers: Vec<_> = starting.into_iter().map(Starting::listening).collect();
    let backend = Backend::new(schema.key("org_1").await);
    for server in &servers {
        assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let schema = TestSchema::migrated().await;
    let later = "insert into $schema.migrations select version + 1000, 'later', checksum, applied_at from $schema.migrations";
    schema.execute(later).await;
    let ended = run(&schema, &["migrate"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("at most"), "{}", text(&ended.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_that_may_not_migrate_starts_on_what_is_up_to_date() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &["--migrations", "check"]).listening();
    let backend = Backend::new(schema.key("org_1").await);
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
}
