use time::Duration;

use crate::error::PortError;
use crate::model::{
    Account, Installation, InstallationId, InstallationRecord, InstalledOn, OrganizationId, Status,
};
use crate::ports::{Event, LookupOutcome, Observation, ObserveOutcome};
use crate::service::Dockline;

/// How often a rival's later observation may make us ask again, before its word is taken.
const TRIES: u32 = 3;

/// How an installation stands after GitHub was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
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
    pub async fn refresh(&self, installation: InstallationId) -> Result<RefreshOutcome, PortError> {
        let bindings = &self.ports.bindings;
        for _ in 0..TRIES {
            let known = bindings.installation(installation).await?;
            if known.as_ref().is_some_and(|known| known.status == Status::Uninstalled) {
                return Ok(RefreshOutcome::Gone);
            }
            let verified_at = self.later_than(known.as_ref());
            let found = match self.ports.github.installation(installation).await? {
                LookupOutcome::Found(found) => found,
                LookupOutcome::Missing if known.is_some() => {
                    self.end(installation, known).await?;
                    return Ok(RefreshOutcome::Gone);
                }
                LookupOutcome::Missing => return Ok(RefreshOutcome::Unknown),
            };
            let before = known.as_ref().and_then(|known| known.account.as_ref());
            let account = match (self.account_of(&found), before) {
                (Some(account), Some(before)) if account.id == before.id => account,
                (Some(account), None) => account,
                (None, None) => return Ok(RefreshOutcome::Unknown),
                (named, Some(before)) => {
                    let organization = known.as_ref().and_then(|known| known.organization.clone());
                    let (known, named) = (before.id, named.map(|account| account.id));
                    self.forget_tokens(installation);
                    self.record(&Event::AccountChanged { organization, installation, known, named });
                    return Ok(RefreshOutcome::AccountChanged);
                }
            };
            let status = found.status();
            let observation = Observation::Present { status, account: account.clone(), verified_at };
            match bindings.observe(installation, observation).await? {
                ObserveOutcome::Recorded => {
                    if let Some(known) = known {
                        self.tell(installation, &known, status, &account);
                    }
                    return Ok(RefreshOutcome::Present(status));
                }
                ObserveOutcome::Gone => {
                    self.forget_tokens(installation);
                    return Ok(RefreshOutcome::Gone);
                }
                ObserveOutcome::Outdated => {}
            }
        }
        // Rivals asked later than we did, each time: theirs is the better answer.
        Ok(match bindings.installation(installation).await? {
            Some(known) if known.status == Status::Uninstalled => RefreshOutcome::Gone,
            Some(known) => RefreshOutcome::Present(known.status),
            None => RefreshOutcome::Unknown,
        })
    }

    /// Takes note of an installation's end.
    pub(in crate::service) async fn end(
        &self,
        installation: InstallationId,
        known: Option<InstallationRecord>,
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
    fn later_than(&self, known: Option<&InstallationRecord>) -> time::OffsetDateTime {
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
        known: &InstallationRecord,
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
