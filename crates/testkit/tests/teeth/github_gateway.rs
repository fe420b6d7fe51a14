//! A GitHub on paper, and a gateway to it that is right until it is told to be wrong.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use dockline::ports::{AppFacts, AppRegistration, GithubGateway, Lookup, Proving, Removal};
use dockline::{
    Account, AccountId, AccountKind, AppId, AuthorizationCode, Installation, InstallationId, InstalledOn,
    PortError, PortErrorKind, PortName, Witness,
};
use dockline_testkit::fixtures::{account_id, installation, unique};
use dockline_testkit::github_gateway::{
    GatewayDriver, Standing, Trouble, Visitor, finding, proving, removing, trouble,
};

use crate::bites;

/// What is wrong with a [`Paper`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// L-55: any error means that it is gone.
    TakesTroubleForAbsence,
    /// L-34: one kind for all.
    FlattensTrouble,
    /// L-58: until when is made up.
    GuessesTheLimit,
    /// L-08
    TakesMembersForAdministrators,
    /// L-01
    ShowsEverythingToEverybody,
    /// L-17
    TakesCodesTwice,
    /// A made-up code is an error, as if GitHub were down.
    FailsOnRefusedCodes,
    /// I9
    KeepsTokens,
    /// L-42
    RemembersForEver,
    /// L-57
    OverlooksSuspension,
    /// Other Apps' installations are found, too.
    FindsForeignInstallations,
    /// I19
    AsksThrice,
    /// The registration is asked for, over and over.
    AsksForItsRegistration,
    /// L-53: the number is another's.
    MixesAccountsUp,
    /// L-61
    RemovesNothing,
    /// Removed and gone before are one answer.
    AlwaysRemoved,
}

#[derive(Debug, Default)]
struct World {
    installed: HashMap<InstallationId, Installation>,
    ever: HashMap<InstallationId, Installation>,
    codes: HashMap<String, (AccountId, Standing)>,
    tokens: usize,
    requests: usize,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Paper {
    fault: Fault,
    world: Mutex<World>,
}

const APP: u64 = 5_000_000_007;

impl Paper {
    fn with(fault: Fault) -> Self {
        Self { fault, world: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn add(&self, kind: AccountKind, app: u64) -> Installation {
        let number = unique();
        let account = Account { id: account_id(number), login: format!("account-{number}"), kind };
        let installed = Installation {
            id: installation(unique()),
            app: AppId::new(app).unwrap(),
            installed_on: InstalledOn::Account(account),
            suspended: false,
        };
        self.world().installed.insert(installed.id, installed.clone());
        installed
    }

    fn request(&self) -> Result<(), PortError> {
        let mut world = self.world();
        world.requests += if self.is(Fault::AsksThrice) { 3 } else { 1 };
        let kind = match world.trouble {
            None => return Ok(()),
            Some(Trouble::Down | Trouble::Silent) => PortErrorKind::Unavailable,
            Some(_) if self.is(Fault::FlattensTrouble) => PortErrorKind::Unavailable,
            Some(Trouble::Limited { .. }) if self.is(Fault::GuessesTheLimit) => {
                PortErrorKind::RateLimited { retry_after: Duration::from_secs(3_600) }
            }
            Some(Trouble::Limited { retry_after }) => PortErrorKind::RateLimited { retry_after },
            Some(Trouble::Garbage) => PortErrorKind::Corrupt,
            Some(Trouble::CredentialRefused) => PortErrorKind::Rejected,
        };
        Err(PortError::new(PortName::GithubGateway, kind, "paper"))
    }

    fn visible(&self, standing: Standing, id: InstallationId) -> Option<InstalledOn> {
        let installed = self.world().installed.get(&id).cloned()?;
        let ours = installed.app.get() == APP;
        let sees = standing != Standing::Stranger || self.is(Fault::ShowsEverythingToEverybody);
        (ours && sees).then_some(installed.installed_on)
    }
}

#[async_trait]
impl GithubGateway for Paper {
    fn registration(&self) -> AppRegistration {
        if self.is(Fault::AsksForItsRegistration) {
            self.world().requests += 1;
        }
        AppRegistration {
            app: AppId::new(APP).unwrap(),
            install_page: "https://github.example/apps/acme-dock/installations/new".into(),
            has_oauth_client: true,
        }
    }

    async fn app(&self) -> Result<AppFacts, PortError> {
        self.request()?;
        Ok(AppFacts { app: AppId::new(APP).unwrap(), slug: "acme-dock".into(), name: "Acme Dock".into() })
    }

    async fn installation(&self, id: InstallationId) -> Result<Lookup, PortError> {
        match self.request() {
            Err(_) if self.is(Fault::TakesTroubleForAbsence) => return Ok(Lookup::Missing),
            asked => asked?,
        }
        let mut world = self.world();
        let mut found = world.installed.get(&id).cloned();
        if self.is(Fault::RemembersForEver) {
            found = found.or_else(|| world.ever.get(&id).cloned());
        }
        let foreign = self.is(Fault::FindsForeignInstallations);
        let Some(mut found) = found.filter(|found| foreign || found.app.get() == APP) else {
            return Ok(Lookup::Missing);
        };
        world.ever.insert(id, found.clone());
        found.suspended &= !self.is(Fault::OverlooksSuspension);
        if let (true, InstalledOn::Account(account)) =
            (self.is(Fault::MixesAccountsUp), &mut found.installed_on)
        {
            account.id = account_id(unique());
        }
        Ok(Lookup::Found(found))
    }

    async fn prove(&self, code: &AuthorizationCode, id: InstallationId) -> Result<Proving, PortError> {
        self.request()?;
        let entry = self.world().codes.get(code.expose()).copied();
        let Some((visitor, standing)) = entry else {
            if self.is(Fault::FailsOnRefusedCodes) {
                return Err(PortError::new(PortName::GithubGateway, PortErrorKind::Unexpected, "paper"));
            }
            return Ok(Proving::CodeRefused);
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
        Ok(Proving::Witnessed(Witness { visitor, visible, administers_organization }))
    }

    async fn uninstall(&self, id: InstallationId) -> Result<Removal, PortError> {
        self.request()?;
        if self.is(Fault::RemovesNothing) {
            return Ok(Removal::Removed);
        }
        let removed = self.world().installed.remove(&id).is_some();
        Ok(if removed || self.is(Fault::AlwaysRemoved) { Removal::Removed } else { Removal::AlreadyGone })
    }
}

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
        self.world().installed.get_mut(&id).unwrap().suspended = true;
    }

    async fn uninstall(&self, id: InstallationId) {
        self.world().installed.remove(&id).unwrap();
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
}

mod right {
    use super::*;

    // What is told to be right passes, so what bites below is the fault.
    dockline_testkit::github_gateway_suite!(async { Paper::with(Fault::Nothing) });
}

bites! {
    GatewayDriver;
    trouble_that_is_taken_for_absence: Paper::with(Fault::TakesTroubleForAbsence) =>
        trouble::a_github_that_is_down_is_unavailable,
        trouble::a_limit_keeps_its_kind_and_its_time,
        trouble::trouble_that_passes_leaves_nothing_behind;
    trouble_that_is_flattened: Paper::with(Fault::FlattensTrouble) =>
        trouble::a_limit_keeps_its_kind_and_its_time,
        trouble::what_is_not_githubs_is_corrupt,
        trouble::a_refused_credential_is_rejected;
    a_limit_that_is_guessed: Paper::with(Fault::GuessesTheLimit) =>
        trouble::a_limit_keeps_its_kind_and_its_time;
    members_that_are_taken_for_administrators: Paper::with(Fault::TakesMembersForAdministrators) =>
        proving::a_member_sees_and_does_not_administer;
    everything_shown_to_everybody: Paper::with(Fault::ShowsEverythingToEverybody) =>
        proving::a_stranger_sees_nothing,
        proving::a_stranger_to_a_users_account_sees_nothing;
    codes_that_are_good_twice: Paper::with(Fault::TakesCodesTwice) => proving::a_code_is_good_once;
    refused_codes_that_are_errors: Paper::with(Fault::FailsOnRefusedCodes) =>
        proving::a_made_up_code_is_refused;
    tokens_that_are_kept: Paper::with(Fault::KeepsTokens) => proving::no_token_outlives_a_proof;
    installations_that_are_remembered_for_ever: Paper::with(Fault::RemembersForEver) =>
        finding::an_uninstalled_installation_is_missing;
    suspension_that_is_overlooked: Paper::with(Fault::OverlooksSuspension) =>
        finding::a_suspended_installation_is_found_as_such;
    foreign_installations_that_are_found: Paper::with(Fault::FindsForeignInstallations) =>
        finding::another_apps_installation_is_missing;
    three_requests_for_one_lookup: Paper::with(Fault::AsksThrice) =>
        finding::a_lookup_makes_at_most_two_requests;
    a_registration_that_is_asked_for: Paper::with(Fault::AsksForItsRegistration) =>
        finding::the_registration_is_known_without_asking;
    accounts_that_are_mixed_up: Paper::with(Fault::MixesAccountsUp) =>
        finding::an_installation_is_found_with_its_account;
    removals_that_remove_nothing: Paper::with(Fault::RemovesNothing) =>
        removing::a_removed_installation_is_gone_at_github;
    removals_that_are_all_alike: Paper::with(Fault::AlwaysRemoved) =>
        removing::what_was_gone_before_is_told_apart;
}
