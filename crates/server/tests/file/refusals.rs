//! What is refused, and what the program says to do.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::scene::Scene;

/// Starts serve, which must refuse to start. Returns what it says.
fn refused(scene: &Scene, further: &[&str]) -> String {
    let Output { status, stderr, stdout } = scene.serve_command(further).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.len()), (Some(2), 0), "{stderr}");
    stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn second_serve_on_the_same_file_is_refused_and_told_what_to_do() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    let said = refused(&scene, &[]);
    let process = format!("is in use by another dockline serve, process {}", server.process());
    for expected in
        [scene.database().to_str().unwrap(), &process, "stop that one first", "several nodes need PostgreSQL"]
    {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    // The first one goes on.
    scene.bind(&server, "org_1").await;
    assert_eq!(server.end(), Some(0));
    assert_eq!(scene.serve(&[]).end(), Some(0), "the lock ended with its process");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_serve_and_migrate_create_the_file() {
    let scene = Scene::start().await;
    for command in [&["keys", "list"][..], &["bindings", "list"], &["apps", "list"], &["deliveries", "list"]]
    {
        let (code, said) = scene.failing(command);
        assert_eq!(code, 2, "{said}");
        for expected in
            ["dockline.db: does not exist", "start dockline serve", "--data-dir", "--database-url"]
        {
            assert!(said.contains(expected), "{expected}\n{said}");
        }
    }
    let (code, said) = scene.failing(&["migrate", "--check"]);
    assert!(code == 2 && said.contains("run dockline migrate"), "{said}");
    let said = refused(&scene, &["--migrations", "check"]);
    assert!(said.contains("does not exist") && said.contains("run dockline migrate"), "{said}");
    assert!(!scene.database().exists(), "a command created the file");
    assert_eq!(std::fs::read_dir(scene.path("data")).unwrap().count(), 0);

    let path = scene.database();
    let made = scene.ok(&["migrate"]);
    assert!(made.starts_with(&format!("file {}: migrated from version 0 to ", path.display())), "{made}");
    assert!(scene.ok(&["migrate"]).contains("nothing to do"));
    assert!(scene.ok(&["migrate", "--check"]).contains("nothing to do"));
    assert_eq!(scene.serve(&["--migrations", "check"]).end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_folder_and_files_of_others_are_refused_with_a_remedy_and_not_changed() {
    let scene = Scene::start().await;
    let said = refused(&scene, &["--data-dir", &scene.text("nowhere")]);
    assert!(said.contains("nowhere/dockline.db") && said.contains("The folder must exist"), "{said}");
    // A folder that is a file.
    let said = refused(&scene, &["--data-dir", &scene.text("key.pem")]);
    assert!(said.contains("key.pem/dockline.db"), "{said}");

    let junk = "not a database, but as long as a page has to be. ".repeat(200);
    std::fs::write(scene.database(), &junk).unwrap();
    let said = refused(&scene, &[]);
    assert!(said.contains("is not a SQLite database") && said.contains("--data-dir"), "{said}");
    assert_eq!(std::fs::read_to_string(scene.database()).unwrap(), junk);
    let (_, said) = scene.failing(&["keys", "list"]);
    assert!(said.contains("is not a SQLite database"), "{said}");
    let checked = scene.run(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let check =
        report["checks"].as_array().unwrap().iter().find(|check| check["check"] == "database").unwrap();
    assert!(check.to_string().contains("is not a SQLite database"), "{check}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_file_is_refused_and_the_backup_is_named() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    for number in 0..20 {
        scene.bind(&server, &format!("org_{number}")).await;
    }
    assert_eq!(server.end(), Some(0));
    let mut bytes = std::fs::read(scene.database()).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 20, "{pages}");
    // All pages but those with the schema.
    bytes[10 * 4096..].fill(0x5a);
    std::fs::write(scene.database(), bytes).unwrap();
    let said = scene.serve_command(&[]).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("is damaged") && said.contains("restore a backup"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_others_could_read_is_made_private_by_serve_and_named_by_doctor() {
    let scene = Scene::start().await;
    scene.ok(&["migrate"]);
    std::fs::set_permissions(scene.database(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let checked = String::from_utf8(scene.run(&["doctor"]).stdout).unwrap();
    assert!(checked.contains("can be read by every user") && checked.contains("chmod 600"), "{checked}");
    let server = scene.serve(&[]);
    let mode = std::fs::metadata(scene.database()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_with_another_app_is_refused_unless_it_is_added() {
    let scene = Scene::start().await;
    assert_eq!(scene.serve(&[]).end(), Some(0));
    let other = Scene::start().await;
    let data = scene.text("data");
    let mut first = other.serve_command(&["--data-dir", &data]);
    let said = String::from_utf8(first.output().unwrap().stderr).unwrap();
    assert!(said.contains("belongs to another App") && said.contains("dockline apps add"), "{said}");
    let server = other.serve(&["--data-dir", &data, "--new-app"]);
    assert_eq!(server.end(), Some(0));
    let apps = scene.json(&["apps", "list"]);
    assert_eq!(apps.as_array().unwrap().len(), 2, "{apps}");
}
