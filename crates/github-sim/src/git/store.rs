//! The bare repositories, each made when it is first asked for, in a folder that goes with the simulator.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};

use super::process::{GitError, run};
use crate::random;

/// What git is to have of a repository.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: u64,
    /// With the owner, as the first commit tells it.
    pub(crate) full_name: String,
    pub(crate) default_branch: String,
    /// Epoch seconds of the first commit.
    pub(crate) created: i64,
}

#[derive(Debug)]
pub(crate) struct GitStore {
    program: PathBuf,
    /// The program that speaks git's protocol over HTTP.
    backend: OnceCell<PathBuf>,
    folder: OnceCell<Folder>,
    /// The repositories that were made, with their default branches. Held while one is made, so that none is made twice.
    made: Mutex<HashMap<u64, String>>,
}

impl GitStore {
    pub(crate) fn new(program: Option<PathBuf>) -> Self {
        Self {
            program: program.unwrap_or_else(|| "git".into()),
            backend: OnceCell::new(),
            folder: OnceCell::new(),
            made: Mutex::default(),
        }
    }

    /// A command that runs `git-http-backend` in the folder of all repositories.
    pub(super) async fn backend(&self) -> Result<Command, GitError> {
        let backend = self.backend.get_or_try_init(|| self.find_backend()).await?;
        let folder = self.folder().await?;
        let mut command = isolated(backend, &folder.0);
        // It looks for the rest of git in the PATH; what came with it goes first.
        let own = backend.parent().map(Path::to_path_buf);
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&others)));
        command.env("PATH", path.unwrap_or(others)).env("GIT_PROJECT_ROOT", &folder.0);
        Ok(command)
    }

    async fn find_backend(&self) -> Result<PathBuf, GitError> {
        let mut command = isolated(&self.program, Path::new("/"));
        command.arg("--exec-path");
        let output = run(command, Bytes::new()).await?.expect_success("--exec-path")?;
        let backend = Path::new(String::from_utf8_lossy(&output).trim()).join("git-http-backend");
        // Some systems package it apart from git.
        if backend.is_file() { Ok(backend) } else { Err(GitError::Missing) }
    }

    /// The repository's folder, below the folder of all: made with one commit, if it is not there.
    pub(super) async fn ensure(&self, wanted: &Wanted) -> Result<String, GitError> {
        let name = format!("{}.git", wanted.id);
        let mut made = self.made.lock().await;
        match made.get(&wanted.id) {
            None => self.make(&name, wanted).await?,
            Some(branch) if *branch != wanted.default_branch => {
                self.git(["-C", &name, "branch", "-M", &wanted.default_branch], Bytes::new()).await?;
            }
            Some(_) => {}
        }
        made.insert(wanted.id, wanted.default_branch.clone());
        Ok(name)
    }

    async fn make(&self, name: &str, wanted: &Wanted) -> Result<(), GitError> {
        let branch = &wanted.default_branch;
        let head = format!("--initial-branch={branch}");
        // No template: it would bring whatever hooks the machine has.
        self.git(["init", "--quiet", "--bare", "--template=", &head, name], Bytes::new()).await?;
        let readme = format!("# {}\n", wanted.full_name);
        let commit = format!(
            "commit refs/heads/{branch}\ncommitter GitHub <noreply@github.com> {} +0000\ndata 14\nInitial commit\n\
             M 100644 inline README.md\ndata {}\n{readme}\ndone\n",
            wanted.created,
            readme.len(),
        );
        self.git(["-C", name, "fast-import", "--quiet", "--done", "--force"], commit.into()).await
    }

    async fn git<const N: usize>(&self, arguments: [&str; N], input: Bytes) -> Result<(), GitError> {
        let mut command = isolated(&self.program, &self.folder().await?.0);
        command.args(arguments);
        run(command, input).await?.expect_success(&arguments.join(" ")).map(drop)
    }

    async fn folder(&self) -> Result<&Folder, GitError> {
        self.folder.get_or_try_init(async || Folder::make()).await
    }
}

/// Neither the machine's nor the user's configuration has a say, and no variable of a git around us.
fn isolated(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")))
        .env("HOME", folder)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", folder.join("no-configuration"))
        // Tidying up after a push would go on in the background, also when the folder is removed.
        .env("GIT_CONFIG_COUNT", "2")
        .envs([("GIT_CONFIG_KEY_0", "receive.autogc"), ("GIT_CONFIG_VALUE_0", "false")])
        .envs([("GIT_CONFIG_KEY_1", "gc.auto"), ("GIT_CONFIG_VALUE_1", "0")])
        .current_dir(folder);
    command
}

/// A temporary folder, removed on drop. It is one folder with a name that nobody can guess, and only for this user: a crate for
/// temporary files would do no more.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, GitError> {
        let random = random::hex(16).map_err(io::Error::other)?;
        let path = std::env::temp_dir().join(format!("dockline-github-sim-{random}"));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "the git repositories were not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_goes_with_the_store() {
        let store = GitStore::new(None);
        let wanted = Wanted {
            id: 7,
            full_name: "acme/site".to_owned(),
            default_branch: "main".to_owned(),
            created: 0,
        };
        let name = store.ensure(&wanted).await.unwrap();
        let folder = store.folder().await.unwrap().0.clone();
        assert!(folder.join(name).join("refs/heads/main").is_file());
        drop(store);
        assert!(!folder.exists());
    }
}
