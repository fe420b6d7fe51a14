//! Cloning and pushing with git and installation tokens.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::Fixture;
use dockline_github_sim::{NewRepository, TokenFormat};
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

/// A folder for git, removed on drop.
pub(super) struct Workspace(PathBuf);

impl Workspace {
    /// Names the folder by the simulator's port, since tests share the parent folder.
    pub(super) fn of(fixture: &Fixture) -> Self {
        let name = format!("git-{}-{}", std::process::id(), fixture.running.addr.port());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    async fn git(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("git");
        let path = std::env::var_os("PATH").unwrap();
        command.args(arguments).current_dir(&self.0).env_clear().env("PATH", path).env("HOME", &self.0);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Mia").env(format!("GIT_{who}_EMAIL"), "mia@example.com");
        }
        command.output().await.unwrap()
    }

    /// Runs git, which must succeed, and returns its standard output.
    pub(super) async fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs git, which must fail, and returns its standard error.
    async fn fails(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments).await;
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Returns the URL of a repository of acme-coffee with the token as password.
pub(super) fn url(fixture: &Fixture, name: &str, token: &str) -> String {
    format!("http://x-access-token:{token}@{}/acme-coffee/{name}.git", fixture.running.addr)
}

#[tokio::test]
async fn clone_works_with_both_token_formats() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let new = NewRepository::new("site").private(true).with_default_branch("release/trunk");
    fixture.sim().create_repository("acme-coffee", new).unwrap();
    let installation = fixture.install("acme-coffee");
    let workspace = Workspace::of(&fixture);
    for (format, folder) in [(TokenFormat::Opaque, "opaque"), (TokenFormat::Stateless, "stateless")] {
        fixture.sim().set_token_format(format);
        let token = fixture.token(installation, &json!({ "permissions": { "contents": "read" } })).await;
        workspace.succeeds(&["clone", &url(&fixture, "beans", &token), folder]).await;
        assert_eq!(workspace.read(&format!("{folder}/README.md")), "# acme-coffee/beans\n");
    }
    let token = fixture.token(installation, &json!({})).await;
    workspace.succeeds(&["clone", &url(&fixture, "site", &token), "site"]).await;
    assert_eq!(workspace.succeeds(&["-C", "site", "branch", "--show-current"]).await, "release/trunk\n");
    let log = workspace.succeeds(&["-C", "site", "log", "--format=%an %s"]).await;
    assert_eq!(log, "GitHub Initial commit\n");
    workspace.succeeds(&["-C", "site", "fsck", "--strict"]).await;
}

#[tokio::test]
async fn listed_clone_url_works_with_a_bearer_token() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    let (_, list) = fixture.get("/installation/repositories", &token).await;
    let url = list["repositories"][0]["clone_url"].as_str().unwrap();
    let workspace = Workspace::of(&fixture);
    let header = format!("http.extraHeader=Authorization: Bearer {token}");
    workspace.succeeds(&["-c", &header, "clone", url, "beans"]).await;
    assert_eq!(workspace.read("beans/README.md"), "# acme-coffee/beans\n");
    // Also with protocol version 0.
    let url = self::url(&fixture, "beans", &token);
    workspace.succeeds(&["-c", "protocol.version=0", "clone", &url, "old"]).await;
    assert_eq!(workspace.read("old/README.md"), "# acme-coffee/beans\n");
}

#[tokio::test]
async fn revoked_suspended_and_expired_tokens_cannot_clone() {
    let fixture = Fixture::new().await;
    let ids = fixture.repositories(&["beans", "roaster"]);
    let installation = fixture.install("acme-coffee");
    let workspace = Workspace::of(&fixture);
    let token = async || fixture.token(installation, &json!({ "repository_ids": [ids[0]] })).await;
    let (revoked, narrow) = (token().await, token().await);
    workspace.succeeds(&["clone", &url(&fixture, "beans", &revoked), "before"]).await;

    assert_eq!(fixture.send(Method::DELETE, "/installation/token", &revoked).await.status(), 204);
    let stderr = workspace.fails(&["clone", &url(&fixture, "beans", &revoked), "revoked"]).await;
    assert!(stderr.contains("Authentication failed"), "{stderr}");

    let stderr = workspace.fails(&["clone", &url(&fixture, "roaster", &narrow), "roaster"]).await;
    assert!(stderr.contains("not found"), "{stderr}");

    fixture.sim().suspend(installation, None).unwrap();
    let stderr = workspace.fails(&["clone", &url(&fixture, "beans", &narrow), "suspended"]).await;
    assert!(stderr.contains("403") && stderr.contains("suspended"), "{stderr}");
    fixture.sim().unsuspend(installation).unwrap();
    workspace.succeeds(&["clone", &url(&fixture, "beans", &narrow), "unsuspended"]).await;

    fixture.sim().advance_clock(3600);
    let stderr = workspace.fails(&["clone", &url(&fixture, "beans", &narrow), "expired"]).await;
    assert!(stderr.contains("Authentication failed"), "{stderr}");
}

#[tokio::test]
async fn pushed_commits_are_fetched() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let installation = fixture.install("acme-coffee");
    let workspace = Workspace::of(&fixture);
    let write = fixture.token(installation, &json!({})).await;
    let read = fixture.token(installation, &json!({ "permissions": { "contents": "read" } })).await;
    let (write, read) = (url(&fixture, "beans", &write), url(&fixture, "beans", &read));
    workspace.succeeds(&["clone", &write, "mine"]).await;
    // With this many branches, git compresses the fetch request and sends the push request in chunks.
    for n in 0..40 {
        workspace.succeeds(&["-C", "mine", "commit", "--allow-empty", "-m", &format!("{n}")]).await;
        workspace.succeeds(&["-C", "mine", "branch", &format!("topic/{n}")]).await;
    }
    let stderr = workspace.fails(&["-C", "mine", "push", &read, "--all"]).await;
    assert!(stderr.contains("403"), "{stderr}");
    workspace.succeeds(&["-C", "mine", "-c", "http.postBuffer=1000", "push", &write, "--all"]).await;
    workspace.succeeds(&["clone", &read, "theirs"]).await;
    assert_eq!(workspace.succeeds(&["-C", "theirs", "branch", "--remotes"]).await.lines().count(), 42);
    assert_eq!(workspace.succeeds(&["-C", "theirs", "log", "--format=%s", "-1"]).await, "39\n");
    workspace.succeeds(&["-C", "theirs", "fsck", "--strict"]).await;
}

#[tokio::test]
async fn repository_is_served_under_the_new_login_after_a_rename() {
    let fixture = Fixture::new().await;
    fixture.repositories(&["beans"]);
    let token = fixture.token(fixture.install("acme-coffee"), &json!({})).await;
    let workspace = Workspace::of(&fixture);
    workspace.succeeds(&["clone", &url(&fixture, "beans", &token), "before"]).await;
    fixture.sim().rename("acme-coffee", "acme-tea").unwrap();
    workspace.fails(&["clone", &url(&fixture, "beans", &token), "gone"]).await;
    let moved = url(&fixture, "beans", &token).replace("acme-coffee", "acme-tea");
    workspace.succeeds(&["clone", &moved, "after"]).await;
    let commit = async |folder: &str| workspace.succeeds(&["-C", folder, "rev-parse", "HEAD"]).await;
    assert_eq!(commit("before").await, commit("after").await, "the same repository");
}
