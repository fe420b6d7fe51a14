//! Adapters that handle the failures of their backend wrongly.

use std::fmt;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{ConfirmOutcome, PutOutcome, ReserveOutcome, StateStore};
use dockline::{
    CodeFate, IssuedState, OrganizationId, PendingConfirmation, PortError, PortErrorKind, PortName,
    SecretDigest, StateDigest, VerifiedClaim,
};
use dockline_memory::MemoryStateStore;
use dockline_testkit::failures::{Affected, Failure, FailureDriver, Stores, backend, contents};
use tokio::time::timeout;

use crate::killed;

const PASSWORD: &str = "canary-password";
const DEADLINE: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    /// None.
    None,
    /// Reports every error of the driver as a bug.
    AnyKind,
    /// Reports its errors under the name of another port.
    AnotherPort,
    /// Answers `None` if the backend cannot be reached (L-02).
    FailsOpen,
    /// Waits for an answer for as long as it takes.
    NoDeadline,
    /// Has one connection: calls wait for the deadlines of those before.
    OneAfterAnother,
    /// Stays with the connection that failed.
    NeverReconnects,
    /// Shows the URL in its errors.
    UrlInErrors,
    /// Derives `Debug` over its options.
    UrlInDebug,
    /// Returns what does not parse as a missing row.
    HidesCorruption,
}

/// A memory store behind a connection that can fail.
struct Remote {
    defect: Defect,
    memory: MemoryStateStore,
    failure: Mutex<Option<Failure>>,
    connection: tokio::sync::Mutex<()>,
    is_broken: AtomicBool,
    is_corrupt: AtomicBool,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Remote");
        if self.defect == Defect::UrlInDebug {
            shown.field("url", &format!("db://ann:{PASSWORD}@host"));
        }
        shown.finish_non_exhaustive()
    }
}

impl Remote {
    fn error(&self, kind: PortErrorKind) -> PortError {
        let url = if self.defect == Defect::UrlInErrors { PASSWORD } else { "the server" };
        let kind = if self.defect == Defect::AnyKind { PortErrorKind::Unexpected } else { kind };
        let port =
            if self.defect == Defect::AnotherPort { PortName::BindingRepo } else { PortName::StateStore };
        PortError::new(port, kind, format!("{url} did not answer"))
    }

    async fn reach(&self) -> Result<(), PortError> {
        let failure = *self.failure.lock().unwrap();
        let broken = self.defect == Defect::NeverReconnects && self.is_broken.load(Ordering::Relaxed);
        match failure {
            None if !broken => Ok(()),
            None | Some(Failure::Unreachable) => {
                self.is_broken.store(true, Ordering::Relaxed);
                Err(self.error(PortErrorKind::Unavailable))
            }
            Some(Failure::Silent) => {
                let waited = async {
                    let _connection = match self.defect {
                        Defect::OneAfterAnother => Some(self.connection.lock().await),
                        _ => None,
                    };
                    let pause = if self.defect == Defect::NoDeadline { DEADLINE * 40 } else { DEADLINE };
                    timeout(pause, pending::<()>()).await.ok();
                };
                waited.await;
                Err(self.error(PortErrorKind::Unavailable))
            }
        }
    }
}

#[async_trait]
impl StateStore for Remote {
    async fn put(&self, state: IssuedState) -> Result<PutOutcome, PortError> {
        self.reach().await?;
        self.memory.put(state).await
    }

    async fn find(
        &self,
        of: &OrganizationId,
        digest: &StateDigest,
    ) -> Result<Option<IssuedState>, PortError> {
        self.reach().await?;
        self.memory.find(of, digest).await
    }

    async fn find_by_digest(&self, digest: &StateDigest) -> Result<Option<IssuedState>, PortError> {
        if self.defect == Defect::FailsOpen && self.failure.lock().unwrap().is_some() {
            return Ok(None);
        }
        self.reach().await?;
        if self.is_corrupt.load(Ordering::Relaxed) {
            let hidden = self.defect == Defect::HidesCorruption;
            return if hidden { Ok(None) } else { Err(self.error(PortErrorKind::Corrupt)) };
        }
        self.memory.find_by_digest(digest).await
    }

    async fn save_pending(&self, digest: &StateDigest, one: PendingConfirmation) -> Result<bool, PortError> {
        self.memory.save_pending(digest, one).await
    }

    async fn confirm_claim(
        &self,
        digest: &StateDigest,
        ticket: Option<SecretDigest>,
        claim: VerifiedClaim,
    ) -> Result<ConfirmOutcome, PortError> {
        self.memory.confirm_claim(digest, ticket, claim).await
    }

    async fn revoke(&self, digest: &StateDigest, ticket: Option<SecretDigest>) -> Result<bool, PortError> {
        self.memory.revoke(digest, ticket).await
    }

    async fn reserve_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
    ) -> Result<ReserveOutcome, PortError> {
        self.memory.reserve_code(digest, code).await
    }

    async fn settle_code(
        &self,
        digest: &StateDigest,
        code: &SecretDigest,
        fate: CodeFate,
    ) -> Result<(), PortError> {
        self.memory.settle_code(digest, code, fate).await
    }
}

#[derive(Debug)]
struct Driver(Arc<Remote>);

fn with(defect: Defect) -> Driver {
    Driver(Arc::new(Remote {
        defect,
        memory: MemoryStateStore::new(),
        failure: Mutex::default(),
        connection: tokio::sync::Mutex::default(),
        is_broken: AtomicBool::new(false),
        is_corrupt: AtomicBool::new(false),
    }))
}

#[async_trait]
impl FailureDriver for Driver {
    fn stores(&self) -> Stores {
        let states: Arc<dyn StateStore> = self.0.clone();
        Stores { states: Some(states), ..Stores::default() }
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    async fn fail(&self, failure: Failure) -> Affected {
        *self.0.failure.lock().unwrap() = Some(failure);
        Affected::All
    }

    async fn recover(&self) {
        *self.0.failure.lock().unwrap() = None;
    }

    async fn corrupt(&self) -> bool {
        self.0.is_corrupt.store(true, Ordering::Relaxed);
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned()]
    }

    fn shown(&self) -> Vec<String> {
        vec![format!("{:?}", self.0)]
    }
}

dockline_testkit::failures_suite!(async { with(Defect::None) });

killed! {
    FailureDriver;
    any_kind: with(Defect::AnyKind) => backend::unreachable_backend_is_unavailable;
    another_port: with(Defect::AnotherPort) => backend::unreachable_backend_is_unavailable;
    fails_open: with(Defect::FailsOpen) => backend::unreachable_backend_is_unavailable;
    no_deadline: with(Defect::NoDeadline) => backend::silent_backend_is_unavailable_within_the_deadline;
    one_after_another: with(Defect::OneAfterAnother) => backend::concurrent_calls_end_within_one_deadline;
    never_reconnects: with(Defect::NeverReconnects) => backend::failed_write_is_whole;
    url_in_errors: with(Defect::UrlInErrors) => contents::errors_show_no_secret;
    url_in_debug: with(Defect::UrlInDebug) => contents::debug_shows_no_secret;
    hides_corruption: with(Defect::HidesCorruption) => contents::value_that_does_not_parse_is_corrupt;
}
