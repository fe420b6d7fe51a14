//! Wrong gateways: caches, failures reported as outcomes, unbounded requests, secrets in `Debug`.
//!
//! The adapter here is a gateway with its own small GitHub, only as large as these cases need. `dockline-github` passes
//! the whole suite.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, CodeGrant, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck, VisitorInstallations,
};
use dockline::{
    Access, Account, AccountId, AccountKind, AppId, AuthorizationCode, GithubCredential, Installation,
    InstallationId, InstallationToken, InstalledOn, InstallerRecord, NewToken, PermissionName, PortError,
    PortErrorKind, PortName, Repository, TokenScope,
};
use dockline_testkit::fixtures::{NOON, account_id, installation, installer_record, unique};
use dockline_testkit::github_gateway::{
    GatewayDriver, GithubFailure, SignedIn, VisitorRole, failures, installations, tokens,
};
use dockline_testkit::runner::{attempt, block_on};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    /// Shows live tokens in `Debug` (I14).
    ShowsTokens,
    /// Caches installations forever (L-42).
    CachesInstallations,
    /// Caches tokens (L-40).
    CachesTokens,
    /// Reports every failure as a missing installation (L-55).
    ReportsFailuresAsMissing,
    /// Expects a token of 40 characters (L-47).
    ExpectsShortTokens,
    /// Makes three requests for one (I19).
    TriplesRequests,
    /// Reads every page of the delivery log (I19).
    ReadsTheWholeLog,
}

#[derive(Debug, Default)]
struct State {
    installed: HashMap<InstallationId, Installation>,
    cached: HashMap<InstallationId, Installation>,
    tokens: HashMap<String, InstallationId>,
    /// The delivery log, the latest last; the installation of `installation.created`.
    log: Vec<Option<InstallationId>>,
    stateless: bool,
    down: bool,
    requests: usize,
}

/// A gateway and its GitHub.
struct Gateway {
    defect: Defect,
    state: Mutex<State>,
}

const APP: u64 = 5_000_000_007;

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.is(Defect::ShowsTokens).then(|| self.state().tokens.clone());
        f.debug_struct("Gateway").field("tokens", &tokens).finish_non_exhaustive()
    }
}

impl Gateway {
    fn with(defect: Defect) -> Self {
        Self { defect, state: Mutex::default() }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn request(&self) -> Result<(), PortError> {
        let mut state = self.state();
        state.requests += if self.is(Defect::TriplesRequests) { 3 } else { 1 };
        if state.down { Err(error(PortErrorKind::Unavailable)) } else { Ok(()) }
    }
}

fn error(kind: PortErrorKind) -> PortError {
    PortError::new(PortName::GithubGateway, kind, "injected").about(GithubCredential::App)
}

#[async_trait]
impl GithubGateway for Gateway {
    fn registration(&self) -> AppRegistration {
        unreachable!("no case here needs it")
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        self.request()?;
        Ok(AppFacts {
            app: AppId::new(APP).unwrap(),
            slug: "acme-dock".into(),
            name: "Acme Dock".into(),
            permissions: Default::default(),
        })
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        match self.request() {
            Err(_) if self.is(Defect::ReportsFailuresAsMissing) => return Ok(LookupOutcome::Missing),
            result => result?,
        }
        let mut state = self.state();
        let mut found = state.installed.get(&id).cloned();
        if self.is(Defect::CachesInstallations) {
            found = found.or_else(|| state.cached.get(&id).cloned());
        }
        let Some(found) = found else { return Ok(LookupOutcome::Missing) };
        state.cached.insert(id, found.clone());
        Ok(LookupOutcome::Found(found))
    }

    async fn check_visitor(&self, _: &CodeGrant, _: InstallationId) -> Result<VisitorCheck, PortError> {
        self.request()?;
        Ok(VisitorCheck::CodeRefused)
    }

    async fn visitor_installations(&self, _: &CodeGrant) -> Result<VisitorInstallations, PortError> {
        unreachable!("no case here needs it")
    }

    async fn uninstall(&self, _: InstallationId) -> Result<UninstallOutcome, PortError> {
        self.request()?;
        Ok(UninstallOutcome::Missing)
    }

    async fn mint(&self, id: InstallationId, _: &TokenScope) -> Result<MintOutcome, PortError> {
        self.request()?;
        let mut state = self.state();
        if !state.installed.contains_key(&id) {
            return Ok(MintOutcome::Missing);
        }
        let cached = state.tokens.iter().find(|(_, of)| **of == id).map(|(secret, _)| secret.clone());
        let secret = match cached.filter(|_| self.is(Defect::CachesTokens)) {
            Some(cached) => cached,
            None if state.stateless => format!("ghs_{APP}_{}.{}", unique(), "eyJ-_".repeat(90)),
            None => format!("ghs_{:036}", unique()),
        };
        if self.is(Defect::ExpectsShortTokens) && secret.len() != 40 {
            return Err(error(PortErrorKind::Unexpected));
        }
        state.tokens.insert(secret.clone(), id);
        Ok(MintOutcome::Minted(InstallationToken::new(NewToken {
            installation: id,
            secret: secret.into(),
            issued_at: NOON,
            expires_at: NOON + time::Duration::HOUR,
            web_origin: "https://github.example".into(),
        })))
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        self.request()?;
        self.state().tokens.remove(token.expose());
        Ok(())
    }

    async fn repositories(&self, _: &InstallationToken, _: u32) -> Result<ListOutcome, PortError> {
        self.request()?;
        Ok(ListOutcome::Page { repositories: vec![], total: 0, next: None })
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        let pages = if self.is(Defect::ReadsTheWholeLog) { usize::MAX } else { 3 };
        let latest_first: Vec<_> = self.state().log.iter().rev().copied().collect();
        for page in latest_first.chunks(100).take(pages) {
            self.request()?;
            if page.contains(&Some(id)) {
                return Ok(Some(installer_record(77)));
            }
        }
        Ok(None)
    }

    fn rate_left(&self) -> Option<RateLeft> {
        unreachable!("no case here needs it")
    }
}

#[async_trait]
impl GatewayDriver for Gateway {
    fn gateway(&self) -> &dyn GithubGateway {
        self
    }

    async fn install(&self, kind: AccountKind) -> Installation {
        let number = unique();
        let account = Account { id: account_id(number), login: format!("account-{number}"), kind };
        let installed = Installation {
            id: installation(unique()),
            app: AppId::new(APP).unwrap(),
            installed_on: InstalledOn::Account(account),
            suspended: false,
            facts: Default::default(),
        };
        let mut state = self.state();
        state.log.push(Some(installed.id));
        state.installed.insert(installed.id, installed.clone());
        installed
    }

    async fn uninstall(&self, id: InstallationId) {
        self.state().installed.remove(&id).unwrap();
    }

    async fn visitor(&self, _: VisitorRole, _: InstallationId) -> SignedIn {
        SignedIn { visitor: account_id(unique()), code: AuthorizationCode::presented("code") }
    }

    async fn issue_stateless_tokens(&self, stateless: bool) {
        self.state().stateless = stateless;
    }

    async fn live_installation_tokens(&self) -> usize {
        self.state().tokens.len()
    }

    async fn send_other_webhooks(&self, count: usize) {
        self.state().log.extend(std::iter::repeat_n(None, count));
    }

    async fn fail(&self, failure: GithubFailure) {
        assert_eq!(failure, GithubFailure::Down);
        self.state().down = true;
    }

    async fn recover(&self) {
        self.state().down = false;
    }

    async fn requests(&self) -> usize {
        self.state().requests
    }

    async fn install_another_app(&self) -> InstallationId {
        unreachable!("no case here needs it")
    }

    async fn suspend(&self, _: InstallationId) {
        unreachable!("no case here needs it")
    }

    async fn granted(&self, _: InstallationId) -> BTreeMap<PermissionName, Access> {
        unreachable!("no case here needs it")
    }

    async fn add_repositories(&self, _: InstallationId, _: usize) -> Vec<Repository> {
        unreachable!("no case here needs it")
    }

    async fn reject_fresh_tokens(&self, _: u32) {
        unreachable!("no case here needs it")
    }

    async fn installed_by(&self, _: InstallationId) -> AccountId {
        unreachable!("no case here needs it")
    }

    async fn live_visitor_tokens(&self) -> usize {
        unreachable!("no case here needs it")
    }

    fn timeout(&self) -> Duration {
        unreachable!("no case here needs it")
    }
}

/// Makes a test per defect. The case must fail with it and pass without it.
macro_rules! killed_by {
    ($($name:ident: $defect:ident => $($case:path),+;)+) => {$(
        #[test]
        fn $name() {$(
            let with = |defect| -> Arc<dyn GatewayDriver> { Arc::new(Gateway::with(defect)) };
            let (right, wrong) = (with(Defect::None), with(Defect::$defect));
            assert!(block_on(attempt(async move { $case(&*right).await })).is_ok(), "the case fails without it");
            crate::must_fail(async move { $case(&*wrong).await });
        )+}
    )+};
}

killed_by! {
    tokens_in_debug: ShowsTokens => tokens::debug_contains_no_token;
    cached_installations: CachesInstallations => installations::uninstalled_installation_is_missing;
    cached_tokens: CachesTokens => tokens::every_call_mints_a_new_token;
    failures_reported_as_missing: ReportsFailuresAsMissing => failures::github_that_is_down_is_unavailable;
    tokens_of_one_format_only: ExpectsShortTokens => tokens::both_token_formats_work;
    three_requests_for_one: TriplesRequests =>
        installations::lookup_makes_at_most_two_requests, tokens::minting_makes_at_most_two_requests;
    unbounded_reads_of_the_delivery_log: ReadsTheWholeLog =>
        installations::search_for_an_installer_is_bounded;
}
