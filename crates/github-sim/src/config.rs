//! Options of a simulator.

use std::path::PathBuf;
use std::time::Duration;

/// Options of a [`GithubSim`](crate::GithubSim).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// Base of all URLs in responses and pages, such as `http://github.example:8080`. `None` uses `http://` and the `Host` header.
    pub base_url: Option<String>,
    /// Time limit of a webhook delivery. `None` is 10 s, as on github.com. GitHub Enterprise Server uses 30 s.
    pub webhook_timeout: Option<Duration>,
    /// Name or path of the `git` program. `None` finds `git` in `PATH`.
    pub git: Option<PathBuf>,
}

impl Config {
    /// Sets [`base_url`](Self::base_url). Trailing slashes are removed.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = Some(base_url.trim_end_matches('/').to_owned());
        self
    }

    /// Sets [`webhook_timeout`](Self::webhook_timeout).
    #[must_use]
    pub fn with_webhook_timeout(mut self, timeout: Duration) -> Self {
        self.webhook_timeout = Some(timeout);
        self
    }

    /// Sets [`git`](Self::git).
    #[must_use]
    pub fn with_git(mut self, program: impl Into<PathBuf>) -> Self {
        self.git = Some(program.into());
        self
    }
}
