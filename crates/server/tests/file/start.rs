//! The first start, a restart, readiness and metrics.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::http_client::loopback;
use crate::scene::Scene;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn text(url: &str) -> String {
    loopback().get(url).send().await.unwrap().text().await.unwrap()
}

/// Waits until the readiness check `database` has this cause; `None`: until it passes.
async fn until_database_is(api: &str, cause: Option<&str>) {
    loop {
        let ready: Value = serde_json::from_str(&text(&format!("{api}/readyz")).await).unwrap();
        let checks = ready["checks"].as_array().or(ready["error"]["details"]["checks"].as_array()).unwrap();
        let check = checks.iter().find(|check| check["name"] == "database").unwrap();
        if check["cause"].as_str() == cause {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_start_creates_a_private_file_and_prints_its_path() {
    let scene = Scene::start().await;
    // As `umask 000` would have it.
    let mut command = std::process::Command::new("sh");
    let serve = scene.serve_command(&["--json"]);
    command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    command.env("DOCKLINE_DATA_DIR", scene.path("data")).current_dir(scene.path(""));
    let server = crate::scene::Server::of(command);
    assert_eq!(server.announced["databaseFile"], scene.database().to_str().unwrap());
    for suffix in ["", "-wal", "-shm", "-lock", "-turn"] {
        let path = scene.path(&format!("data/dockline.db{suffix}"));
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn file_is_complete_by_itself_after_a_command() {
    let scene = Scene::start().await;
    scene.ok(&["migrate"]);
    scene.backend("org_1");
    assert!(!scene.path("data/dockline.db-wal").exists(), "the last changes are in a log");
    // So a copy of it lacks nothing.
    std::fs::create_dir(scene.path("copy")).unwrap();
    std::fs::copy(scene.database(), scene.path("copy/dockline.db")).unwrap();
    let listed = scene.json(&["keys", "list", "--data-dir", &scene.text("copy")]);
    assert_eq!(listed[0]["organizationId"], "org_1");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_data_dir_the_file_is_in_the_working_directory() {
    let scene = Scene::start().await;
    let mut command = scene.serve_command(&["--json"]);
    command.env_remove("DOCKLINE_DATA_DIR");
    let server = crate::scene::Server::of(command);
    let expected = scene.path("dockline.db").canonicalize().unwrap();
    let printed = Path::new(server.announced["databaseFile"].as_str().unwrap()).canonicalize().unwrap();
    assert_eq!(printed, expected);
    assert_eq!(server.end(), Some(0));
    // By the configuration file, too.
    std::fs::create_dir(scene.path("other")).unwrap();
    std::fs::write(scene.path("dockline.toml"), format!("data-dir = '{}'\n", scene.text("other"))).unwrap();
    let mut command = scene.command(&["migrate", "--config", &scene.text("dockline.toml")]);
    let migrated = command.env_remove("DOCKLINE_DATA_DIR").output().unwrap();
    assert!(migrated.status.success(), "{migrated:?}");
    assert!(scene.path("other/dockline.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_answered_the_same_again_and_after_a_restart() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let bound = scene.bind(&server, "org_1").await;
    let again = bound.backend.register(&server.api, bound.installation, &bound.state).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &bound.registered));
    let read = bound.backend.inspect(&server.api).await.unwrap();
    assert_eq!(server.end(), Some(0));

    let server = scene.serve(&[]);
    let after = bound.backend.register(&server.api, bound.installation, &bound.state).await.unwrap();
    assert_eq!((after.status, &after.body), (201, &bound.registered));
    assert_eq!(bound.backend.inspect(&server.api).await.unwrap().body, read.body);
    let other = scene.backend("org_2");
    let state = other.state(&server.api).await;
    assert_eq!(
        other.register(&server.api, bound.installation, &state).await.unwrap().status,
        422,
        "it is taken"
    );
    assert_eq!(bound.backend.detach(&server.api).await.unwrap().status, 204);
    let spent = bound.backend.register(&server.api, bound.installation, &bound.state).await.unwrap();
    assert_eq!(spent.status, 422, "a state is used once: {}", spent.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_has_readiness_webhooks_and_metrics_and_a_removed_one_makes_serve_unready() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let bound = scene.bind(&server, "org_1").await;
    until_database_is(&server.api, None).await;
    scene.set_webhook(&server);
    scene.sim.sim().uninstall(bound.installation).unwrap();
    scene.sim.sim().settled().await;
    let read = bound.backend.inspect(&server.api).await.unwrap();
    assert_eq!(read.json()["status"], "uninstalled", "{}", read.body);
    let metrics = text(&format!("{}/metrics", server.api)).await;
    for metric in
        ["dockline_bindings", "dockline_port_call_duration_seconds", "dockline_github_call_duration_seconds"]
    {
        assert!(metrics.contains(metric), "{metric}\n{metrics}");
    }
    assert!(!metrics.contains("dockline_database_pool"), "{metrics}");

    std::fs::rename(scene.database(), scene.path("data/moved.db")).unwrap();
    until_database_is(&server.api, Some("removed")).await;
    std::fs::rename(scene.path("data/moved.db"), scene.database()).unwrap();
    until_database_is(&server.api, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_a_stopped_serve_is_complete_by_itself() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let bound = scene.bind(&server, "org_1").await;
    assert_eq!(server.end(), Some(0));
    std::fs::copy(scene.database(), scene.path("copy.db")).unwrap();
    std::fs::remove_dir_all(scene.path("data")).unwrap();
    std::fs::create_dir(scene.path("data")).unwrap();
    std::fs::rename(scene.path("copy.db"), scene.database()).unwrap();
    let server = scene.serve(&[]);
    let again = bound.backend.register(&server.api, bound.installation, &bound.state).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &bound.registered));
}
