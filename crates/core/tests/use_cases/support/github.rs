//! A GitHub in memory: installations, visitors by their code, and tokens. Tests change it between the calls.

mod gateway;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dockline::ports::{
    Clock, CodeGrant, ListOutcome, ManualClock, MintOutcome, RateLeft, VisitorCheck, VisitorInstallations,
};
use dockline::{
    Account, AccountKind, AppId, DenialCause, GithubCredential, Installation, InstallationId,
    InstallationToken, InstalledOn, InstallerRecord, Membership, NewToken, Permissions, PortError,
    PortErrorKind, PortName, Repository, RepositoryId, Visibility, VisitorFacts,
};
use dockline_testkit::fixtures::{account_id, installation, installer_record};
use time::{Duration, OffsetDateTime};

pub(crate) const OUR_APP: u64 = 7;
/// The visitor of [`FakeGithub::visitor`].
pub(crate) const VISITOR: u64 = 77;

/// How long a limit lasts.
const LIMITED_FOR: Duration = Duration::minutes(90);

type Hook = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct FakeGithub {
    clock: Arc<ManualClock>,
    model: Mutex<Model>,
}

#[derive(Default)]
struct Model {
    without_oauth: bool,
    requested: Permissions,
    only_accepts_uninstalls: bool,
    denies_uninstalls: bool,
    failing: HashMap<InstallationId, PortErrorKind>,
    limited_listings: BTreeSet<InstallationId>,
    limited_visitors: BTreeSet<String>,
    pauses_everyone: bool,
    paused_until: Option<OffsetDateTime>,
    hidden: BTreeSet<InstallationId>,
    installations: BTreeMap<InstallationId, Installation>,
    visitors: HashMap<String, VisitorCheck>,
    listings: HashMap<String, VisitorInstallations>,
    grants: Vec<CodeGrant>,
    installers: BTreeMap<InstallationId, InstallerRecord>,
    denied: BTreeMap<InstallationId, DenialCause>,
    repositories: Vec<Repository>,
    pages: VecDeque<ListOutcome>,
    held_from: Option<u32>,
    mints: VecDeque<MintOutcome>,
    tokens: u32,
    live_tokens: BTreeSet<String>,
    rate_left: Option<RateLeft>,
    on_lookup: Option<Hook>,
    on_mint: Option<Hook>,
}

/// The account of the installation with this number.
pub(crate) fn account_of(number: u64, login: &str) -> Account {
    Account { id: account_id(1_000 + number), login: login.into(), kind: AccountKind::Organization }
}

fn limit(left: Duration) -> PortError {
    let retry_after = left.unsigned_abs();
    PortError::new(PortName::GithubGateway, PortErrorKind::RateLimited { retry_after }, "a limit")
}

pub(crate) fn repository(id: u64) -> Repository {
    Repository {
        id: RepositoryId::new(id).unwrap(),
        full_name: format!("acme-coffee/r{id}"),
        owner: "acme-coffee".into(),
        private: true,
        default_branch: "main".into(),
        language: None,
        html_url: format!("https://github.com/acme-coffee/r{id}"),
    }
}

impl FakeGithub {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, model: Mutex::default() }
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn without_oauth_client(&self) {
        self.model().without_oauth = true;
    }

    /// Sets the permissions that the App requests.
    pub(crate) fn request(&self, permissions: Permissions) {
        self.model().requested = permissions;
    }

    /// Installs our App on an organization of its own.
    pub(crate) fn install(&self, number: u64, login: &str) -> InstallationId {
        let id = installation(number);
        let installed_on = InstalledOn::Account(account_of(number, login));
        self.put(Installation {
            id,
            app: AppId::new(OUR_APP).unwrap(),
            installed_on,
            suspended: false,
            facts: Default::default(),
        });
        id
    }

    /// Adds an installation, or replaces the one with its id.
    pub(crate) fn put(&self, installation: Installation) {
        self.model().installations.insert(installation.id, installation);
    }

    pub(crate) fn change(&self, id: InstallationId, change: impl FnOnce(&mut Installation)) {
        change(self.model().installations.get_mut(&id).unwrap());
    }

    pub(crate) fn suspend(&self, id: InstallationId, suspended: bool) {
        self.change(id, |installation| installation.suspended = suspended);
    }

    pub(crate) fn remove(&self, id: InstallationId) {
        self.model().installations.remove(&id).unwrap();
    }

    /// Answers requests to uninstall by 202, and goes on showing the installation.
    pub(crate) fn only_accept_uninstalls(&self) {
        self.model().only_accepts_uninstalls = true;
    }

    /// Answers lookups of this installation by a wrong 404.
    pub(crate) fn hide(&self, id: InstallationId) {
        self.model().hidden.insert(id);
    }

    /// Ends wrong 404s, failures, denials and limits of this installation.
    pub(crate) fn heal(&self, id: InstallationId) {
        let mut model = self.model();
        model.hidden.remove(&id);
        model.failing.remove(&id);
        model.denied.remove(&id);
        model.limited_listings.remove(&id);
    }

    /// The truth about an installation, whatever lookups say.
    pub(crate) fn truth(&self, id: InstallationId) -> Option<Installation> {
        self.model().installations.get(&id).cloned()
    }

    /// Fails every lookup of this installation.
    pub(crate) fn fail(&self, id: InstallationId, kind: PortErrorKind) {
        self.model().failing.insert(id, kind);
    }

    /// Limits the listings of this installation's repositories to none.
    pub(crate) fn limit_listings(&self, id: InstallationId) {
        self.model().limited_listings.insert(id);
    }

    /// Does what a gateway must not do: takes a limit of one credential for a limit of all.
    pub(crate) fn pause_everyone(&self) {
        self.model().pauses_everyone = true;
    }

    /// Reports that GitHub limits the credential.
    fn limited(&self, credential: GithubCredential) -> PortError {
        let mut model = self.model();
        if model.pauses_everyone {
            model.paused_until = Some(self.clock.now() + LIMITED_FOR);
        }
        limit(LIMITED_FOR).about(credential)
    }

    fn pause_of_everyone(&self) -> Result<(), PortError> {
        let left = self.model().paused_until.map(|until| until - self.clock.now());
        left.filter(|left| left.is_positive()).map_or(Ok(()), |left| Err(limit(left)))
    }

    /// Answers requests to uninstall by 404.
    pub(crate) fn deny_uninstalls(&self) {
        self.model().denies_uninstalls = true;
    }

    /// Issues a code of the visitor [`VISITOR`], who administers the installation's organization or only sees it.
    pub(crate) fn visitor(&self, code: &str, id: InstallationId, administrator: bool) {
        let visible =
            self.model().installations.get(&id).map(|installation| installation.installed_on.clone());
        self.visitor_who_sees(code, visible, administrator);
    }

    /// Issues a code whose visitor GitHub limits.
    pub(crate) fn limited_visitor(&self, code: &str) {
        self.model().limited_visitors.insert(code.into());
    }

    pub(crate) fn visitor_who_sees(&self, code: &str, visible: Option<InstalledOn>, administrator: bool) {
        let membership = if administrator { Membership::Administrator } else { Membership::Member };
        self.visitor_of(code, visible.map_or(Visibility::NotSeen, Visibility::Seen), membership);
    }

    /// Issues a code of the visitor [`VISITOR`], about whom GitHub reports this. The installation is a second old.
    pub(crate) fn visitor_of(&self, code: &str, visibility: Visibility, membership: Membership) {
        let facts = VisitorFacts {
            visitor: account_id(VISITOR),
            visibility,
            membership,
            installation_age: Some(Duration::SECOND),
        };
        self.script_visitor(code, VisitorCheck::Visitor(facts));
    }

    /// Returns this outcome for the code, once.
    pub(crate) fn script_visitor(&self, code: &str, outcome: VisitorCheck) {
        self.model().visitors.insert(code.into(), outcome);
    }

    /// Ends [`FakeGithub::deny`].
    pub(crate) fn allow(&self, id: InstallationId) {
        self.model().denied.remove(&id);
    }

    /// Returns this list for the code, once.
    pub(crate) fn script_listing(&self, code: &str, listed: VisitorInstallations) {
        self.model().listings.insert(code.into(), listed);
    }

    /// Lists these installations for the code, once.
    pub(crate) fn visitor_with(&self, code: &str, ids: &[InstallationId]) {
        let installations = ids.iter().filter_map(|id| self.model().installations.get(id).cloned());
        let installations = installations.collect();
        self.script_listing(code, VisitorInstallations::Listed { installations, hidden: None });
    }

    /// The codes that were sent to GitHub.
    pub(crate) fn grants(&self) -> Vec<CodeGrant> {
        self.model().grants.clone()
    }

    /// Denies the installation with the App's credential.
    pub(crate) fn deny(&self, id: InstallationId, cause: DenialCause) {
        self.model().denied.insert(id, cause);
    }

    /// Adds the installer to the log of deliveries.
    pub(crate) fn log_installer(&self, id: InstallationId, installer: u64) {
        self.model().installers.insert(id, installer_record(installer));
    }

    pub(crate) fn set_repositories(&self, ids: impl IntoIterator<Item = u64>) {
        self.model().repositories = ids.into_iter().map(repository).collect();
    }

    /// Returns these pages before any page of the repositories.
    pub(crate) fn script_pages(&self, pages: impl IntoIterator<Item = ListOutcome>) {
        self.model().pages.extend(pages);
    }

    /// Lets requests of this page and the following ones wait for ever.
    pub(crate) fn hold_pages_from(&self, page: u32) {
        self.model().held_from = Some(page);
    }

    /// Returns this outcome for the next mint.
    pub(crate) fn script_mint(&self, outcome: MintOutcome) {
        self.model().mints.push_back(outcome);
    }

    pub(crate) fn minted(&self) -> u32 {
        self.model().tokens
    }

    pub(crate) fn is_live(&self, token: &InstallationToken) -> bool {
        self.model().live_tokens.contains(token.expose())
    }

    pub(crate) fn live_tokens(&self) -> usize {
        self.model().live_tokens.len()
    }

    pub(crate) fn set_rate_left(&self, limit: u64, remaining: u64, resets_in: Duration) {
        let resets_at = self.clock.now() + resets_in;
        self.model().rate_left = Some(RateLeft { limit, remaining, resets_at });
    }

    /// Runs during every lookup of an installation.
    pub(crate) fn on_lookup(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.model().on_lookup = Some(Arc::new(hook));
    }

    /// Runs during every mint.
    pub(crate) fn on_mint(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.model().on_mint = Some(Arc::new(hook));
    }

    fn token(&self, id: InstallationId) -> InstallationToken {
        let mut model = self.model();
        model.tokens += 1;
        let secret = format!("ghs_{}", model.tokens);
        model.live_tokens.insert(secret.clone());
        drop(model);
        let issued_at = self.clock.now();
        InstallationToken::new(NewToken {
            installation: id,
            secret: secret.into(),
            issued_at,
            expires_at: issued_at + Duration::HOUR,
            web_origin: "https://github.com".into(),
        })
    }
}

impl fmt::Debug for FakeGithub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeGithub")
    }
}
