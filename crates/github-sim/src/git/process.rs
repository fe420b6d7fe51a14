//! Running git: with a deadline, and without waiting for a process that waits for us.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Far longer than a small repository takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no git, or it cannot serve HTTP.
    #[error("git with git-http-backend is not installed")]
    Missing,
    #[error("git took longer than {} seconds", PATIENCE.as_secs())]
    Late,
    #[error("git failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a process left behind.
#[derive(Debug)]
pub(super) struct Ran(Output);

impl Ran {
    /// Its output; an error with what it complained about, where it failed.
    pub(super) fn expect_success(self, what: &str) -> Result<Vec<u8>, GitError> {
        let Output { status, stdout, stderr } = self.0;
        if status.success() {
            return Ok(stdout);
        }
        let complaint = String::from_utf8_lossy(&stderr);
        Err(GitError::Failed(format!("{what}: {status}: {}", complaint.trim())))
    }
}

/// Runs `command` with `input` to its end. Past the deadline, or when this future is dropped, the process is killed.
pub(super) async fn run(mut command: Command, input: Bytes) -> Result<Ran, GitError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound { GitError::Missing } else { error.into() }
    })?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin
            && let Err(error) = stdin.write_all(&input).await
        {
            // It had enough, or complained: its exit status tells.
            tracing::debug!(%error, "git did not read all of its input");
        }
    };
    let ended = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout(PATIENCE, ended).await.map_err(|_| GitError::Late)??;
    Ok(Ran(output))
}
