//! The database's password changes while the server runs.

use std::process::Stdio;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{Github, Server, dockline};

#[tokio::test(flavor = "multi_thread")]
async fn changed_password_in_the_file_needs_no_restart() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let role = format!("{}_login", schema.name);
    schema
        .execute(&format!(
            "create role {role} login password 'first'; grant usage on schema $schema to {role}; \
             grant select, insert, update, delete on all tables in schema $schema to {role}"
        ))
        .await;
    let mut url = reqwest::Url::parse(schema.url.expose_secret()).unwrap();
    url.set_username(&role).unwrap();
    let mut write = |password| {
        url.set_password(Some(password)).unwrap();
        github.files.write("database-url", url.as_str());
    };
    write("first");
    let mut command = dockline(&schema, &["serve", "--json", "--listen", "127.0.0.1:0"]);
    command
        .env_remove("DOCKLINE_DATABASE_URL")
        .env("DOCKLINE_DATABASE_URL_FILE", github.files.path("database-url"))
        .env("DOCKLINE_MIGRATIONS", "check")
        .env("DOCKLINE_CLAIM_POLICY", "state")
        .env("DOCKLINE_GITHUB_WEB_URL", &github.sim.web)
        .env("DOCKLINE_GITHUB_API_URL", &github.sim.api)
        .env("DOCKLINE_GITHUB_APP_SLUG", &github.files.slug)
        .env("DOCKLINE_GITHUB_APP_ID", github.app.app_id.to_string())
        .env("DOCKLINE_GITHUB_PRIVATE_KEY_FILE", github.files.path("key.pem"))
        .stderr(Stdio::null());
    let server = Server::of(command);
    let backend = Backend::new(schema.key("org_1").await);
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
    schema.execute(&format!("alter role {role} password 'second'")).await;
    schema
        .execute(&format!("select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'"))
        .await;
    write("second");
    let started = Instant::now();
    while backend.inspect(&server.api).await.unwrap().status != 404 {
        assert!(started.elapsed() < Duration::from_secs(10), "the server still uses the old password");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(server);
    schema.execute(&format!("drop owned by {role}; drop role {role}")).await;
}
