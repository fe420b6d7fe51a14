use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck,
};
use dockline::{AccountId, AuthorizationCode, InstallationId, InstallationToken, PortError, TokenScope};

use super::{Metered, measured};

const PORT: &str = "github_gateway";

#[async_trait]
impl<P: GithubGateway> GithubGateway for Metered<P> {
    /// Asks nobody: not measured.
    fn registration(&self) -> AppRegistration {
        self.0.registration()
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        measured(PORT, "app", self.0.app()).await
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        measured(PORT, "installation", self.0.installation(id)).await
    }

    async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        measured(PORT, "check_visitor", self.0.check_visitor(code, installation)).await
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        measured(PORT, "uninstall", self.0.uninstall(id)).await
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        measured(PORT, "mint", self.0.mint(id, scope)).await
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        measured(PORT, "revoke", self.0.revoke(token)).await
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        measured(PORT, "repositories", self.0.repositories(token, page)).await
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError> {
        measured(PORT, "installer", self.0.installer(id)).await
    }

    /// Asks nobody: not measured.
    fn rate_left(&self) -> Option<RateLeft> {
        self.0.rate_left()
    }
}
