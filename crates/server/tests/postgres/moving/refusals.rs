//! What a move refuses, and what it says to do.

use super::scene::Scene;
use super::{json, run};
use crate::schema::TestSchema;

#[tokio::test(flavor = "multi_thread")]
async fn seal_needs_serve_stopped_and_keeps_every_command_away_until_it_is_removed() {
    let (scene, schema) = (Scene::start().await, TestSchema::new());
    let (code, said) = scene.failing(&["move", "seal"]);
    assert!(code == 2 && said.contains("does not exist"), "{said}");
    let server = scene.serve(&[]);
    let bound = scene.bind(&server, "org_1").await;
    let (code, said) = scene.failing(&["move", "seal"]);
    let expected = format!("is in use by dockline serve, process {}", server.process());
    assert!(code == 2 && said.contains(&expected) && said.contains("stop serve"), "{said}");
    let (code, _, said) = run(&scene, &schema, &["move", "copy"]);
    assert!(code == 2 && said.contains("is not sealed") && said.contains("dockline move seal"), "{said}");
    assert_eq!(server.end(), Some(0));

    // With a database URL in the environment, too: it is always about the file.
    let (code, said, _) = run(&scene, &schema, &["move", "seal"]);
    assert!(code == 0 && said.contains("next: dockline move copy"), "{said}");
    for arguments in [&["keys", "list"][..], &["migrate"], &["backup", "copy.db"]] {
        let (code, said) = scene.failing(arguments);
        assert!(code == 2 && said.contains("is sealed since"), "{arguments:?}: {said}");
    }
    let said = scene.serve_command(&[]).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("to be moved to PostgreSQL") && said.contains("dockline move unseal"), "{said}");

    json(&scene, &schema, &["move", "copy"]);
    let said = scene.serve_command(&[]).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    let target = format!("schema {}", schema.name);
    for expected in ["its rows were moved to PostgreSQL", &target, "set --database-url", "move unseal"] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    let (code, said) = scene.failing(&["move", "unseal"]);
    assert!(code == 2 && said.contains("--yes"), "{said}");
    assert_eq!(scene.json(&["move", "unseal", "--yes"])["wasSealed"], true);
    assert_eq!(scene.json(&["move", "unseal", "--yes"])["wasSealed"], false);
    let server = scene.serve(&[]);
    let again = bound.backend.register(&server.api, bound.installation, &bound.state).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &bound.registered));
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_with_rows_is_refused_and_not_changed() {
    let (scene, schema) = (Scene::start().await, TestSchema::migrated().await);
    scene.ok(&["migrate"]);
    scene.ok(&["move", "seal"]);
    let absent = TestSchema::new();
    let (code, _, said) = run(&scene, &absent, &["move", "verify"]);
    assert!(
        code == 2 && said.contains("is not migrated") && said.contains("run dockline move copy"),
        "{said}"
    );
    schema.key("org_9").await;
    let (code, _, said) = run(&scene, &schema, &["move", "copy"]);
    let expected = "the schema is not empty: the table api_keys has rows";
    assert!(code == 2 && said.contains(expected) && said.contains("--database-schema"), "{said}");
    assert_eq!(schema.number("select count(*) from $schema.api_keys").await, 1);
    let (code, said) = scene.failing(&["move", "copy"]);
    assert!(code == 2 && said.contains("--database-url: is not set"), "{said}");

    // Nor is a schema of a later release that this one cannot use.
    let newer = TestSchema::migrated().await;
    let later = "insert into $schema.migrations select 99, 'later', checksum, now(), 99, '9.9.9' from $schema.migrations limit 1";
    newer.execute(later).await;
    for command in ["copy", "verify"] {
        let (code, _, said) = run(&scene, &newer, &["move", command]);
        assert!(code == 2 && said.contains("9.9.9") && said.contains("run the newer program"), "{said}");
    }
    assert_eq!(newer.number("select count(*) from $schema.apps").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_every_row_that_was_changed_added_or_removed() {
    let (scene, schema) = (Scene::start().await, TestSchema::new());
    let server = scene.serve(&[]);
    scene.bind(&server, "org_1").await;
    scene.bind(&server, "org_2").await;
    assert_eq!(server.end(), Some(0));
    scene.ok(&["move", "seal"]);
    json(&scene, &schema, &["move", "copy"]);
    for (table, change, undo) in [
        (
            "bindings",
            "update bindings set actor = actor || '!' where organization = 'org_1'",
            "update bindings set actor = rtrim(actor, '!')",
        ),
        (
            "bindings",
            "update bindings set registered_at = registered_at + interval '1 microsecond'",
            "update bindings set registered_at = registered_at - interval '1 microsecond'",
        ),
        (
            "installation_facts",
            "update installation_facts set facts = facts || '{\"x\": 1}'",
            "update installation_facts set facts = facts - 'x'",
        ),
        (
            "installers",
            "insert into installers (installation_id, installer, noted_at) values (5, 6, now())",
            "delete from installers where installation_id = 5",
        ),
        (
            "install_states",
            "update install_states set codes = '{\"00\": \"used\"}'",
            "update install_states set codes = '{}'",
        ),
    ] {
        let in_schema = |statement: &str| format!("set search_path to $schema; {statement}");
        schema.execute(&in_schema(change)).await;
        let (code, said, _) = run(&scene, &schema, &["move", "verify", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&said).unwrap();
        let different: Vec<_> = found["tables"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|table| table["same"] == false)
            .map(|table| table["table"].as_str().unwrap())
            .collect();
        assert_eq!((code, different), (1, vec![table]), "{change}");
        schema.execute(&in_schema(undo)).await;
        assert_eq!(run(&scene, &schema, &["move", "verify"]).0, 0, "{undo}");
    }
}
