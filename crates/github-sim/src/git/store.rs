//! The bare repositories. Each is created on first use, in a temporary folder that is removed with the simulator.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};

use super::process::{GitError, run};

/// The properties of a repository in git.
#[derive(Clone, Debug)]
pub(crate) struct RepositorySpec {
    pub(crate) id: u64,
    /// `owner/name`, for the README.
    pub(crate) full_name: String,
    pub(crate) default_branch: String,
    /// Unix time of the first commit.
    pub(crate) created: i64,
}

#[derive(Debug)]
pub(crate) struct GitStore {
    program: PathBuf,
    /// The path of `git-http-backend`.
    backend: OnceCell<PathBuf>,
    folder: OnceCell<TempDir>,
    /// The ids of created repositories. Locked during creation, so that none is created twice.
    created: Mutex<HashSet<u64>>,
    /// Held during a push.
    pub(super) pushing: Mutex<()>,
}

impl GitStore {
    pub(crate) fn new(program: Option<PathBuf>) -> Self {
        Self {
            program: program.unwrap_or_else(|| "git".into()),
            backend: OnceCell::new(),
            folder: OnceCell::new(),
            created: Mutex::default(),
            pushing: Mutex::default(),
        }
    }

    /// Returns a command that runs `git-http-backend` in the folder of all repositories.
    pub(super) async fn backend(&self) -> Result<Command, GitError> {
        let backend = self.backend.get_or_try_init(|| self.find_backend()).await?;
        let folder = self.folder().await?;
        let mut command = isolated(backend, folder);
        // The backend finds git in PATH, and its own installation comes first.
        let own = backend.parent().map(Path::to_path_buf);
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&others)));
        command.env("PATH", path.unwrap_or(others)).env("GIT_PROJECT_ROOT", folder);
        Ok(command)
    }

    async fn find_backend(&self) -> Result<PathBuf, GitError> {
        let mut command = isolated(&self.program, Path::new("/"));
        command.arg("--exec-path");
        let output = run(command, Bytes::new()).await?.expect_success("--exec-path")?;
        let backend = Path::new(String::from_utf8_lossy(&output).trim()).join("git-http-backend");
        // Some systems package it separately from git.
        if backend.is_file() { Ok(backend) } else { Err(GitError::Missing) }
    }

    /// Creates the repository if it does not exist, and returns its folder, relative to the backend's.
    pub(super) async fn ensure(&self, spec: &RepositorySpec) -> Result<String, GitError> {
        let name = format!("{}.git", spec.id);
        let mut created = self.created.lock().await;
        if !created.contains(&spec.id) {
            self.create(&name, spec).await?;
            created.insert(spec.id);
        }
        Ok(name)
    }

    async fn create(&self, name: &str, spec: &RepositorySpec) -> Result<(), GitError> {
        let branch = &spec.default_branch;
        let head = format!("--initial-branch={branch}");
        // Without a template, since it may contain hooks of the machine.
        self.git(&["init", "--quiet", "--bare", "--template=", &head, name], Bytes::new()).await?;
        let readme = format!("# {}\n", spec.full_name);
        let commit = format!(
            "commit refs/heads/{branch}\ncommitter GitHub <noreply@github.com> {} +0000\ndata 14\nInitial commit\n\
             M 100644 inline README.md\ndata {}\n{readme}\ndone\n",
            spec.created,
            readme.len(),
        );
        self.git(&["-C", name, "fast-import", "--quiet", "--done", "--force"], commit.into()).await.map(drop)
    }

    /// Runs git in the folder of all repositories and returns its output.
    pub(super) async fn git(&self, arguments: &[&str], input: Bytes) -> Result<Vec<u8>, GitError> {
        let mut command = isolated(&self.program, self.folder().await?);
        command.args(arguments);
        run(command, input).await?.expect_success(&arguments.join(" "))
    }

    async fn folder(&self) -> Result<&Path, GitError> {
        let create = async || tempfile::Builder::new().prefix("dockline-github-sim-").tempdir();
        Ok(self.folder.get_or_try_init(create).await?.path())
    }
}

/// Returns a command that ignores the git configuration of machine and user, and git's environment variables.
fn isolated(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")))
        .env("HOME", folder)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", folder.join("no-configuration"))
        // Garbage collection after a push would continue in the background while the folder is removed.
        .env("GIT_CONFIG_COUNT", "2")
        .envs([("GIT_CONFIG_KEY_0", "receive.autogc"), ("GIT_CONFIG_VALUE_0", "false")])
        .envs([("GIT_CONFIG_KEY_1", "gc.auto"), ("GIT_CONFIG_VALUE_1", "0")])
        .current_dir(folder);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dropping_the_store_removes_its_folder() {
        let store = GitStore::new(None);
        let spec = RepositorySpec {
            id: 7,
            full_name: "acme/site".to_owned(),
            default_branch: "main".to_owned(),
            created: 0,
        };
        let name = store.ensure(&spec).await.unwrap();
        let folder = store.folder().await.unwrap().to_owned();
        assert!(folder.join(name).join("refs/heads/main").is_file());
        drop(store);
        assert!(!folder.exists());
    }
}
