//! `--github-signer-command`: signing by another program, and its failures.

use std::process::Command;

use crate::api::Backend;
use crate::schema::TestSchema;
use crate::server::{AppFiles, Github, Server, dockline};

/// Returns a command with all options of `serve` except the private key.
fn command(of: &str, schema: &TestSchema, github: &Github) -> Command {
    let Github { sim, app, files } = github;
    let mut command = dockline(schema, &[of, "--listen", "127.0.0.1:0", "--claim-policy", "state"]);
    command
        .env("DOCKLINE_GITHUB_WEB_URL", &sim.web)
        .env("DOCKLINE_GITHUB_API_URL", &sim.api)
        .env("DOCKLINE_GITHUB_APP_ID", app.app_id.to_string())
        .env("DOCKLINE_GITHUB_APP_SLUG", &files.slug)
        .env("DOCKLINE_WEBHOOK_SECRET_FILE", files.path("webhook-secret"));
    command
}

fn openssl(arguments: &[&str]) {
    assert!(Command::new("openssl").args(arguments).output().unwrap().status.success(), "{arguments:?}");
}

fn public_half(files: &AppFiles) -> String {
    let public = files.path("public.pem");
    openssl(&["rsa", "-in", &files.path("key.pem"), "-pubout", "-out", &public]);
    public
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_signs_from_the_start_to_a_binding() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let key = github.files.path("key.pem");
    let raw = format!("openssl dgst -sha256 -sign '{key}'");
    let base64 = format!("sh -c \"openssl dgst -sha256 -sign '{key}' | base64\"");
    let public = public_half(&github.files);
    for (number, line, checked) in [(1, &raw, false), (2, &base64, true)] {
        let mut command = command("serve", &schema, &github);
        command.arg("--json").env("DOCKLINE_GITHUB_SIGNER_COMMAND", line);
        if checked {
            command.env("DOCKLINE_GITHUB_PUBLIC_KEY_FILE", &public);
        }
        let server = Server::of(command);
        let organization = format!("org_{number}");
        let backend = Backend::new(schema.key(&organization).await);
        let installation = github.install(&format!("olga-{number}"));
        let state = backend.state(&server.api).await;
        assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
        assert_eq!(server.end(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_signer_are_reported_with_their_cause() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let other = github.files.path("other.pem");
    openssl(&["genrsa", "-out", &other, "2048"]);
    let public = public_half(&github.files);
    let key = github.files.path("key.pem");
    let sign_as = |key: &str| format!("openssl dgst -sha256 -sign '{key}'");
    let cases = [
        (
            "sh -c 'echo no access to the key >&2; exit 3'".into(),
            None,
            "failed (exit status: 3); standard error: \"no access to the key\"",
        ),
        ("sh -c 'exit 1'".into(), None, "failed (exit status: 1); standard error: \"\""),
        ("echo rubbish!".into(), None, "it returned text that is not base64"),
        ("echo QUJD".into(), None, "it returned 3 bytes; an RS256 signature has 256 to 1024"),
        ("true".into(), None, "it returned 0 bytes"),
        ("yes".into(), None, "returned more than 8192 bytes"),
        ("/nowhere/at/all --sign".into(), None, "cannot be started (No such file or directory"),
        (sign_as(&other), None, "GitHub refuses the App's credential (401)"),
        (sign_as(&other), Some(&public), "its signature does not match the public key"),
    ];
    for (line, public, said) in cases {
        let mut doctor = command("doctor", &schema, &github);
        doctor.env("DOCKLINE_GITHUB_SIGNER_COMMAND", &line);
        if let Some(public) = public {
            doctor.env("DOCKLINE_GITHUB_PUBLIC_KEY_FILE", public);
        }
        let output = doctor.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {stdout}");
        let (_, finding) = stdout.split_once("FAIL  App credential: ").unwrap();
        assert!(finding.contains(said), "{line}: {said}\n{stdout}");
    }
    // Standard error beside a valid signature is only logged.
    let line = format!("sh -c \"echo rotate me soon >&2; {}\"", sign_as(&key));
    let output =
        command("doctor", &schema, &github).env("DOCKLINE_GITHUB_SIGNER_COMMAND", line).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stdout.contains("ok    App credential"), "{stdout}");
    assert!(stderr.contains("rotate me soon"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signer_that_hangs_is_killed_at_its_timeout() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let pid = github.files.path("pid");
    let mut doctor = command("doctor", &schema, &github);
    doctor.env("DOCKLINE_GITHUB_SIGNER_COMMAND", format!("sh -c 'echo $$ > \"{pid}\"; exec sleep 600'"));
    let output = doctor.env("DOCKLINE_GITHUB_SIGNER_TIMEOUT", "1s").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("the signer is unavailable: it did not answer within 1s"), "{stdout}");
    let pid = std::fs::read_to_string(pid).unwrap();
    let alive = Command::new("kill").args(["-0", pid.trim()]).output().unwrap().status.success();
    assert!(
        !alive
            || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
                .is_ok_and(|stat| stat.contains(") Z "))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signer_does_not_inherit_secrets() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let (key, seen) = (github.files.path("key.pem"), github.files.path("environment"));
    let line = format!("sh -c \"env > '{seen}'; openssl dgst -sha256 -sign '{key}'\"");
    let mut doctor = command("doctor", &schema, &github);
    doctor.env("DOCKLINE_GITHUB_SIGNER_COMMAND", line).env("KMS_REGION", "here");
    assert_eq!(doctor.output().unwrap().status.code(), Some(0));
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("KMS_REGION=here") && !seen.contains("DOCKLINE_"), "{seen}");
}
