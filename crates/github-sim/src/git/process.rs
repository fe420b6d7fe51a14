//! Runs git with input and a time limit.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The time limit, far longer than a small repository needs even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The reason why git failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// git or git-http-backend is not installed.
    #[error("git with git-http-backend is not installed")]
    Missing,
    #[error("git took longer than {} seconds", TIMEOUT.as_secs())]
    TimedOut,
    #[error("git failed: {0}")]
    Failed(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The output and exit status of a process.
#[derive(Debug)]
pub(super) struct ProcessOutput(Output);

impl ProcessOutput {
    /// Returns the standard output, or an error with the standard error if the process failed.
    pub(super) fn expect_success(self, what: &str) -> Result<Vec<u8>, GitError> {
        let Output { status, stdout, stderr } = self.0;
        if status.success() {
            return Ok(stdout);
        }
        let stderr = String::from_utf8_lossy(&stderr);
        Err(GitError::Failed(format!("{what}: {status}: {}", stderr.trim())))
    }
}

/// Runs `command` with `input`. Kills it after the time limit, or if this future is dropped.
pub(super) async fn run(mut command: Command, input: Bytes) -> Result<ProcessOutput, GitError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound { GitError::Missing } else { error.into() }
    })?;
    let stdin = child.stdin.take();
    let feed = async move {
        if let Some(mut stdin) = stdin
            && let Err(error) = stdin.write_all(&input).await
        {
            // The exit status shows whether that is an error.
            tracing::debug!(%error, "git did not read all of its input");
        }
    };
    let finished = async { tokio::join!(feed, child.wait_with_output()).1 };
    let output = tokio::time::timeout(TIMEOUT, finished).await.map_err(|_| GitError::TimedOut)??;
    Ok(ProcessOutput(output))
}
