//! Folders with unusual names, and files that cannot be used: each is named, with what to do.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::scene::Scene;

/// Starts serve and other commands on the folder, which must refuse it with these words.
fn assert_refused(scene: &Scene, folder: &Path, expected: [&str; 2]) {
    let serve = scene.serve_command(&[]);
    let commands = [
        serve,
        scene.command(&["keys", "list"]),
        scene.command(&["migrate"]),
        scene.command(&["move", "seal"]),
    ];
    for mut command in commands {
        let ended = command.env("DOCKLINE_DATA_DIR", folder).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(2), 0), "{said}");
        for expected in expected.iter().chain(&["dockline.db"]) {
            assert!(said.contains(expected), "{expected}\n{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_and_copy_may_have_any_name() {
    let scene = Scene::start().await;
    let odd: [&[u8]; 4] = [b"with space", b"100%25?mode=memory#1", b"file:", b"not utf-8 \xff"];
    for name in odd {
        let folder = scene.path("").join(OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        let run = |arguments: &[&OsStr]| {
            let mut command = scene.command(&[]);
            let ended =
                command.args(arguments).env("DOCKLINE_DATA_DIR", &folder).current_dir(&folder).output();
            let ended = ended.unwrap();
            assert!(ended.status.success(), "{arguments:?} in {}: {ended:?}", folder.display());
        };
        run(&["migrate".as_ref()]);
        assert!(folder.join("dockline.db").is_file());
        // In the working directory. SQLite would take the second one for a URI with the path of the file itself.
        for copy in [OsStr::from_bytes(name), "file:dockline.db?x=".as_ref()] {
            run(&["backup".as_ref(), copy]);
            assert!(fs::metadata(folder.join(copy)).unwrap().len() > 0, "{}", copy.display());
            fs::rename(folder.join(copy), folder.join("dockline.db")).unwrap();
            run(&["keys".as_ref(), "list".as_ref()]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_of_its_own_is_refused_and_named() {
    let scene = Scene::start().await;
    let place = |name: &str| {
        let folder = scene.path(name);
        fs::create_dir(&folder).unwrap();
        (folder.join("dockline.db"), folder)
    };
    let (path, folder) = place("folder");
    fs::create_dir(&path).unwrap();
    assert_refused(&scene, &folder, ["is a folder, a pipe or a device", "--data-dir"]);

    let (path, folder) = place("socket");
    let _socket = UnixListener::bind(&path).unwrap();
    assert_refused(&scene, &folder, ["is a folder, a pipe or a device", "move it away"]);

    let (path, folder) = place("dangling");
    symlink(scene.path("nowhere.db"), &path).unwrap();
    assert_refused(&scene, &folder, ["a symbolic link to a file that does not exist", "correct the link"]);
    assert!(!scene.path("nowhere.db").exists());

    scene.ok(&["migrate"]);
    let (path, folder) = place("linked");
    fs::hard_link(scene.database(), &path).unwrap();
    assert_refused(&scene, &folder, ["has another name (a hard link)", "remove the other name"]);
    fs::remove_file(path).unwrap();

    let (path, folder) = place("log");
    fs::write(folder.join("dockline.db-wal"), "the last changes").unwrap();
    assert_refused(
        &scene,
        &folder,
        ["its log, dockline.db-wal, is there", "put the file that belongs to the log back"],
    );
    assert!(!path.exists());
    assert_eq!(fs::read(folder.join("dockline.db-wal")).unwrap(), b"the last changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn second_serve_by_a_symbolic_link_is_refused() {
    let scene = Scene::start().await;
    let server = scene.serve(&[]);
    fs::create_dir(scene.path("other")).unwrap();
    symlink(scene.database(), scene.path("other/dockline.db")).unwrap();
    let refused = scene.serve_command(&["--data-dir", &scene.text("other")]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    let expected = format!("is in use by another dockline serve, process {}", server.process());
    assert!(refused.status.code() == Some(2) && said.contains(&expected), "{said}");
    // Commands may use the link.
    scene.backend("org_1");
    assert_eq!(
        scene.json(&["keys", "list", "--data-dir", &scene.text("other")])[0]["organizationId"],
        "org_1"
    );
    assert_eq!(fs::read_dir(scene.path("other")).unwrap().count(), 1);
    assert_eq!(server.end(), Some(0));
}

/// Runs a command as a user to whom permissions apply, who owns the folder `data`: root may write to every file.
fn without_privileges(scene: &Scene, command: &Command) -> Command {
    const UNPRIVILEGED: u32 = 65_534;
    let program = scene.path("dockline");
    if !program.exists() {
        fs::copy(command.get_program(), &program).unwrap();
    }
    let mut unprivileged = Command::new(program);
    unprivileged.args(command.get_args()).env("DOCKLINE_DATA_DIR", scene.path("data"));
    unprivileged.current_dir(scene.path(""));
    if fs::metadata(scene.path("data")).unwrap().uid() == 0 {
        for name in ["data", "data/dockline.db", "data/dockline.db-lock", "data/dockline.db-turn"] {
            chown(scene.path(name), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
        }
        fs::set_permissions(scene.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    }
    if fs::metadata(scene.path("")).unwrap().uid() == 0 {
        unprivileged.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    unprivileged
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_cannot_be_written_is_refused_when_it_is_opened() {
    let scene = Scene::start().await;
    assert_eq!(scene.serve(&[]).end(), Some(0));
    let refused = |command: Command, expected: &str| {
        let ended = without_privileges(&scene, &command).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains(expected) && said.contains("as the user that owns the file"), "{said}");
    };
    let listed = without_privileges(&scene, &scene.command(&["keys", "list"])).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&scene.database(), 0o400);
    for command in [scene.serve_command(&[]), scene.command(&["keys", "list"]), scene.command(&["migrate"])] {
        refused(command, "it is read-only");
    }
    set(&scene.database(), 0o600);
    // SQLite needs its log there.
    set(&scene.path("data"), 0o500);
    refused(scene.serve_command(&[]), "cannot be written");
}
