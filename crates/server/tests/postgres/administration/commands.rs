//! `dockline keys`, `dockline migrate`, and errors at the start of `dockline serve`.

use serde_json::Value;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server, Starting, dockline, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn error_about_unreachable_database_has_no_password() {
    let schema = TestSchema::new();
    let mut command = dockline(&schema, &["migrate"]);
    let url = "postgres://dockline:canary@127.0.0.1:1/x?sslmode=disable&connect_timeout=2";
    let ended = command.env("DOCKLINE_DATABASE_URL", url).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(!text(&ended.stderr).contains("canary"), "{}", text(&ended.stderr));
}

#[test]
fn keys_without_migration_names_the_migration() {
    let schema = TestSchema::new();
    let ended = run(&schema, &["keys", "list"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("migrat"), "{}", text(&ended.stderr));
}

#[test]
fn migrate_prints_its_versions_and_check_changes_nothing() {
    let schema = TestSchema::new();
    assert_eq!(run(&schema, &["migrate", "--check"]).status.code(), Some(1));
    let first = run(&schema, &["migrate"]);
    assert!(text(&first.stdout).contains("migrated from version 0"), "{}", text(&first.stdout));
    let second = run(&schema, &["migrate"]);
    assert!(text(&second.stdout).contains("nothing to do"), "{}", text(&second.stdout));
    assert_eq!(run(&schema, &["migrate", "--check"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_printed_once_works_and_is_rejected_after_revocation() {
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
    // The database has only a hash of it.
    let clear = format!("select count(*) from $schema.api_keys k where k::text like '%{secret}%'");
    assert_eq!(schema.number(&clear).await, 0);

    let github = Github::start(&schema).await;
    let server = Server::start(&schema, &github, "127.0.0.1:0");
    let backend = Backend::new(key.into());
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
    let id = made["keyId"].as_str().unwrap();
    assert_eq!(run(&schema, &["keys", "revoke", id]).status.code(), Some(0));
    // I13: keys are not cached.
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
async fn newer_schema_is_rejected() {
    let schema = TestSchema::migrated().await;
    let later = "insert into $schema.migrations select version + 1000, 'later', checksum, applied_at from $schema.migrations";
    schema.execute(later).await;
    let ended = run(&schema, &["migrate"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("run a later release"), "{}", text(&ended.stderr));
}

/// The operator goes back by one release, or by too many.
#[tokio::test(flavor = "multi_thread")]
async fn schema_of_a_later_release_is_used_if_that_release_allows_it() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    schema
        .execute(
            "insert into $schema.migrations select max(version) + 1, 'later', '', max(applied_at), max(version), '9.8.7' \
             from $schema.migrations; alter table $schema.installations add column note text",
        )
        .await;
    let migrated = run(&schema, &["migrate"]);
    assert!(text(&migrated.stdout).contains("nothing to do"), "{}", text(&migrated.stdout));
    let backend = Backend::new(schema.key("org_1").await);
    for further in [&[][..], &["--migrations", "check"]] {
        let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", further).listening();
        assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
    }
    schema.execute("update $schema.migrations set oldest_program = version where name = 'later'").await;
    let ended = Server::command(&schema, &github, "127.0.0.1:0", &[]).output().unwrap();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("by release 9.8.7") && said.contains("run a later release"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_without_migrations_starts_on_a_current_schema() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let server = Server::spawn_with(&schema, &github, "127.0.0.1:0", &["--migrations", "check"]).listening();
    let backend = Backend::new(schema.key("org_1").await);
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
}
