//! `dockline backup`.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use dockline::ports::{Clock, DeliveryStore, SystemClock};
use dockline::{AppId, DeliveryGuid, OutboxBounds, VerifiedDelivery};
use dockline_sqlite::{AppNumber, SqliteOptions, SqliteOutbox};

use crate::scene::Scene;

/// Stores messages of a MiB each in the file.
async fn fill(scene: &Scene, mebibytes: u32) {
    let database = SqliteOptions::new(scene.database()).open().await.unwrap();
    let outbox =
        SqliteOutbox::open(&database.with_app(AppNumber::FIRST), OutboxBounds::default()).await.unwrap();
    for number in 0..mebibytes {
        let delivery = VerifiedDelivery {
            app: AppId::new(1).unwrap(),
            installation: None,
            event: "ping",
            action: None,
            guid: DeliveryGuid::new(format!("guid-{number}")).unwrap(),
            received_at: SystemClock.now(),
            body: &vec![b' '; 1 << 20],
        };
        outbox.store(delivery).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_beside_a_running_serve_has_what_was_answered_and_serves_after_a_restore() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let bound = scene.bind(&server, "org_1").await;
    let copy = scene.text("copy.db");
    let made = scene.json(&["backup", &copy]);
    assert_eq!(made["file"], copy.as_str());
    assert_eq!(made["bytes"], std::fs::metadata(&copy).unwrap().len());
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let later = scene.bind(&server, "org_2").await;
    server.kill();

    for suffix in ["-wal", "-shm"] {
        drop(std::fs::remove_file(scene.path(&format!("data/dockline.db{suffix}"))));
    }
    std::fs::rename(&copy, scene.database()).unwrap();
    let server = scene.serve(&[]);
    let again = bound.backend.register(&server.api, bound.installation, &bound.state).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &bound.registered));
    assert_eq!(later.backend.inspect(&server.api).await.unwrap().status, 401, "its key is younger");
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_replaces_no_file_and_takes_the_place_of_an_interrupted_one() {
    let scene = Scene::start().await;
    let (code, said) = scene.failing(&["backup", &scene.text("copy.db")]);
    assert!(code == 2 && said.contains("does not exist"), "{said}");
    scene.ok(&["migrate"]);
    std::fs::write(scene.path("taken.db"), "mine").unwrap();
    let (code, said) = scene.failing(&["backup", &scene.text("taken.db")]);
    assert!(code == 1 && said.contains("taken.db exists"), "{said}");
    assert_eq!(std::fs::read(scene.path("taken.db")).unwrap(), b"mine");
    let (code, said) = scene.failing(&["backup", &scene.text("nowhere/copy.db")]);
    assert!(code == 1 && said.contains("a folder that this user can write to"), "{said}");
    std::fs::write(scene.path("copy.db-partial"), "the rest of a killed backup").unwrap();
    assert!(scene.ok(&["backup", &scene.text("copy.db")]).contains("bytes, checked"));
    assert!(!scene.path("copy.db-partial").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_that_a_signal_ends_leaves_nothing() {
    let scene = Scene::start().await;
    scene.ok(&["migrate"]);
    fill(&scene, 60).await;
    for signal in ["INT", "TERM"] {
        let said = loop {
            let mut command = scene.command(&["backup", &scene.text("copy.db")]);
            let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
            while !scene.path("copy.db-partial").exists() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            // It has begun. If it ends before the signal, it has to be repeated.
            let _ = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
            let ended = child.wait_with_output().unwrap();
            match ended.status.code() {
                Some(0) => std::fs::remove_file(scene.path("copy.db")).unwrap(),
                code => {
                    assert_eq!(code, Some(1), "{ended:?}");
                    break String::from_utf8(ended.stderr).unwrap();
                }
            }
        };
        assert!(said.contains("copy.db: the backup was interrupted"), "{said}");
        let mut left = std::fs::read_dir(scene.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.all(|name| !name.to_string_lossy().starts_with("copy.db")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_with_a_database_url_names_pg_dump() {
    let scene = Scene::start().await;
    let (code, said) = scene.failing(&[
        "backup",
        &scene.text("copy.db"),
        "--database-url",
        "postgres://u:canary@127.0.0.1:1/d",
    ]);
    assert!(code == 2 && said.contains("pg_dump") && !said.contains("canary"), "{said}");
}
