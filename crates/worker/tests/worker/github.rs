//! A GitHub whose answers are scripted.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, CodeGrant, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck, VisitorInstallations,
};
use dockline::{
    AppId, InstallationId, InstallationToken, InstallerRecord, PortError, PortErrorKind, PortName, TokenScope,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub(crate) const DOWN: PortErrorKind = PortErrorKind::Unavailable;

/// Records each look-up with its time. Answers a look-up with the next scripted error, else with "missing".
#[derive(Debug)]
pub(crate) struct Scripted {
    started: Instant,
    lookups: Mutex<Vec<(u64, Duration)>>,
    errors: Mutex<HashMap<u64, VecDeque<PortErrorKind>>>,
    /// The error of every look-up that has no error of its own.
    default_error: Mutex<Option<PortErrorKind>>,
    /// Answers to `app`; the last one is repeated. `None` never answers.
    app: Mutex<VecDeque<Option<Result<(), PortErrorKind>>>>,
    /// Each look-up takes a permit before it is answered.
    pub(crate) gate: Semaphore,
}

impl Scripted {
    pub(crate) fn new(errors: &[(u64, &[PortErrorKind])]) -> Self {
        let errors = errors.iter().map(|(id, kinds)| (*id, kinds.iter().copied().collect())).collect();
        Self {
            started: Instant::now(),
            lookups: Mutex::default(),
            errors: Mutex::new(errors),
            default_error: Mutex::default(),
            app: Mutex::new(VecDeque::from([Some(Ok(()))])),
            gate: Semaphore::new(1_000),
        }
    }

    /// Returns installation and second of each look-up.
    pub(crate) fn lookups(&self) -> Vec<(u64, u64)> {
        self.lookups.lock().unwrap().iter().map(|(id, at)| (*id, at.as_secs())).collect()
    }

    /// Holds back answers to look-ups from now on.
    pub(crate) fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    pub(crate) fn fail_all(&self, error: PortErrorKind) {
        *self.default_error.lock().unwrap() = Some(error);
    }

    pub(crate) fn script_app(&self, answers: impl IntoIterator<Item = Option<Result<(), PortErrorKind>>>) {
        *self.app.lock().unwrap() = answers.into_iter().collect();
    }
}

fn error(kind: PortErrorKind) -> PortError {
    PortError::new(PortName::GithubGateway, kind, "as scripted")
}

#[async_trait]
impl GithubGateway for Scripted {
    fn registration(&self) -> AppRegistration {
        AppRegistration { app: AppId::new(1).unwrap(), install_page: String::new(), authorize_page: None }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        let answer = {
            let mut answers = self.app.lock().unwrap();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
        };
        match answer.unwrap() {
            Some(Ok(())) => Ok(AppFacts {
                app: AppId::new(1).unwrap(),
                slug: "app".into(),
                name: "App".into(),
                permissions: Default::default(),
            }),
            Some(Err(PortErrorKind::Corrupt)) => panic!("a gateway with a bug"),
            Some(Err(kind)) => Err(error(kind)),
            None => std::future::pending().await,
        }
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        self.lookups.lock().unwrap().push((id.get(), self.started.elapsed()));
        self.gate.acquire().await.unwrap().forget();
        let scripted = self.errors.lock().unwrap().get_mut(&id.get()).and_then(VecDeque::pop_front);
        match scripted.or(*self.default_error.lock().unwrap()) {
            Some(PortErrorKind::Corrupt) => panic!("a gateway with a bug"),
            Some(kind) => Err(error(kind)),
            None => Ok(LookupOutcome::Missing),
        }
    }

    async fn check_visitor(&self, _: &CodeGrant, _: InstallationId) -> Result<VisitorCheck, PortError> {
        unreachable!()
    }

    async fn visitor_installations(&self, _: &CodeGrant) -> Result<VisitorInstallations, PortError> {
        unreachable!()
    }

    async fn uninstall(&self, _: InstallationId) -> Result<UninstallOutcome, PortError> {
        unreachable!()
    }

    async fn mint(&self, _: InstallationId, _: &TokenScope) -> Result<MintOutcome, PortError> {
        unreachable!()
    }

    async fn revoke(&self, _: &InstallationToken) -> Result<(), PortError> {
        unreachable!()
    }

    async fn repositories(&self, _: &InstallationToken, _: u32) -> Result<ListOutcome, PortError> {
        unreachable!()
    }

    async fn installer(&self, _: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        unreachable!()
    }

    fn rate_left(&self) -> Option<RateLeft> {
        None
    }
}
