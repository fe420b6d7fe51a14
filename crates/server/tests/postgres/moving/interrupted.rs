//! A copy that is killed halfway.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::scene::Scene;
use super::{json, run, with_schema};
use crate::schema::TestSchema;

/// Starts `dockline move copy`.
fn copy(scene: &Scene, schema: &TestSchema) -> Child {
    let mut command = with_schema(scene.command(&["move", "copy"]), schema);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_copy_leaves_the_schema_empty_and_can_be_repeated() {
    let (scene, schema) = (Scene::start().await, TestSchema::migrated().await);
    let server = scene.serve(&[]);
    for number in 0..3 {
        scene.bind(&server, &format!("org_{number}")).await;
    }
    assert_eq!(server.end(), Some(0));
    scene.ok(&["move", "seal"]);
    // The copy of the bindings waits for a lock, which this session holds; earlier tables are copied by then.
    let database = schema.database();
    let session = database.pool().get().await.unwrap();
    let waits = "create function $schema.wait() returns trigger language plpgsql as \
         $$ begin perform pg_advisory_xact_lock(hashtext('$schema')); return null; end $$; \
         create trigger wait before insert on $schema.bindings for each statement execute function $schema.wait()";
    schema.execute(waits).await;
    session.batch_execute(&format!("select pg_advisory_lock(hashtext('{}'))", schema.name)).await.unwrap();
    let mut child = copy(&scene, &schema);
    let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted \
         and objid::bigint = hashtext('$schema')::bigint & 4294967295";
    while schema.number(waiting).await == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "the copy ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    session.batch_execute(&format!("select pg_advisory_unlock(hashtext('{}'))", schema.name)).await.unwrap();
    drop(session);
    // Waits for the transaction of the killed process.
    schema.execute("drop trigger wait on $schema.bindings").await;
    for table in ["apps", "api_keys", "installations", "bindings"] {
        assert_eq!(schema.number(&format!("select count(*) from $schema.{table}")).await, 0, "{table}");
    }
    let copied = json(&scene, &schema, &["move", "copy"]);
    assert!(copied["rows"].as_u64() > Some(9), "{copied}");
    assert_eq!(schema.number("select count(*) from $schema.bindings").await, 3);
    let (code, said, _) = run(&scene, &schema, &["move", "verify"]);
    assert!(code == 0 && said.contains("the same rows"), "{said}");
}
