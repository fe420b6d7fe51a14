//! The port's conformance suite, run by this gateway against the simulator over sockets. The two share no code, so they
//! check each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::GithubGateway;
use dockline::{
    Access, Account, AccountId, AccountKind, AppId, AuthorizationCode, Installation, InstallationFacts,
    InstallationId, InstalledOn, PermissionName, Permissions, Repository, RepositoryId, RepositorySelection,
};
use dockline_github::{GithubApp, GithubAppConfig, GithubHost};
use dockline_github_sim::{
    Config, DeliveryMode, Fault, FaultRule, Garbage, GithubSim, NewApp, NewRepository, Role, RunningSim,
    TokenFormat, TokenLag,
};
use dockline_testkit::fixtures::unique;
use dockline_testkit::github_gateway::{GatewayDriver, GithubFailure, SignedIn, VisitorRole};
use secrecy::ExposeSecret;

dockline_testkit::github_gateway_suite!(async { Simulated::start().await });

const TIMEOUT: Duration = Duration::from_millis(700);

/// The App's permissions: one is only read, so that write is not granted. A token needs metadata to list repositories.
const GRANTED: [(&str, &str); 3] = [("contents", "write"), ("members", "read"), ("metadata", "read")];

#[derive(Debug)]
struct Simulated {
    running: RunningSim,
    app: u64,
    another_app: u64,
    gateway: GithubApp,
}

impl Simulated {
    async fn start() -> Self {
        let sim = GithubSim::new(Config::default());
        // The deliveries are in GitHub's log, although none is received.
        sim.set_delivery_mode(DeliveryMode::Dropped);
        let new = |slug| {
            NewApp::new(slug, "http://127.0.0.1/callback")
                .with_permissions(GRANTED)
                .with_webhook_url("http://127.0.0.1/webhook")
        };
        let app = sim.create_app(new("acme-dock")).unwrap();
        let another_app = sim.create_app(new("another-dock")).unwrap().app_id;
        let running = sim.start().await.unwrap();
        let host = GithubHost::at(&running.web, &running.api).unwrap();
        let config =
            GithubAppConfig::new(AppId::new(app.app_id).unwrap(), &*app.slug, app.private_key_pem.clone())
                .with_host(host)
                .with_oauth_client(&*app.client_id, app.client_secret.clone())
                .with_timeout(TIMEOUT);
        let gateway = GithubApp::new(config).unwrap();
        Self { running, app: app.app_id, another_app, gateway }
    }

    fn sim(&self) -> &GithubSim {
        self.running.sim()
    }

    /// Creates a user; returns login and id.
    fn user(&self) -> (String, u64) {
        let login = format!("user-{}", unique());
        let id = self.sim().create_user(&login).unwrap();
        (login, id)
    }

    /// Installs an App on a new account of this kind.
    fn install_app(&self, app: u64, kind: AccountKind) -> Installation {
        let (sender, sender_id) = self.user();
        let (login, account) = match kind {
            AccountKind::User => (sender.clone(), sender_id),
            AccountKind::Organization => {
                let login = format!("org-{}", unique());
                let account = self.sim().create_organization(&login).unwrap();
                self.sim().set_membership(&login, &sender, Role::Admin).unwrap();
                (login, account)
            }
        };
        let id = self.sim().install(app, &login, &sender).unwrap();
        let owner = match kind {
            AccountKind::User => String::new(),
            AccountKind::Organization => format!("/organizations/{login}"),
        };
        let settings_url = format!("{}{owner}/settings/installations/{id}", self.running.web);
        Installation {
            id: InstallationId::new(id).unwrap(),
            app: AppId::new(app).unwrap(),
            installed_on: InstalledOn::Account(Account { id: AccountId::new(account).unwrap(), login, kind }),
            suspended: false,
            facts: InstallationFacts {
                permissions: Permissions::new(
                    GRANTED.map(|(name, level)| (name.to_owned(), level.to_owned())),
                ),
                repository_selection: Some(RepositorySelection::All),
                suspended_by: None,
                settings_url: Some(settings_url),
            },
        }
    }
}

#[async_trait]
impl GatewayDriver for Simulated {
    fn gateway(&self) -> &dyn GithubGateway {
        &self.gateway
    }

    async fn install(&self, kind: AccountKind) -> Installation {
        self.install_app(self.app, kind)
    }

    async fn install_another_app(&self) -> InstallationId {
        self.install_app(self.another_app, AccountKind::Organization).id
    }

    async fn suspend(&self, id: InstallationId) {
        self.sim().suspend(id.get(), None).unwrap();
    }

    async fn uninstall(&self, id: InstallationId) {
        self.sim().uninstall(id.get()).unwrap();
    }

    async fn visitor(&self, role: VisitorRole, id: InstallationId) -> SignedIn {
        let installation = self.sim().installation(id.get()).unwrap();
        let account = installation.account_login;
        let is_user = installation.account_id == installation.installed_by;
        let (login, number) = match role {
            VisitorRole::Administrator if is_user => (account, installation.account_id),
            VisitorRole::Administrator | VisitorRole::Member | VisitorRole::Outsider => {
                let (login, number) = self.user();
                match role {
                    VisitorRole::Administrator => {
                        self.sim().set_membership(&account, &login, Role::Admin).unwrap();
                    }
                    VisitorRole::Member if is_user => self.sim().add_collaborator(&account, &login).unwrap(),
                    VisitorRole::Member => self.sim().set_membership(&account, &login, Role::Member).unwrap(),
                    VisitorRole::Outsider => {}
                }
                (login, number)
            }
        };
        let code = self.sim().issue_code(self.app, &login).unwrap();
        SignedIn {
            visitor: AccountId::new(number).unwrap(),
            code: AuthorizationCode::presented(code.expose_secret()),
        }
    }

    async fn granted(&self, _: InstallationId) -> BTreeMap<PermissionName, Access> {
        let access = |text: &str| if text == "write" { Access::Write } else { Access::Read };
        GRANTED.map(|(name, text)| (PermissionName::new(name).unwrap(), access(text))).into()
    }

    async fn add_repositories(&self, id: InstallationId, count: usize) -> Vec<Repository> {
        let owner = self.sim().installation(id.get()).unwrap().account_login;
        let add = |number: usize| {
            let name = format!("Repository.{number}");
            let (private, branch) = (number.is_multiple_of(2), format!("trunk/{number}"));
            let language = (!number.is_multiple_of(3)).then_some("Rust");
            let new = NewRepository::new(&name)
                .private(private)
                .with_default_branch(&branch)
                .with_language(language);
            let added = self.sim().create_repository(&owner, new).unwrap();
            Repository {
                id: RepositoryId::new(added).unwrap(),
                full_name: format!("{owner}/{name}"),
                owner: owner.clone(),
                private,
                default_branch: branch,
                language: language.map(str::to_owned),
                html_url: format!("{}/{owner}/{name}", self.running.web),
            }
        };
        (1..=count).map(add).collect()
    }

    async fn issue_stateless_tokens(&self, stateless: bool) {
        self.sim().set_token_format(if stateless { TokenFormat::Stateless } else { TokenFormat::Opaque });
    }

    async fn reject_fresh_tokens(&self, uses: u32) {
        self.sim().set_token_lag(Some(TokenLag::Uses(uses)));
    }

    async fn live_installation_tokens(&self) -> usize {
        self.sim().live_installation_tokens()
    }

    async fn installed_by(&self, id: InstallationId) -> AccountId {
        // Waits until the webhook `installation.created` has been sent and dropped.
        self.sim().settled().await;
        AccountId::new(self.sim().installation(id.get()).unwrap().installed_by).unwrap()
    }

    async fn send_other_webhooks(&self, count: usize) {
        for _ in 0..count {
            self.sim().ping(self.app).unwrap();
        }
        self.sim().settled().await;
    }

    async fn fail(&self, failure: GithubFailure) {
        let fault = match failure {
            GithubFailure::Down => Fault::Status { code: 502 },
            GithubFailure::Silent => Fault::Hang,
            GithubFailure::RateLimited { retry_after } => {
                Fault::SecondaryRateLimit { retry_after: Some(retry_after.as_secs()), status: 429 }
            }
            GithubFailure::Malformed => Fault::Garbage { form: Garbage::Html },
            GithubFailure::CredentialRejected => Fault::Status { code: 401 },
        };
        self.sim().set_fault(FaultRule::new(fault));
    }

    async fn recover(&self) {
        self.sim().clear_faults();
    }

    async fn requests(&self) -> usize {
        self.sim().requests().len()
    }

    async fn live_visitor_tokens(&self) -> usize {
        self.sim().live_user_tokens()
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}
