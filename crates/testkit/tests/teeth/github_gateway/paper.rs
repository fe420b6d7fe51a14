//! A GitHub on paper.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use dockline::ports::RateLeft;
use dockline::{
    Account, AccountId, AccountKind, AppId, Installation, InstallationId, InstalledOn, PortError,
    PortErrorKind, PortName, Repository, RepositoryId,
};
use dockline_testkit::fixtures::{NOON, account_id, installation, unique};
use dockline_testkit::github_gateway::{Standing, Trouble};

use super::fault::Fault;

/// A token that is good.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) installation: InstallationId,
    /// `None`: all.
    pub(crate) repositories: Option<BTreeSet<RepositoryId>>,
    /// How many uses are still refused.
    pub(crate) refusals: u32,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) installed: HashMap<InstallationId, Installation>,
    pub(crate) ever: HashMap<InstallationId, Installation>,
    pub(crate) codes: HashMap<String, (AccountId, Standing)>,
    /// Visitors'.
    pub(crate) tokens: usize,
    pub(crate) live: HashMap<String, Live>,
    pub(crate) repositories: HashMap<InstallationId, Vec<Repository>>,
    pub(crate) installers: HashMap<InstallationId, AccountId>,
    /// The webhooks that were sent, the newest last: of which installation's birth they told.
    pub(crate) record: Vec<Option<InstallationId>>,
    pub(crate) stateless: bool,
    pub(crate) refusals: u32,
    pub(crate) left: Option<RateLeft>,
    pub(crate) requests: usize,
    pub(crate) trouble: Option<Trouble>,
}

pub(crate) struct Paper {
    fault: Fault,
    world: Mutex<World>,
}

pub(crate) const APP: u64 = 5_000_000_007;

impl fmt::Debug for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            if self.is(Fault::ShowsTokens) { format!("{:?}", self.world().live) } else { String::new() };
        f.debug_struct("Paper").field("live", &shown).finish_non_exhaustive()
    }
}

impl Paper {
    pub(crate) fn with(fault: Fault) -> Self {
        Self { fault, world: Mutex::default() }
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn add(&self, kind: AccountKind, app: u64) -> Installation {
        let number = unique();
        let account = Account { id: account_id(number), login: format!("account-{number}"), kind };
        let installed = Installation {
            id: installation(unique()),
            app: AppId::new(app).unwrap(),
            installed_on: InstalledOn::Account(account),
            suspended: false,
        };
        let mut world = self.world();
        world.installed.insert(installed.id, installed.clone());
        if app == APP {
            world.installers.insert(installed.id, account_id(number + 1_000_000_000));
            world.record.push(Some(installed.id));
        }
        installed
    }

    pub(crate) fn request(&self) -> Result<(), PortError> {
        let mut world = self.world();
        world.requests += if self.is(Fault::AsksThrice) { 3 } else { 1 };
        let used = u64::try_from(world.requests).unwrap();
        let resets_at = NOON + time::Duration::HOUR;
        world.left = Some(RateLeft { limit: 5_000, remaining: 5_000 - used, resets_at });
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

    pub(crate) fn visible(&self, standing: Standing, id: InstallationId) -> Option<InstalledOn> {
        let installed = self.world().installed.get(&id).cloned()?;
        let ours = installed.app.get() == APP;
        let sees = standing != Standing::Stranger || self.is(Fault::ShowsEverythingToEverybody);
        (ours && sees).then_some(installed.installed_on)
    }
}
