//! The hand that writes on the paper.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::GithubGateway;
use dockline::{
    Access, Account, AccountId, AccountKind, AuthorizationCode, Installation, InstallationId, InstalledOn,
    PermissionName, Repository, RepositoryId,
};
use dockline_testkit::fixtures::{account_id, unique};
use dockline_testkit::github_gateway::{GatewayDriver, Standing, Trouble, Visitor};

use super::paper::{APP, Paper};
use super::tokens::granted;

#[async_trait]
impl GatewayDriver for Paper {
    fn gateway(&self) -> &dyn GithubGateway {
        self
    }

    async fn install(&self, kind: AccountKind) -> Installation {
        self.add(kind, APP)
    }

    async fn install_another_app(&self) -> InstallationId {
        self.add(AccountKind::Organization, APP + 1).id
    }

    async fn suspend(&self, id: InstallationId) {
        let mut world = self.world();
        world.installed.get_mut(&id).unwrap().suspended = true;
        world.record.push(None);
    }

    async fn uninstall(&self, id: InstallationId) {
        let mut world = self.world();
        world.installed.remove(&id).unwrap();
        world.live.retain(|_, live| live.installation != id);
    }

    async fn visitor(&self, standing: Standing, id: InstallationId) -> Visitor {
        let number = unique();
        let on = self.world().installed.get(&id).map(|installed| installed.installed_on.clone());
        let visitor = match on {
            Some(InstalledOn::Account(Account { id, kind: AccountKind::User, .. }))
                if standing == Standing::Administrator =>
            {
                id
            }
            _ => account_id(number),
        };
        let code = format!("code-{number}");
        self.world().codes.insert(code.clone(), (visitor, standing));
        Visitor { id: visitor, code: AuthorizationCode::presented(code) }
    }

    async fn trouble(&self, trouble: Trouble) {
        self.world().trouble = Some(trouble);
    }

    async fn mend(&self) {
        self.world().trouble = None;
    }

    async fn requests(&self) -> usize {
        self.world().requests
    }

    async fn live_tokens(&self) -> usize {
        self.world().tokens
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    async fn granted(&self, _: InstallationId) -> BTreeMap<PermissionName, Access> {
        granted()
    }

    async fn add_repositories(&self, id: InstallationId, count: usize) -> Vec<Repository> {
        let repository = || {
            let id = unique();
            Repository {
                id: RepositoryId::new(id).unwrap(),
                full_name: format!("paper/repository-{id}"),
                owner: "paper".into(),
                private: id.is_multiple_of(2),
                default_branch: "trunk".into(),
                language: None,
                html_url: format!("https://github.example/paper/repository-{id}"),
            }
        };
        let repositories: Vec<_> = std::iter::repeat_with(repository).take(count).collect();
        self.world().repositories.insert(id, repositories.clone());
        repositories
    }

    async fn give_stateless_tokens(&self, stateless: bool) {
        self.world().stateless = stateless;
    }

    async fn refuse_fresh_tokens(&self, uses: u32) {
        self.world().refusals = uses;
    }

    async fn live_installation_tokens(&self) -> usize {
        self.world().live.len()
    }

    async fn installed_by(&self, id: InstallationId) -> AccountId {
        *self.world().installers.get(&id).unwrap()
    }

    async fn send_other_webhooks(&self, count: usize) {
        self.world().record.extend(std::iter::repeat_n(None, count));
    }
}
