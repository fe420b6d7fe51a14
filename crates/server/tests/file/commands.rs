//! Every command, beside a running server.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::api::Backend;
use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn keys_made_and_revoked_beside_serve_count_at_once() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let backend = scene.backend("org_1");
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 404);
    let listed = scene.json(&["keys", "list"]);
    assert_eq!((&listed[0]["organizationId"], &listed[0]["tier"]), (&json!("org_1"), &json!("partner")));
    let old = listed[0]["keyId"].as_str().unwrap();
    let rotated = scene.json(&["keys", "rotate", old, "--grace", "0"]);
    assert_eq!(backend.inspect(&server.api).await.unwrap().status, 401);
    let fresh = Backend::new(rotated["apiKey"].as_str().unwrap().into());
    assert_eq!(fresh.inspect(&server.api).await.unwrap().status, 404);
    let table = scene.ok(&["keys", "list"]);
    assert!(table.lines().count() == 3 && table.contains(old), "{table}");
    scene.ok(&["keys", "revoke", rotated["keyId"].as_str().unwrap()]);
    assert_eq!(fresh.inspect(&server.api).await.unwrap().status, 401);
    let (code, said) = scene.failing(&["keys", "revoke", "00000000000000"]);
    assert!(code == 1 && said.contains("there is no key"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bindings_are_listed_shown_exported_imported_refreshed_and_detached() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let (first, second) = (scene.bind(&server, "org_1").await, scene.bind(&server, "org_2").await);
    let listed = scene.json(&["bindings", "list", "--limit", "1"]);
    assert_eq!(
        (&listed["bindings"][0]["organizationId"], &listed["next"]),
        (&json!("org_1"), &json!("org_1"))
    );
    let shown: Value =
        serde_json::from_str(&scene.ok_as_app(&["bindings", "show", "org_1", "--json"])).unwrap();
    assert_eq!(shown[0]["installationId"], first.installation);
    assert!(shown[0]["facts"].is_object(), "{shown}");
    let history = scene.json(&["bindings", "history", "org_2"]);
    assert_eq!(history[0]["installationId"], second.installation);

    let lines = scene.ok(&["bindings", "export"]);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let third = scene.install("org-3");
    let account = scene.sim.sim().installation(third).unwrap().account_id;
    let input = format!("organization,installationId,accountId\norg_3,{third},{account}\n");
    let mut command = scene.command(&["bindings", "import", "-", "--apply", "--json"]);
    let mut child = command
        .args(scene.app_options())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let imported = child.wait_with_output().unwrap();
    assert!(imported.status.success(), "{imported:?}");
    assert_eq!(scene.json(&["bindings", "history", "org_3"])[0]["proof"], "imported");

    let summary = scene.ok_as_app(&["reconcile", "--all", "--json"]);
    let summary: Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["checked"], &summary["failed"]), (&json!(3), &json!(0)), "{summary}");

    let detached = scene.json(&["bindings", "detach", "org_1", "--yes", "--actor", "ops:eve"]);
    assert_eq!(detached["uninstalled"], false);
    assert_eq!(first.backend.inspect(&server.api).await.unwrap().status, 404);
    let history = scene.json(&["bindings", "history", "org_1"]);
    assert_eq!(history[0]["releasedBy"], "ops:eve", "{history}");
    scene.ok_as_app(&["bindings", "detach", "org_2", "--uninstall", "--yes"]);
    assert!(scene.sim.sim().installation(second.installation).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_exported_without_secrets_and_forgotten() {
    let scene = Scene::start().await;
    std::fs::write(scene.path("secret"), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    // Nothing listens there.
    let secret = scene.text("secret");
    let server = scene.serve(&["--forward-to", "http://127.0.0.1:1/", "--forward-secret-file", &secret]);
    scene.set_webhook(&server);
    let (first, second) = (scene.bind(&server, "org_1").await, scene.bind(&server, "org_2").await);
    for (bound, marker) in [(&first, "one"), (&second, "two")] {
        let payload = json!({ "ref": "refs/heads/main", "marker": marker });
        scene.sim.sim().send_event(bound.installation, "push", payload.as_object().unwrap().clone()).unwrap();
    }
    scene.sim.sim().settled().await;
    let text = scene.ok(&["organizations", "export", "org_1"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["organizationId"], "org_1");
    for table in [
        "apiKeys",
        "budgets",
        "installStates",
        "messageQueues",
        "messages",
        "bindings",
        "installations",
        "installationFacts",
    ] {
        assert!(!object[table].as_array().unwrap().is_empty(), "{table}");
    }
    let bodies: Vec<_> =
        object["messages"].as_array().unwrap().iter().filter_map(|it| it["body"].as_str()).collect();
    assert!(bodies.iter().any(|body| body.contains("one")), "{bodies:?}");
    let registered = first.backend.inspect(&server.api).await.unwrap().json()["registeredAt"].clone();
    assert_eq!(object["bindings"][0]["registered_at"], registered);
    for foreign in ["org_2", "\"two\"", "secret_hash", "digest", "spent", "ticket"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
    let (code, _) = scene.failing(&["organizations", "export", "org_9"]);
    assert_eq!(code, 1);

    let forgotten = scene.json(&["organizations", "forget", "org_1", "--yes"]);
    assert_eq!((&forgotten["apiKeys"], &forgotten["bindings"]), (&json!(1), &json!(1)), "{forgotten}");
    let (code, said) = scene.failing(&["organizations", "export", "org_1"]);
    assert!(code == 1 && said.contains("nothing is stored about org_1"), "{said}");
    assert_eq!(first.backend.inspect(&server.api).await.unwrap().status, 401);
    assert_eq!(second.backend.inspect(&server.api).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_shown_retried_and_the_outbox_is_closed() {
    let scene = Scene::start().await;
    std::fs::write(scene.path("secret"), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let secret = scene.text("secret");
    let server = scene.serve(&["--forward-to", "http://127.0.0.1:1/", "--forward-secret-file", &secret]);
    scene.bind(&server, "org_1").await;
    let listed = scene.json(&["deliveries", "list"]);
    let id = listed["deliveries"][0]["id"].as_str().unwrap().to_owned();
    let shown = scene.json(&["deliveries", "show", &id]);
    assert_eq!((&shown["organization"], &shown["sequence"]), (&json!("org_1"), &json!(1)), "{shown}");
    let retried = scene.json(&["deliveries", "retry", &id]);
    assert_eq!(retried["outcome"], "queued");
    assert_eq!(server.end(), Some(0));
    let closed = scene.json(&["deliveries", "close", "--yes"]);
    assert_eq!((&closed["wasOpen"], &closed["deleted"]["waiting"]), (&json!(true), &json!(1)), "{closed}");
    // Without an outbox, changes store no message.
    let server = scene.serve(&[]);
    scene.bind(&server, "org_2").await;
    assert_eq!(scene.json(&["deliveries", "list"])["deliveries"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_installations_are_reset_and_apps_renamed_and_retired() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    scene.set_webhook(&server);
    let bound = scene.bind(&server, "org_1").await;
    let id = bound.installation.to_string();
    scene.sim.sim().uninstall(bound.installation).unwrap();
    scene.sim.sim().settled().await;
    let (code, said) = scene.failing(&["installations", "reset", &id, "--yes"]);
    assert!(code == 1 && said.contains("still bound"), "{said}");
    assert_eq!(bound.backend.detach(&server.api).await.unwrap().status, 204);
    let entry = scene.json(&["installations", "reset", &id, "--yes", "--note", "ann"]);
    assert_eq!(entry["uninstalledBy"], "deletion");
    assert_eq!(scene.json(&["installations", "resets"])[0]["note"], "ann");

    let app = scene.app.app_id.to_string();
    let api = scene.json(&["apps", "list"])[0]["apiBase"].as_str().unwrap().to_owned();
    let to = "https://github.new.example.com/api/v3";
    scene.ok(&["apps", "rename", &app, "--api-base", &api, "--to", to]);
    scene.ok(&["apps", "retire", &app, "--api-base", to]);
    assert!(scene.ok(&["apps", "list"]).contains("retired"));
    scene.ok(&["apps", "rename", &app, "--api-base", to, "--to", &api]);
    let added = scene.ok_as_app(&["apps", "add"]);
    assert!(added.contains("is number 1 of the file "), "{added}");
    assert!(scene.ok(&["apps", "list"]).contains("in use"));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_and_config_show_the_file_before_and_beside_serve() {
    let scene = Scene::start().await;
    let doctor = || {
        let mut command = scene.command(&["doctor"]);
        let said = command.args(scene.app_options()).output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    let before = doctor();
    assert!(before.contains("does not exist yet; serve creates it"), "{before}");
    assert!(!scene.database().exists(), "doctor changes nothing");
    let server = scene.serve(&[]);
    scene.bind(&server, "org_1").await;
    let beside = doctor();
    let expected = format!("used by serve, process {}", server.process());
    for expected in
        ["SQLite 3.", "without damage", &expected, "App of the file", "the first look at a binding"]
    {
        assert!(beside.contains(expected), "{expected}\n{beside}");
    }
    let config = scene.ok(&["config"]);
    assert!(config.contains("data-dir") && config.contains("DOCKLINE_DATA_DIR"), "{config}");
    assert!(scene.ok(&["migrate"]).contains("nothing to do"), "beside serve, too");
}
