//! Files and folders: keys of all kinds, and places where nothing can be written.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use secrecy::ExposeSecret;

use crate::scene::{Scene, answered, ended};

const KEY: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn file_that_is_no_private_key_is_explained() {
    let scene = Scene::start().await;
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(scene.path(&format!("given/{name}")), bytes).unwrap();
    write("empty.pem", b"\n");
    write("public.pem", include_bytes!("../../../github/tests/keys/rsa-2048-public.pem"));
    write("encrypted.pem", include_bytes!("../../../github/tests/keys/rsa-2048-encrypted-pkcs8.pem"));
    write("ec.pem", include_bytes!("../../../github/tests/keys/ec-pkcs8.pem"));
    write("der.pem", b"0\x82\xff\xfe");
    write("text.pem", b"0123456789abcdef");
    let mut answers = scene.answers();
    for (name, expected) in [
        ("none.pem", "none.pem cannot be read"),
        ("", "given/ cannot be read: Is a directory"),
        ("empty.pem", "empty.pem is empty"),
        ("public.pem", "public"),
        ("encrypted.pem", "encrypted"),
        ("ec.pem", "RSA"),
        ("der.pem", "der.pem is not UTF-8 text"),
        ("text.pem", "PEM"),
    ] {
        answers[KEY] = scene.text(&format!("given/{name}"));
        let init = answered(&mut scene.command(&["init"]), &answers);
        assert_eq!(init.code, Some(2), "{name}: {}", init.stderr);
        let (_, error) = init.stderr.split_once("  1. --github-private-key-file: ").unwrap();
        let (cause, help) = error.split_once("\n     help: ").unwrap();
        assert!(cause.contains(expected) && !help.is_empty(), "{name}: {error}");
        assert!(!error.contains("0123456789abcdef"), "{error}");
    }
    answers[KEY] = "/dev/zero".to_owned();
    let endless = answered(&mut scene.command(&["init"]), &answers);
    assert!(endless.stderr.contains("/dev/zero is larger than 1 MiB"), "{}", endless.stderr);
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn key_in_pkcs_8_is_accepted_and_one_that_everybody_can_read_is_reported() {
    let scene = Scene::start().await;
    // Another key, so GitHub refuses it: the check says so, and the files stay.
    let key = include_bytes!("../../../github/tests/keys/rsa-2048-pkcs8.pem");
    std::fs::write(scene.path("given/key.pem"), key).unwrap();
    std::fs::set_permissions(scene.path("given/key.pem"), PermissionsExt::from_mode(0o644)).unwrap();
    let mut answers = scene.answers();
    answers[KEY] = "given/key.pem".to_owned();
    let init = answered(&mut scene.command(&["init"]), &answers);
    assert_eq!(init.code, Some(1), "{}\n{}", init.stdout, init.stderr);
    assert!(init.stdout.contains("every user of this machine may read it"), "{}", init.stdout);
    assert!(init.stdout.contains("GitHub refuses the App's credential"), "{}", init.stdout);
    assert_eq!(scene.configured()["github-private-key-file"]["value"], scene.text("given/key.pem"));
    assert_eq!(scene.mode("given/key.pem"), 0o644, "a file that is given is not changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_with_any_characters_is_written_so_that_serve_finds_it() {
    let scene = Scene::start().await;
    let folder = "odd \"quoted\" 'twice' \\ \u{7f}\u{1b} # = [ü] 🔑";
    std::fs::create_dir(scene.path(folder)).unwrap();
    std::fs::copy(scene.path("given/key.pem"), scene.path(folder).join("key.pem")).unwrap();
    let mut answers = scene.answers();
    answers[KEY] = "key.pem".to_owned();
    let mut command = scene.command(&["init"]);
    let init = answered(command.current_dir(scene.path(folder)), &answers);
    assert_eq!(init.code, Some(0), "{}\n{}", init.stdout, init.stderr);
    // The printed command works in a shell, also elsewhere.
    let (_, next) = init.stdout.split_once("\n  dockline keys create ").unwrap();
    let next = format!(
        "exec \"$0\" config {}",
        next.lines().next().unwrap().split_once(" --organization").unwrap().0
    );
    let config = Command::new("sh").arg("-c").arg(next).arg(command.get_program()).output().unwrap();
    let config = String::from_utf8(config.stdout).unwrap();
    assert!(config.contains(&*scene.app.slug), "{config}");
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_whose_name_would_be_two_files_is_refused() {
    let scene = Scene::start().await;
    std::fs::create_dir(scene.path("a,b")).unwrap();
    let init = answered(scene.command(&["init"]).current_dir(scene.path("a,b")), &scene.answers());
    assert_eq!(init.code, Some(2), "{}", init.stderr);
    let cause = format!("--webhook-secret-file: {} contains a comma", scene.text("a,b/webhook-secret"));
    assert!(init.stderr.contains(&cause), "{}", init.stderr);
    assert_eq!(std::fs::read_dir(scene.path("a,b")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_is_not_utf_8_is_refused() {
    let scene = Scene::start().await;
    let folder = scene.path("").join(OsStr::from_bytes(b"\xff"));
    std::fs::create_dir(&folder).unwrap();
    let init = answered(scene.command(&["init"]).current_dir(&folder), &scene.answers());
    assert_eq!(init.code, Some(2), "{}", init.stderr);
    assert!(
        init.stderr.contains("--github-client-secret-file: ") && init.stderr.contains(" is not UTF-8"),
        "{}",
        init.stderr
    );
    // Also before an App is created.
    let mut create = scene.command(&["init", "--create-app", "--data-dir", "/tmp"]);
    let refused = ended(create.args(scene.github()).arg("--config").arg(folder.join("dockline.toml")));
    assert!(refused.code == Some(2) && refused.stderr.contains(" is not UTF-8"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn place_without_permission_or_space_is_found_before_the_questions() {
    let scene = Scene::start().await;
    std::fs::create_dir(scene.path("given/dockline.toml")).unwrap();
    std::fs::write(scene.path("given/file"), "").unwrap();
    for (place, expected) in [
        ("/proc/dockline.toml", "/proc cannot be written to: "),
        ("given/file/dockline.toml", "given/file cannot be written to: "),
        ("none/dockline.toml", "none cannot be written to: "),
        ("given/dockline.toml", "given/dockline.toml is a folder"),
        ("/", "/ is a folder"),
    ] {
        let init = answered(&mut scene.command(&["init", "--force", "--config", place]), &scene.answers());
        assert_eq!(init.code, Some(2), "{place}: {}", init.stderr);
        let error = init.stderr.split_once("  1. --config: ").unwrap().1;
        assert!(error.contains(expected) && error.contains("help: "), "{place}: {error}");
        assert!(!init.stderr.contains("Host of GitHub"), "it asks nothing: {}", init.stderr);
    }
    // Files of at most 4 kB, as on a disk that is nearly full.
    let mut full = Command::new("sh");
    full.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" init"]).arg(scene.command(&[]).get_program());
    let init = answered(full.current_dir(scene.path("")), &scene.answers());
    assert_eq!(init.code, Some(2), "{}", init.stderr);
    assert!(init.stderr.contains("cannot be written to: "), "{}", init.stderr);
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_complete_if_standard_output_is_full() {
    let scene = Scene::start().await;
    let mut full = Command::new("sh");
    full.args(["-c", "exec \"$0\" init > /dev/full"]).arg(scene.command(&[]).get_program());
    let init = answered(full.current_dir(scene.path("")), &scene.answers());
    assert_eq!(init.code, Some(1), "{}", init.stderr);
    assert!(init.stderr.contains("No space left on device"), "{}", init.stderr);
    assert_eq!(scene.files(), ["dockline.toml", "github-client-secret", "webhook-secret"]);
    assert_eq!(scene.configured()["github-app-slug"]["value"], scene.app.slug);
}

#[tokio::test(flavor = "multi_thread")]
async fn variable_that_is_not_utf_8_is_refused() {
    let scene = Scene::start().await;
    for variable in
        ["DOCKLINE_GITHUB_CLIENT_SECRET", "DOCKLINE_GITHUB_PRIVATE_KEY", "DOCKLINE_WEBHOOK_SECRET"]
    {
        let mut command = scene.command(&["init"]);
        let init = ended(command.env(variable, OsStr::from_bytes(b"0123456789abcdef\xff")));
        assert_eq!(init.code, Some(2));
        assert!(init.stderr.contains(&format!("{variable}: is not UTF-8 text")), "{}", init.stderr);
        assert!(!init.stderr.contains("0123456789abcdef"), "{}", init.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn second_run_replaces_everything_by_force_and_nothing_without() {
    let scene = Scene::start().await;
    let mut answers = scene.answers();
    assert_eq!(answered(&mut scene.command(&["init"]), &answers).code, Some(0));
    let before = scene.read("dockline.toml");
    let again = answered(&mut scene.command(&["init"]), &answers);
    assert!(
        again.code == Some(2) && again.stderr.contains("set --force to overwrite it"),
        "{}",
        again.stderr
    );
    assert_eq!(scene.read("dockline.toml"), before);
    // A file that others can read gets the mode of a secret.
    std::fs::set_permissions(scene.path("webhook-secret"), PermissionsExt::from_mode(0o666)).unwrap();
    answers[6] = "another secret of this App".to_owned();
    let forced = answered(&mut scene.command(&["init", "--force"]), &answers);
    assert_eq!(forced.code, Some(0), "{}\n{}", forced.stdout, forced.stderr);
    assert_eq!(scene.read("webhook-secret"), "another secret of this App\n");
    assert_eq!(scene.mode("webhook-secret"), 0o600);
    assert_eq!(scene.files(), ["dockline.toml", "github-client-secret", "webhook-secret"]);
    assert_eq!(scene.read("github-client-secret").trim(), scene.app.client_secret.expose_secret());
}
