//! A real git against the simulator: cloning and pushing with installation tokens.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::World;
use dockline_github_sim::{NewRepository, RepositoryChange, TokenFormat};
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

/// A folder of git's own, removed at the end.
struct Workspace(PathBuf);

impl Workspace {
    /// Every simulator has another port, and tests share a folder.
    fn of(world: &World) -> Self {
        let name = format!("git-{}-{}", std::process::id(), world.running.addr.port());
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

    /// What git printed; it must succeed.
    async fn done(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What git complained about; it must fail.
    async fn fails(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments).await;
        assert!(!output.status.success(), "{arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The address of one of acme-coffee's repositories, with the token as git's documentation has it.
fn address(world: &World, name: &str, token: &str) -> String {
    format!("http://x-access-token:{token}@{}/acme-coffee/{name}.git", world.running.addr)
}

#[tokio::test]
async fn a_clone_with_either_sort_of_token_has_the_readme() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let new = NewRepository::new("site").private(true).with_default_branch("release/trunk");
    world.sim().create_repository("acme-coffee", new).unwrap();
    let installation = world.install("acme-coffee");
    let workspace = Workspace::of(&world);
    for (format, folder) in [(TokenFormat::Opaque, "opaque"), (TokenFormat::Stateless, "stateless")] {
        world.sim().set_token_format(format);
        let token = world.token(installation, &json!({ "permissions": { "contents": "read" } })).await;
        workspace.done(&["clone", &address(&world, "beans", &token), folder]).await;
        assert_eq!(workspace.read(&format!("{folder}/README.md")), "# acme-coffee/beans\n");
    }
    let token = world.token(installation, &json!({})).await;
    workspace.done(&["clone", &address(&world, "site", &token), "site"]).await;
    assert_eq!(workspace.done(&["-C", "site", "branch", "--show-current"]).await, "release/trunk\n");
    let log = workspace.done(&["-C", "site", "log", "--format=%an %s"]).await;
    assert_eq!(log, "GitHub Initial commit\n");
    workspace.done(&["-C", "site", "fsck", "--strict"]).await;
}

#[tokio::test]
async fn the_clone_url_of_the_list_works_with_a_bearer_token() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    let (_, list) = world.get("/installation/repositories", &token).await;
    let url = list["repositories"][0]["clone_url"].as_str().unwrap();
    let workspace = Workspace::of(&world);
    let header = format!("http.extraHeader=Authorization: Bearer {token}");
    workspace.done(&["-c", &header, "clone", url, "beans"]).await;
    assert_eq!(workspace.read("beans/README.md"), "# acme-coffee/beans\n");
    // Also with the protocol from before the second version.
    let token = address(&world, "beans", &token);
    workspace.done(&["-c", "protocol.version=0", "clone", &token, "old"]).await;
    assert_eq!(workspace.read("old/README.md"), "# acme-coffee/beans\n");
}

#[tokio::test]
async fn a_token_that_ended_clones_nothing() {
    let world = World::new().await;
    let ids = world.repositories(&["beans", "roaster"]);
    let installation = world.install("acme-coffee");
    let workspace = Workspace::of(&world);
    let token = async || world.token(installation, &json!({ "repository_ids": [ids[0]] })).await;
    let (revoked, narrow) = (token().await, token().await);
    workspace.done(&["clone", &address(&world, "beans", &revoked), "before"]).await;

    assert_eq!(world.send(Method::DELETE, "/installation/token", &revoked).await.status(), 204);
    let complaint = workspace.fails(&["clone", &address(&world, "beans", &revoked), "revoked"]).await;
    assert!(complaint.contains("Authentication failed"), "{complaint}");

    let complaint = workspace.fails(&["clone", &address(&world, "roaster", &narrow), "roaster"]).await;
    assert!(complaint.contains("not found"), "{complaint}");

    world.sim().suspend(installation, None).unwrap();
    let complaint = workspace.fails(&["clone", &address(&world, "beans", &narrow), "suspended"]).await;
    assert!(complaint.contains("403") && complaint.contains("suspended"), "{complaint}");
    world.sim().unsuspend(installation).unwrap();
    workspace.done(&["clone", &address(&world, "beans", &narrow), "unsuspended"]).await;

    world.sim().advance_clock(3600);
    let complaint = workspace.fails(&["clone", &address(&world, "beans", &narrow), "expired"]).await;
    assert!(complaint.contains("Authentication failed"), "{complaint}");
}

#[tokio::test]
async fn what_was_pushed_is_fetched() {
    let world = World::new().await;
    world.repositories(&["beans"]);
    let installation = world.install("acme-coffee");
    let workspace = Workspace::of(&world);
    let write = world.token(installation, &json!({})).await;
    let read = world.token(installation, &json!({ "permissions": { "contents": "read" } })).await;
    let (write, read) = (address(&world, "beans", &write), address(&world, "beans", &read));
    workspace.done(&["clone", &write, "mine"]).await;
    // So many branches that git compresses the request to fetch them, and sends the request to push them in pieces.
    for n in 0..40 {
        workspace.done(&["-C", "mine", "commit", "--allow-empty", "-m", &format!("{n}")]).await;
        workspace.done(&["-C", "mine", "branch", &format!("topic/{n}")]).await;
    }
    let complaint = workspace.fails(&["-C", "mine", "push", &read, "--all"]).await;
    assert!(complaint.contains("403"), "{complaint}");
    workspace.done(&["-C", "mine", "-c", "http.postBuffer=1000", "push", &write, "--all"]).await;
    workspace.done(&["clone", &read, "theirs"]).await;
    assert_eq!(workspace.done(&["-C", "theirs", "branch", "--remotes"]).await.lines().count(), 42);
    assert_eq!(workspace.done(&["-C", "theirs", "log", "--format=%s", "-1"]).await, "39\n");
    workspace.done(&["-C", "theirs", "fsck", "--strict"]).await;
}

#[tokio::test]
async fn git_follows_what_happens_to_the_repository() {
    let world = World::new().await;
    let ids = world.repositories(&["beans"]);
    let token = world.token(world.install("acme-coffee"), &json!({})).await;
    let workspace = Workspace::of(&world);
    workspace.done(&["clone", &address(&world, "beans", &token), "before"]).await;
    let change = RepositoryChange {
        name: Some("grounds".to_owned()),
        default_branch: Some("trunk".to_owned()),
        ..RepositoryChange::default()
    };
    world.sim().change_repository(ids[0], change).unwrap();
    world.sim().rename("acme-coffee", "acme-tea").unwrap();
    workspace.fails(&["clone", &address(&world, "beans", &token), "gone"]).await;
    let moved = address(&world, "grounds", &token).replace("acme-coffee", "acme-tea");
    workspace.done(&["clone", &moved, "after"]).await;
    assert_eq!(workspace.done(&["-C", "after", "branch", "--show-current"]).await, "trunk\n");
    let commit = async |folder: &str| workspace.done(&["-C", folder, "rev-parse", "HEAD"]).await;
    assert_eq!(commit("before").await, commit("after").await, "the same repository");
}
