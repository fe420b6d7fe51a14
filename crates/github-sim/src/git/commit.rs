//! Commits that are made at GitHub, without a clone.

use super::process::GitError;
use super::store::{GitStore, RepositorySpec};
use crate::error::SimError;
use crate::model::account::Account;
use crate::model::push::Pusher;
use crate::model::repository::Repository;
use crate::sim::GithubSim;

impl GithubSim {
    /// Commits a file to the default branch as `user` and returns the commit's id. Like a push with git, it sends `push` to the
    /// Apps that subscribe to it.
    ///
    /// # Errors
    /// [`SimError::UnknownAccount`], [`SimError::UnknownRepository`], [`SimError::Invalid`] if `path` is not a path, or
    /// [`SimError::Git`].
    pub async fn commit_file(
        &self,
        user: &str,
        (owner, name): (&str, &str),
        path: &str,
        content: &str,
    ) -> Result<String, SimError> {
        check_path(path)?;
        let (spec, user, committer) = {
            let fixture = self.fixture();
            let user = fixture.model.require_account(user)?;
            let found = fixture.model.repository_by_name(owner, name);
            let unknown = || SimError::UnknownRepository(format!("{owner}/{name}"));
            let (owner, repository) = found.ok_or_else(unknown)?;
            let Account { id, login, .. } = user;
            let at = fixture.now().unix_timestamp();
            let committer = format!("{login} <{id}+{login}@users.noreply.github.com> {at} +0000");
            (RepositorySpec::of(owner, repository), *id, committer)
        };
        let commit = self.git().commit_file(&spec, &committer, path, content);
        self.pushing(&spec, Pusher::User(user), commit)
            .await
            .map_err(|error| SimError::Git(error.to_string()))
    }
}

impl RepositorySpec {
    pub(crate) fn of(owner: &Account, repository: &Repository) -> Self {
        Self {
            id: repository.id,
            full_name: format!("{}/{}", owner.login, repository.name),
            default_branch: repository.default_branch.clone(),
            created: repository.created_at.unix_timestamp(),
        }
    }
}

impl GitStore {
    async fn commit_file(
        &self,
        spec: &RepositorySpec,
        committer: &str,
        path: &str,
        content: &str,
    ) -> Result<String, GitError> {
        let folder = self.ensure(spec).await?;
        let branch = format!("refs/heads/{}", spec.default_branch);
        let message = format!("Update {path}");
        let commit = format!(
            "commit {branch}\ncommitter {committer}\ndata {}\n{message}\nfrom {branch}^0\nM 100644 inline {path}\ndata {}\n\
             {content}\ndone\n",
            message.len(),
            content.len(),
        );
        self.git(&["-C", &folder, "fast-import", "--quiet", "--done"], commit.into()).await?;
        let id = self.git(&["-C", &folder, "rev-parse", &branch], Vec::new().into()).await?;
        Ok(String::from_utf8_lossy(&id).trim().to_owned())
    }
}

/// Rejects what git rejects, and what `fast-import` reads as something else than a path.
fn check_path(path: &str) -> Result<(), SimError> {
    let valid = |part: &str| {
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !part.is_empty() && part.bytes().all(is_safe) && !matches!(part, "." | ".." | ".git")
    };
    if path.len() <= 200 && path.split('/').all(valid) {
        return Ok(());
    }
    Err(SimError::Invalid("a path has letters, digits, dots, hyphens, underscores and slashes"))
}
