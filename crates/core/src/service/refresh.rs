use time::Duration;

use super::Dockline;
use crate::error::PortError;
use crate::model::{
    Account, Installation, InstallationId, InstalledOn, KnownInstallation, OrganizationId, Status,
};
use crate::ports::{Event, Lookup, Observation, Observed};

/// How often a rival's later observation may make us ask again, before its word is taken.
const TRIES: u32 = 3;

/// How an installation stands after GitHub was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// GitHub says so, and it is stored.
    Present(Status),
    /// It is gone for ever.
    Gone,
    /// GitHub names another account than before. Nothing was stored.
    AccountChanged,
    /// Nobody ever heard of it, GitHub included, or it is nothing that can be bound. Nothing was stored.
    Unknown,
}

impl Dockline {
    /// Asks GitHub about an installation and takes note of the answer: what makes hints, sweeps and mints agree with
    /// GitHub whatever their order (`design.md` §5; invariants I7, I22).
    ///
    /// The observation bears the time at which GitHub was *asked*, later than what was known then: of two answers that
    /// cross, the one that was asked for later counts, also where the clocks of two nodes differ (I27). Where a rival's
    /// came in between, GitHub is asked again. A 404, which the gateway confirmed, ends only what was known before
    /// (L-55): a new installation that GitHub does not show yet is not gone.
    ///
    /// # Errors
    /// Infrastructure only; nothing was stored, and the same call may be repeated.
    pub async fn refresh(&self, installation: InstallationId) -> Result<Standing, PortError> {
        let bindings = &self.ports.bindings;
        for _ in 0..TRIES {
            let known = bindings.known(installation).await?;
            if known.as_ref().is_some_and(|known| known.status == Status::Uninstalled) {
                return Ok(Standing::Gone);
            }
            let verified_at = self.later_than(known.as_ref());
            let found = match self.ports.github.installation(installation).await? {
                Lookup::Found(found) => found,
                Lookup::Missing if known.is_some() => {
                    self.end(installation, known).await?;
                    return Ok(Standing::Gone);
                }
                Lookup::Missing => return Ok(Standing::Unknown),
            };
            let before = known.as_ref().and_then(|known| known.account.as_ref());
            let account = match (self.account_of(&found), before) {
                (Some(account), Some(before)) if account.id == before.id => account,
                (Some(account), None) => account,
                (None, None) => return Ok(Standing::Unknown),
                (named, Some(before)) => {
                    let organization = known.as_ref().and_then(|known| known.organization.clone());
                    let (known, named) = (before.id, named.map(|account| account.id));
                    self.forget_tokens(installation);
                    self.record(&Event::AccountChanged { organization, installation, known, named });
                    return Ok(Standing::AccountChanged);
                }
            };
            let status = found.status();
            let observation = Observation::Present { status, account: account.clone(), verified_at };
            match bindings.observe(installation, observation).await? {
                Observed::Recorded => {
                    if let Some(known) = known {
                        self.tell(installation, &known, status, &account);
                    }
                    return Ok(Standing::Present(status));
                }
                Observed::Gone => {
                    self.forget_tokens(installation);
                    return Ok(Standing::Gone);
                }
                Observed::Outdated => {}
            }
        }
        // Rivals asked later than we did, each time: theirs is the better answer.
        Ok(match bindings.known(installation).await? {
            Some(known) if known.status == Status::Uninstalled => Standing::Gone,
            Some(known) => Standing::Present(known.status),
            None => Standing::Unknown,
        })
    }

    /// Takes note of an installation's end.
    pub(super) async fn end(
        &self,
        installation: InstallationId,
        known: Option<KnownInstallation>,
    ) -> Result<(), PortError> {
        let verified_at = self.later_than(known.as_ref());
        self.ports.bindings.observe(installation, Observation::Uninstalled { verified_at }).await?;
        self.forget_tokens(installation);
        if known.as_ref().is_none_or(|known| known.status != Status::Uninstalled) {
            let organization = known.and_then(|known| known.organization);
            self.record(&Event::Uninstalled { organization, installation });
        }
        Ok(())
    }

    /// Now, or just after what is known where this clock is behind the one that wrote it.
    fn later_than(&self, known: Option<&KnownInstallation>) -> time::OffsetDateTime {
        let now = self.now();
        known.map_or(now, |known| now.max(known.verified_at.saturating_add(Duration::MICROSECOND)))
    }

    fn account_of(&self, found: &Installation) -> Option<Account> {
        match &found.installed_on {
            InstalledOn::Account(account) if found.app == self.ports.github.registration().app => {
                Some(account.clone())
            }
            InstalledOn::Account(_) | InstalledOn::Enterprise { .. } | InstalledOn::Unknown => None,
        }
    }

    fn tell(
        &self,
        installation: InstallationId,
        known: &KnownInstallation,
        status: Status,
        account: &Account,
    ) {
        let organization = || -> Option<OrganizationId> { known.organization.clone() };
        let renamed = known.account.as_ref().filter(|before| before.login != account.login);
        if known.status != status || renamed.is_some() {
            self.forget_tokens(installation);
        }
        match (known.status, status) {
            (Status::Active, Status::Suspended) => {
                self.record(&Event::Suspended { organization: organization(), installation });
            }
            (Status::Suspended, Status::Active) => {
                self.record(&Event::Reinstated { organization: organization(), installation });
            }
            _ => {}
        }
        if let Some(before) = renamed {
            let (from, to) = (before.login.clone(), account.login.clone());
            self.record(&Event::Renamed { organization: organization(), installation, from, to });
        }
    }
}
