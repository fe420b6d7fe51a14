use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use dockline::PortErrorKind;
use dockline::ports::GithubGateway;
use tokio::time::{Instant, sleep, timeout};

use crate::readiness::{Verdict, WorkerReadiness};

/// Time between two requests: a small part of the App's hourly rate.
const INTERVAL: Duration = Duration::from_secs(60);

/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(15);

const REFUSED: Verdict = Verdict::Failing("refused");

/// The check `github`: whether GitHub accepts the App's credential.
#[derive(Debug, Clone)]
pub(crate) struct GithubProbe {
    pub(crate) github: Arc<dyn GithubGateway>,
    /// How long an acceptance counts.
    pub(crate) within: Duration,
}

impl GithubProbe {
    pub(crate) const NAME: &'static str = "github";

    /// The verdict before GitHub has accepted the credential.
    pub(crate) const INITIAL: Verdict = Verdict::Failing("not_accepted_yet");

    pub(crate) async fn watch(&self, readiness: &WorkerReadiness) -> Infallible {
        let mut refused = false;
        loop {
            match self.verdict(&mut refused).await {
                Some(verdict) => readiness.set(Self::NAME, verdict),
                // Also without a result: the last acceptance may have expired.
                None => drop(readiness.evaluate()),
            }
            sleep(INTERVAL).await;
        }
    }

    /// Asks GitHub; `None` if its answer says nothing about the credential.
    async fn verdict(&self, refused: &mut bool) -> Option<Verdict> {
        match timeout(DEADLINE, self.github.app()).await {
            Ok(Ok(_)) => {
                if std::mem::take(refused) {
                    tracing::info!("GitHub accepts the App's credential again");
                }
                let until = Instant::now().checked_add(self.within);
                Some(until.map_or(Verdict::Passing, |until| Verdict::PassingUntil(until, "unreachable")))
            }
            Ok(Err(error)) if error.kind() == PortErrorKind::Rejected => {
                if std::mem::replace(refused, true) {
                    tracing::warn!(%error, cause = error.causes(), "GitHub still refuses the App's credential");
                } else {
                    tracing::error!(%error, cause = error.causes(), "GitHub refuses the App's credential");
                }
                Some(REFUSED)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, cause = error.causes(), "checking the App's credential at GitHub failed");
                None
            }
            Err(_) => {
                tracing::warn!("checking the App's credential at GitHub timed out");
                None
            }
        }
    }
}
