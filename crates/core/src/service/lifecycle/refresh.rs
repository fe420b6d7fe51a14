use time::{Duration, OffsetDateTime};

use crate::error::PortError;
use crate::model::{
    Account, DenialCause, Installation, InstallationId, InstallationRecord, InstalledOn, Status,
};
use crate::ports::{Event, LookupOutcome, Observation, ObserveOutcome};
use crate::service::Dockline;

/// The number of lookups before a concurrent observation, which is later each time, is accepted as the result.
const ATTEMPTS: u32 = 3;

/// The outcome of [`Dockline::refresh`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// GitHub reports this status, and it is stored.
    Present(Status),
    /// The installation was uninstalled, which is final.
    Gone,
    /// GitHub reports another account than the stored one. Nothing was stored.
    AccountChanged,
    /// The installation is not known here, and GitHub does not know it either or reports one that cannot be bound. Nothing
    /// was stored.
    Unknown,
    /// GitHub denies the App the installation. Nothing was stored.
    Denied(DenialCause),
}

impl Dockline {
    /// Looks up an installation at GitHub and stores the result. Webhooks, reconciliation and tokens use it, so that the
    /// stored status follows GitHub's, whatever the order of deliveries.
    ///
    /// The observation has the time of the *request*, and is later than the stored one even if this clock is behind: of
    /// two concurrent lookups the later request counts. A 404 uninstalls only a known installation, since GitHub may not
    /// show a new one yet.
    ///
    /// # Errors
    /// Infrastructure failures only. Nothing was stored, or the same call may be repeated.
    pub async fn refresh(&self, installation: InstallationId) -> Result<RefreshOutcome, PortError> {
        let bindings = &self.ports.bindings;
        for _ in 0..ATTEMPTS {
            let known = bindings.installation(installation).await?;
            if known.as_ref().is_some_and(|known| known.status == Status::Uninstalled) {
                return Ok(RefreshOutcome::Gone);
            }
            let verified_at = self.observation_time(known.as_ref());
            let found = match self.ports.github.installation(installation).await? {
                LookupOutcome::Found(found) => found,
                LookupOutcome::Missing if known.is_some() => {
                    self.record_uninstalled(installation, known).await?;
                    return Ok(RefreshOutcome::Gone);
                }
                LookupOutcome::Missing => return Ok(RefreshOutcome::Unknown),
                LookupOutcome::Denied(cause) => {
                    let organization = known.and_then(|known| known.organization);
                    self.record(&Event::Denied { organization, installation, cause });
                    return Ok(RefreshOutcome::Denied(cause));
                }
            };
            let before = known.as_ref().and_then(|known| known.account.as_ref());
            let account = match (self.account_of(&found), before) {
                (Some(account), Some(before)) if account.id == before.id => account,
                (Some(account), None) => account,
                (None, None) => return Ok(RefreshOutcome::Unknown),
                (named, Some(before)) => {
                    let organization = known.as_ref().and_then(|known| known.organization.clone());
                    let (known, named) = (before.id, named.map(|account| account.id));
                    self.evict_tokens(installation);
                    self.record(&Event::AccountChanged { organization, installation, known, named });
                    return Ok(RefreshOutcome::AccountChanged);
                }
            };
            let status = found.status();
            let observation = Observation::Present { status, account: account.clone(), verified_at };
            match bindings.observe(installation, observation).await? {
                ObserveOutcome::Recorded => {
                    if let Some(known) = known {
                        self.record_changes(installation, &known, status, &account);
                    }
                    return Ok(RefreshOutcome::Present(status));
                }
                ObserveOutcome::Gone => {
                    self.evict_tokens(installation);
                    return Ok(RefreshOutcome::Gone);
                }
                ObserveOutcome::Outdated => {}
            }
        }
        // Concurrent lookups started later than ours each time, so their result is the better one.
        Ok(match bindings.installation(installation).await? {
            Some(known) if known.status == Status::Uninstalled => RefreshOutcome::Gone,
            Some(known) => RefreshOutcome::Present(known.status),
            None => RefreshOutcome::Unknown,
        })
    }

    /// Stores that the installation was uninstalled, evicts its tokens and records the event.
    pub(in crate::service) async fn record_uninstalled(
        &self,
        installation: InstallationId,
        known: Option<InstallationRecord>,
    ) -> Result<(), PortError> {
        let verified_at = self.observation_time(known.as_ref());
        self.ports.bindings.observe(installation, Observation::Uninstalled { verified_at }).await?;
        self.evict_tokens(installation);
        if known.as_ref().is_none_or(|known| known.status != Status::Uninstalled) {
            let organization = known.and_then(|known| known.organization);
            self.record(&Event::Uninstalled { organization, installation });
        }
        Ok(())
    }

    /// Returns the current time, or the next time after the stored observation if this clock is behind.
    fn observation_time(&self, known: Option<&InstallationRecord>) -> OffsetDateTime {
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

    fn record_changes(
        &self,
        installation: InstallationId,
        known: &InstallationRecord,
        status: Status,
        account: &Account,
    ) {
        let renamed = known.account.as_ref().filter(|before| before.login != account.login);
        if known.status != status || renamed.is_some() {
            self.evict_tokens(installation);
        }
        let organization = known.organization.clone();
        match (known.status, status) {
            (Status::Active, Status::Suspended) => {
                self.record(&Event::Suspended { organization: organization.clone(), installation });
            }
            (Status::Suspended, Status::Active) => {
                self.record(&Event::Reinstated { organization: organization.clone(), installation });
            }
            _ => {}
        }
        if let Some(before) = renamed {
            let (from, to) = (before.login.clone(), account.login.clone());
            self.record(&Event::Renamed { organization, installation, from, to });
        }
    }
}
