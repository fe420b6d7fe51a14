//! A gateway to it that is right until it is told to be wrong.

use async_trait::async_trait;
use dockline::ports::{
    AppFacts, AppRegistration, GithubGateway, ListOutcome, LookupOutcome, MintOutcome, RateLeft,
    UninstallOutcome, VisitorCheck,
};
use dockline::{
    Account, AccountId, AccountKind, AppId, AuthorizationCode, InstallationId, InstallationToken,
    InstalledOn, PortError, TokenScope, VisitorFacts,
};
use dockline_testkit::fixtures::{NOON, account_id, unique};
use dockline_testkit::github_gateway::Standing;

use super::fault::Fault;
use super::paper::{APP, Paper};
use super::tokens::unexpected;

#[async_trait]
impl GithubGateway for Paper {
    fn registration(&self) -> AppRegistration {
        if self.is(Fault::AsksForItsRegistration) {
            self.world().requests += 1;
        }
        AppRegistration {
            app: AppId::new(APP).unwrap(),
            install_page: "https://github.example/apps/acme-dock/installations/new".into(),
            authorize_page: Some("https://github.example/login/oauth/authorize?client_id=Iv1.paper".into()),
        }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        self.request()?;
        Ok(AppFacts { app: AppId::new(APP).unwrap(), slug: "acme-dock".into(), name: "Acme Dock".into() })
    }

    async fn installation(&self, id: InstallationId) -> Result<LookupOutcome, PortError> {
        match self.request() {
            Err(_) if self.is(Fault::TakesTroubleForAbsence) => return Ok(LookupOutcome::Missing),
            asked => asked?,
        }
        let mut world = self.world();
        let mut found = world.installed.get(&id).cloned();
        if self.is(Fault::RemembersForEver) {
            found = found.or_else(|| world.ever.get(&id).cloned());
        }
        let foreign = self.is(Fault::FindsForeignInstallations);
        let Some(mut found) = found.filter(|found| foreign || found.app.get() == APP) else {
            return Ok(LookupOutcome::Missing);
        };
        world.ever.insert(id, found.clone());
        found.suspended &= !self.is(Fault::OverlooksSuspension);
        if let (true, InstalledOn::Account(account)) =
            (self.is(Fault::MixesAccountsUp), &mut found.installed_on)
        {
            account.id = account_id(unique());
        }
        Ok(LookupOutcome::Found(found))
    }

    async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        id: InstallationId,
    ) -> Result<VisitorCheck, PortError> {
        self.request()?;
        let entry = self.world().codes.get(code.expose()).copied();
        let Some((visitor, standing)) = entry else {
            if self.is(Fault::FailsOnRefusedCodes) {
                return Err(unexpected());
            }
            return Ok(VisitorCheck::CodeRefused);
        };
        if !self.is(Fault::TakesCodesTwice) {
            self.world().codes.remove(code.expose());
        }
        self.world().tokens += usize::from(self.is(Fault::KeepsTokens));
        let visible = self.visible(standing, id);
        let is_organization =
            matches!(visible, Some(InstalledOn::Account(Account { kind: AccountKind::Organization, .. })));
        let administers = standing == Standing::Administrator
            || self.is(Fault::TakesMembersForAdministrators) && standing == Standing::Member;
        let administers_organization = is_organization && administers;
        Ok(VisitorCheck::Visitor(VisitorFacts { visitor, visible, administers_organization }))
    }

    async fn uninstall(&self, id: InstallationId) -> Result<UninstallOutcome, PortError> {
        self.request()?;
        if self.is(Fault::RemovesNothing) {
            return Ok(UninstallOutcome::Removed);
        }
        let removed = self.world().installed.remove(&id).is_some();
        Ok(if removed || self.is(Fault::AlwaysRemoved) {
            UninstallOutcome::Removed
        } else {
            UninstallOutcome::AlreadyGone
        })
    }

    async fn mint(&self, id: InstallationId, scope: &TokenScope) -> Result<MintOutcome, PortError> {
        self.request()?;
        self.give_out(id, scope)
    }

    async fn revoke(&self, token: &InstallationToken) -> Result<(), PortError> {
        self.request()?;
        if self.is(Fault::RevokesNothing) {
            return Ok(());
        }
        let mut world = self.world();
        let ended = world.live.remove(token.expose()).is_some();
        if self.is(Fault::RevokesEverything) {
            world.live.retain(|_, live| live.installation != token.installation());
        }
        if !ended && self.is(Fault::FailsOnEndedTokens) { Err(unexpected()) } else { Ok(()) }
    }

    async fn repositories(&self, token: &InstallationToken, page: u32) -> Result<ListOutcome, PortError> {
        let is_fresh = token.issued_at() == NOON;
        let patient = is_fresh && !self.is(Fault::GivesFreshTokensUp) || self.is(Fault::TriesOldTokensAgain);
        for _ in 0..if patient { 4 } else { 1 } {
            self.request()?;
            if let Some(listing) = self.listed(token, page) {
                return Ok(listing);
            }
        }
        if self.is(Fault::FailsOnRefusedTokens) { Err(unexpected()) } else { Ok(ListOutcome::TokenRefused) }
    }

    async fn installer(&self, id: InstallationId) -> Result<Option<AccountId>, PortError> {
        let pages = if self.is(Fault::ReadsOnePageOfTheRecord) {
            1
        } else if self.is(Fault::ReadsTheWholeRecord) {
            usize::MAX
        } else {
            3
        };
        let record = self.world().record.clone();
        let newest: Vec<_> = record.into_iter().rev().collect();
        self.request()?;
        for (number, page) in newest.chunks(100).take(pages).enumerate() {
            if number > 0 {
                self.request()?;
            }
            let any = self.is(Fault::NamesTheLastInstaller);
            if let Some(found) = page.iter().flatten().find(|told| any || **told == id) {
                self.request()?;
                return Ok(self.world().installers.get(found).copied());
            }
        }
        Ok(None)
    }

    fn rate_left(&self) -> Option<RateLeft> {
        let mut world = self.world();
        world.requests += usize::from(self.is(Fault::AsksForWhatIsLeft));
        world.left
    }
}
