//! `dockline move`: from a SQLite file to a schema of PostgreSQL.

mod everything;
mod interrupted;
mod refusals;
#[path = "../../file/scene.rs"]
#[expect(dead_code, reason = "the tests of the file use more of it")]
mod scene;

use std::process::Command;

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::schema::TestSchema;
use scene::Scene;

/// Adds the schema to the environment of a command, which has the file in it.
fn with_schema(mut command: Command, schema: &TestSchema) -> Command {
    command
        .env("DOCKLINE_DATABASE_URL", schema.url.expose_secret())
        .env("DOCKLINE_DATABASE_SCHEMA", &schema.name);
    command
}

/// Runs a command with both databases. Returns its exit code, output and errors.
fn run(scene: &Scene, schema: &TestSchema, arguments: &[&str]) -> (i32, String, String) {
    let ended = with_schema(scene.command(arguments), schema).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

/// Runs a command with both databases that must succeed, and parses its output.
fn json(scene: &Scene, schema: &TestSchema, arguments: &[&str]) -> Value {
    let (code, stdout, stderr) = run(scene, schema, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{arguments:?}: {stderr}");
    serde_json::from_str(&stdout).unwrap()
}
