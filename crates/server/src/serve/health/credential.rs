//! Whether GitHub still accepts the App's credential.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dockline::ports::GithubGateway;
use dockline::{PortError, PortErrorKind};
use tokio::time::{Instant, sleep, timeout};

/// How often GitHub is asked: sixty of the 5,000 questions an hour that it answers at the least.
const EVERY: Duration = Duration::from_secs(60);

/// How long an answer may take.
const DEADLINE: Duration = Duration::from_secs(15);

/// What GitHub last said.
#[derive(Debug)]
pub(super) struct Credential {
    within: Option<Duration>,
    told: Mutex<Told>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Told {
    accepted: Option<Instant>,
    refused: bool,
}

impl Credential {
    /// Good for `within` after GitHub accepted it; for ever, where there is no such time.
    pub(super) fn new(within: Option<Duration>) -> Self {
        Self { within, told: Mutex::new(Told::default()) }
    }

    /// Why it cannot be counted on.
    pub(super) fn failing(&self) -> Option<&'static str> {
        let Told { accepted, refused } = *self.told();
        let within = self.within?;
        match accepted {
            _ if refused => Some("refused"),
            None => Some("not_accepted_yet"),
            Some(at) if at.elapsed() > within => Some("unreachable"),
            Some(_) => None,
        }
    }

    /// Asks once a minute, for ever.
    pub(super) async fn watch(&self, github: &dyn GithubGateway) {
        if self.within.is_none() {
            return;
        }
        loop {
            match timeout(DEADLINE, github.app()).await {
                Ok(answer) => self.note(answer.map(drop)),
                Err(_) => {
                    tracing::warn!("GitHub did not say in time whether it accepts the App's credential")
                }
            }
            sleep(EVERY).await;
        }
    }

    fn note(&self, answer: Result<(), PortError>) {
        let mut told = self.told();
        let before = told.refused;
        match &answer {
            Ok(()) => *told = Told { accepted: Some(Instant::now()), refused: false },
            Err(error) if error.kind() == PortErrorKind::Rejected => told.refused = true,
            // Says nothing about the credential.
            Err(_) => {}
        }
        let after = told.refused;
        drop(told);
        match answer {
            Ok(()) if before => tracing::info!("GitHub accepts the App's credential again"),
            Ok(()) => {}
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                if after && !before {
                    tracing::error!(%error, cause, "GitHub refuses the App's credential");
                } else {
                    tracing::warn!(%error, cause, "GitHub does not say whether it accepts the App's credential");
                }
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use dockline::PortName;
    use tokio::time::advance;

    use super::*;

    fn error(kind: PortErrorKind) -> PortError {
        PortError::new(PortName::GithubGateway, kind, "for the test")
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_counts_at_once_and_an_outage_after_a_while() {
        let minute = Duration::from_secs(60);
        let credential = Credential::new(Some(15 * minute));
        assert_eq!(credential.failing(), Some("not_accepted_yet"));
        credential.note(Ok(()));
        assert_eq!(credential.failing(), None);
        credential.note(Err(error(PortErrorKind::Unavailable)));
        credential.note(Err(error(PortErrorKind::RateLimited { retry_after: minute })));
        assert_eq!(credential.failing(), None);
        advance(16 * minute).await;
        assert_eq!(credential.failing(), Some("unreachable"));
        credential.note(Ok(()));
        credential.note(Err(error(PortErrorKind::Rejected)));
        assert_eq!(credential.failing(), Some("refused"));
        // It is still refused for all that is known.
        credential.note(Err(error(PortErrorKind::Unavailable)));
        assert_eq!(credential.failing(), Some("refused"));
        credential.note(Ok(()));
        assert_eq!(credential.failing(), None);
    }

    #[tokio::test]
    async fn who_does_not_ask_is_not_answered() {
        let credential = Credential::new(None);
        credential.note(Err(error(PortErrorKind::Rejected)));
        assert_eq!(credential.failing(), None);
    }
}
