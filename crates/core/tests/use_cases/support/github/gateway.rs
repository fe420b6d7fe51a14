//! The answers of the GitHub in memory.

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, CodeGrant, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck, VisitorInstallations,
};
use dockline::{
    AppId, GithubCredential, InstallationId, InstallationToken, InstallerRecord, PortError, PortName,
    TokenScope,
};

use super::{FakeGithub, OUR_APP};

#[async_trait]
impl GithubGateway for FakeGithub {
    fn registration(&self) -> AppRegistration {
        let authorize_page = "https://github.com/login/oauth/authorize?client_id=Iv1.dockline";
        AppRegistration {
            app: AppId::new(OUR_APP).unwrap(),
            install_page: "https://github.com/apps/dockline/installations/new".into(),
            authorize_page: (!self.model().without_oauth).then(|| authorize_page.into()),
        }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        let app = AppId::new(OUR_APP).unwrap();
        Ok(AppFacts {
            app,
            slug: "dockline".into(),
            name: "Dockline".into(),
            permissions: self.model().requested.clone(),
        })
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        let hook = self.model().on_lookup.clone();
        if let Some(hook) = hook {
            hook();
        }
        self.pause_of_everyone()?;
        if let Some(cause) = self.model().denied.get(&id) {
            return Ok(LookupOutcome::Denied(*cause));
        }
        let failing = self.model().failing.get(&id).copied();
        if let Some(kind) = failing {
            return Err(PortError::new(PortName::GithubGateway, kind, "fails for this installation"));
        }
        let model = self.model();
        let found = model.installations.get(&id).filter(|_| !model.hidden.contains(&id)).cloned();
        Ok(found.map_or(LookupOutcome::Missing, LookupOutcome::Found))
    }

    async fn check_visitor(&self, grant: &CodeGrant, _: InstallationId) -> Result<VisitorCheck, PortError> {
        self.pause_of_everyone()?;
        if self.model().limited_visitors.contains(grant.code.expose()) {
            return Err(self.limited(GithubCredential::Visitor));
        }
        let mut model = self.model();
        model.grants.push(grant.clone());
        let outcome = model.visitors.remove(grant.code.expose());
        Ok(outcome.unwrap_or(VisitorCheck::CodeRefused))
    }

    async fn visitor_installations(&self, grant: &CodeGrant) -> Result<VisitorInstallations, PortError> {
        let mut model = self.model();
        model.grants.push(grant.clone());
        let listed = model.listings.remove(grant.code.expose());
        Ok(listed.unwrap_or(VisitorInstallations::CodeRefused))
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        let mut model = self.model();
        if let Some(cause) = model.denied.get(&id) {
            return Ok(UninstallOutcome::Denied(*cause));
        }
        if model.only_accepts_uninstalls {
            return Ok(UninstallOutcome::Accepted);
        }
        if model.denies_uninstalls {
            return Ok(UninstallOutcome::Missing);
        }
        let removed = model.installations.remove(&id);
        Ok(removed.map_or(UninstallOutcome::Missing, |_| UninstallOutcome::Removed))
    }

    async fn mint(&self, id: InstallationId, _: &TokenScope) -> Result<MintOutcome, PortError> {
        let (hook, scripted) = {
            let mut model = self.model();
            (model.on_mint.clone(), model.mints.pop_front())
        };
        if let Some(hook) = hook {
            hook();
        }
        Ok(scripted.unwrap_or_else(|| MintOutcome::Minted(self.token(id))))
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        self.model().live_tokens.remove(token.expose());
        Ok(())
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        self.pause_of_everyone()?;
        let is_limited = self.model().limited_listings.contains(&token.installation());
        if is_limited {
            return Err(self.limited(GithubCredential::Installation));
        }
        let is_held = self.model().held_from.is_some_and(|held| page >= held);
        if is_held {
            return std::future::pending().await;
        }
        let mut model = self.model();
        if let Some(scripted) = model.pages.pop_front() {
            return Ok(scripted);
        }
        if !model.live_tokens.contains(token.expose()) {
            return Ok(ListOutcome::TokenRefused);
        }
        let per_page = ListOutcome::PER_PAGE as usize;
        let skipped = (page as usize - 1) * per_page;
        let repositories = model.repositories.iter().skip(skipped).take(per_page).cloned().collect();
        let total = model.repositories.len();
        let next = (skipped + per_page < total).then_some(page + 1);
        Ok(ListOutcome::Page { repositories, total: total as u64, next })
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<InstallerRecord>, PortError> {
        Ok(self.model().installers.get(&id).copied())
    }

    fn rate_left(&self) -> Option<RateLeft> {
        self.model().rate_left
    }
}
