//! Pushes: their changes become `push` events.

use std::collections::BTreeMap;

use axum::body::Bytes;

use super::process::GitError;
use super::store::{GitStore, RepositorySpec};
use crate::model::push::{Commit, Person, Push, Pusher};
use crate::sim::GithubSim;

/// The branches and tags of a repository, and the commits that they point to.
type Refs = BTreeMap<String, String>;

/// GitHub lists at most this many commits per push.
const MOST_COMMITS: &str = "--max-count=2048";

/// A record per commit, its fields separated by control characters that no field has. The list of files follows.
const COMMIT_FORMAT: &str = "--format=%x1e%H%x1f%T%x1f%cI%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%B%x1f";

impl GithubSim {
    /// Runs `change`, which may change branches and tags of the repository, and sends `push` for each that it changed.
    pub(super) async fn pushing<T>(
        &self,
        repository: &RepositorySpec,
        pusher: Pusher,
        change: impl Future<Output = Result<T, GitError>>,
    ) -> Result<T, GitError> {
        let git = self.git();
        // Otherwise each of two pushes at the same time would count the changes of both.
        let _pushing = git.pushing.lock().await;
        let before = git.refs(repository).await?;
        let result = change.await?;
        let pushes = git.pushes(repository, &before).await?;
        self.fixture().model.record_pushes(repository.id, pusher, &pushes);
        Ok(result)
    }
}

impl GitStore {
    async fn refs(&self, repository: &RepositorySpec) -> Result<Refs, GitError> {
        let arguments = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
        let refs = self.read(repository, &arguments).await?;
        let split = |line: &str| line.split_once(' ').map(|(id, name)| (name.to_owned(), id.to_owned()));
        Ok(refs.lines().filter_map(split).collect())
    }

    /// Returns what changed since `before`.
    async fn pushes(&self, repository: &RepositorySpec, before: &Refs) -> Result<Vec<Push>, GitError> {
        let after = self.refs(repository).await?;
        let mut pushes = Vec::new();
        for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
            let (old, new) = (before.get(name), after.get(name));
            if old == new {
                continue;
            }
            let commits = match new {
                Some(new) => self.commits(repository, new, before).await?,
                None => Vec::new(),
            };
            let head = match new {
                Some(new) => self.log(repository, &["--no-walk", new]).await?.pop(),
                None => None,
            };
            let forced = match (old, new) {
                (Some(old), Some(new)) => {
                    let lost = format!("{new}..{old}");
                    !self.read(repository, &["rev-list", "--max-count=1", &lost]).await?.is_empty()
                }
                _ => false,
            };
            let (name, before, after) = (name.clone(), old.cloned(), new.cloned());
            pushes.push(Push { name, before, after, forced, commits, head });
        }
        Ok(pushes)
    }

    /// Returns the commits that a push added to the repository, oldest first.
    async fn commits(
        &self,
        repository: &RepositorySpec,
        new: &str,
        before: &Refs,
    ) -> Result<Vec<Commit>, GitError> {
        let known = before.values().map(String::as_str);
        let arguments: Vec<&str> =
            ["--reverse", MOST_COMMITS, new, "--not"].into_iter().chain(known).collect();
        self.log(repository, &arguments).await
    }

    async fn log(&self, repository: &RepositorySpec, which: &[&str]) -> Result<Vec<Commit>, GitError> {
        let log = ["-c", "core.quotePath=false", "log", "--no-renames", "--name-status", COMMIT_FORMAT];
        let text = self.read(repository, &[&log, which].concat()).await?;
        let malformed = || GitError::Failed("git log printed something else than commits".to_owned());
        text.split('\x1e').skip(1).map(|record| commit(record).ok_or_else(malformed)).collect()
    }

    async fn read(&self, repository: &RepositorySpec, arguments: &[&str]) -> Result<String, GitError> {
        let folder = self.ensure(repository).await?;
        let output = self.git(&[&["-C", &folder], arguments].concat(), Bytes::new()).await?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

fn commit(record: &str) -> Option<Commit> {
    let mut fields = record.split('\x1f');
    let mut next = || fields.next().map(str::to_owned);
    let (id, tree, at) = (next()?, next()?, next()?);
    let author = Person { name: next()?, email: next()? };
    let committer = Person { name: next()?, email: next()? };
    let message = next()?.trim_end().to_owned();
    let files = next()?;
    let with = |status: char| {
        let named = move |line: &str| line.strip_prefix(status)?.strip_prefix('\t').map(str::to_owned);
        files.lines().filter_map(named).collect()
    };
    let (added, modified, removed) = (with('A'), with('M'), with('D'));
    Some(Commit { id, tree, at, author, committer, message, added, modified, removed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_is_parsed_and_incomplete_ones_are_not() {
        let record = "1\x1f2\x1f2026-01-01T00:00:00Z\x1fMia\x1fm@x\x1fGitHub\x1fg@x\x1fSubject\n\nBody\n\x1f\n\nA\tnew\nM\tä b\nD\told\n";
        let commit = commit(record).unwrap();
        assert_eq!((commit.id.as_str(), commit.tree.as_str()), ("1", "2"));
        assert_eq!((commit.author.name.as_str(), commit.committer.email.as_str()), ("Mia", "g@x"));
        assert_eq!(commit.message, "Subject\n\nBody");
        assert_eq!(
            (commit.added, commit.modified, commit.removed),
            (vec!["new".into()], vec!["ä b".into()], vec!["old".into()])
        );
        assert!(super::commit("1\x1f2\x1f3").is_none());
    }
}
