use std::convert::Infallible;

use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

use crate::cache::{Cache, Flight, Lookup};
use crate::error::{PortError, PortErrorKind, PortName};
use crate::model::{
    Account, Binding, Change, DenialCause, Installation, InstallationId, InstallationRecord,
    InstallationSnapshot, InstalledOn, Presence, Status, UninstalledBy,
};
use crate::ports::{Event, LookupOutcome, Observation, ObserveOutcome, Observed};
use crate::rules::events::{self, EventName};
use crate::rules::life;
use crate::service::Dockline;

/// The number of lookups before a concurrent observation, which is later each time, is accepted as the result.
const ATTEMPTS: u32 = 3;

/// The generation of all looks: unlike a token, a look is not about one.
const ANY_GENERATION: u64 = 0;

/// Looks that callers caused within the last minute.
pub(in crate::service) type Looks = Cache<(), (), Infallible>;

/// The outcome of [`Dockline::refresh`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// GitHub reports this status, and it is stored.
    Present(Status),
    /// GitHub does not show the installation, which is therefore missing.
    Missing,
    /// GitHub returns 404 for the installation, and for so many others that its status was kept.
    Held,
    /// GitHub accepted our request to uninstall the installation. For some minutes, lookups do not count.
    Ending,
    /// The installation was uninstalled, or has been missing for an hour.
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
    /// Looks up an installation at GitHub and stores the result by the table of [`rules::life`](crate::rules::life).
    /// Webhooks, reconciliation and tokens use it, so that the stored status follows GitHub's, whatever the order of
    /// deliveries.
    ///
    /// The observation has the time of the *request*, and is later than the stored one even if this clock is behind: of
    /// two concurrent lookups the later request counts. A 404 matters only for a known installation, since GitHub may
    /// not show a new one yet. In any case, the next look is put forward.
    ///
    /// # Errors
    /// Infrastructure failures only. Nothing was stored, or the same call may be repeated.
    pub async fn refresh(&self, installation: InstallationId) -> Result<RefreshOutcome, PortError> {
        let outcome = self.look(installation).await;
        let pause = match &outcome {
            Ok(RefreshOutcome::AccountChanged | RefreshOutcome::Denied(_)) => self.0.look_interval,
            // Also a record that cannot be read must not stay the first that is due.
            Err(error)
                if error.port() == PortName::GithubGateway || error.kind() == PortErrorKind::Corrupt =>
            {
                failure_pause(error)
            }
            Ok(_) | Err(_) => return outcome,
        };
        let postponed = self.0.ports.bindings.postpone(installation, self.now().saturating_add(pause)).await;
        outcome.and_then(|outcome| postponed.map(|()| outcome))
    }

    async fn look(&self, installation: InstallationId) -> Result<RefreshOutcome, PortError> {
        let bindings = &self.0.ports.bindings;
        for _ in 0..ATTEMPTS {
            let known = bindings.installation(installation).await?;
            if known.as_ref().is_some_and(|known| known.life.presence.is_final()) {
                return Ok(RefreshOutcome::Gone);
            }
            let asked_at = self.observation_time(known.as_ref());
            let found = match (self.0.ports.github.installation(installation).await?, &known) {
                (LookupOutcome::Found(found), _) => found,
                (LookupOutcome::Missing, None) => return Ok(RefreshOutcome::Unknown),
                (LookupOutcome::Missing, Some(known)) => {
                    match self.record_not_shown(installation, known, asked_at).await? {
                        Some(outcome) => return Ok(outcome),
                        None => continue,
                    }
                }
                (LookupOutcome::Denied(cause), _) => {
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
            let (status, next_look_at) = (found.status(), asked_at.saturating_add(self.0.look_interval));
            let observation = Observation::Present { status, account, asked_at, next_look_at };
            let Observed { outcome, change } = bindings.observe(installation, observation).await?;
            self.record_change(change.as_ref());
            match outcome {
                ObserveOutcome::Gone => {
                    self.evict_tokens(installation);
                    return Ok(RefreshOutcome::Gone);
                }
                ObserveOutcome::Ending => return Ok(RefreshOutcome::Ending),
                ObserveOutcome::Outdated => {}
                ObserveOutcome::Recorded
                | ObserveOutcome::Missing
                | ObserveOutcome::Absent
                | ObserveOutcome::Held => {
                    self.store_facts(installation, found.facts, Some(asked_at)).await?;
                    return Ok(RefreshOutcome::Present(status));
                }
            }
        }
        // Concurrent lookups started later than ours each time, so their result is the better one.
        let known = bindings.installation(installation).await?;
        Ok(known.map_or(RefreshOutcome::Unknown, |known| stored_outcome(&known)))
    }

    /// Stores that GitHub does not show a known installation, and records the events. Returns `None` if a later observation is
    /// stored.
    pub(in crate::service) async fn record_not_shown(
        &self,
        installation: InstallationId,
        known: &InstallationRecord,
        asked_at: OffsetDateTime,
    ) -> Result<Option<RefreshOutcome>, PortError> {
        let observed = self.0.ports.bindings.observe(installation, Observation::Missing { asked_at }).await?;
        self.record_change(observed.change.as_ref());
        let outcome = match observed.outcome {
            ObserveOutcome::Outdated => return Ok(None),
            ObserveOutcome::Missing => RefreshOutcome::Missing,
            ObserveOutcome::Absent | ObserveOutcome::Gone => RefreshOutcome::Gone,
            ObserveOutcome::Held => {
                let organization = known.organization.clone();
                self.record(&Event::MissingHeld { organization, installation });
                RefreshOutcome::Held
            }
            ObserveOutcome::Ending => RefreshOutcome::Ending,
            // The observation only moved times, so the presence is that of before.
            ObserveOutcome::Recorded if matches!(known.life.presence, Presence::Uninstalled { .. }) => {
                RefreshOutcome::Gone
            }
            ObserveOutcome::Recorded => RefreshOutcome::Missing,
        };
        self.evict_tokens(installation);
        Ok(Some(outcome))
    }

    /// Stores the end that GitHub signed or confirmed, evicts the tokens and records the event.
    pub(in crate::service) async fn record_uninstalled(
        &self,
        installation: InstallationId,
        end: Observation,
    ) -> Result<(), PortError> {
        let observed = self.0.ports.bindings.observe(installation, end).await?;
        self.evict_tokens(installation);
        self.record_change(observed.change.as_ref());
        Ok(())
    }

    /// Looks at a bound installation that is missing or absent, for a caller: at most once a minute per installation, also if
    /// the look fails, and once for concurrent callers of this node. Not if too many calls wait for GitHub. Returns whether the
    /// binding may have changed since it was read.
    pub(in crate::service) async fn look_again(&self, bound: &Binding) -> bool {
        let due = bound.life.observed_at.saturating_add(life::LOOK_PAUSE);
        if !bound.life.presence.is_missing_or_absent() || self.now() < due {
            return false;
        }
        let Ok(_call) = self.begin_github_call(&bound.organization) else { return false };
        let installation = bound.installation;
        let start = |flight| self.clone().caused_look(installation, flight).boxed();
        match self.0.looks.get_or_start(installation, &(), ANY_GENERATION, self.now(), start) {
            Lookup::InFlight(look) => drop(look.await),
            Lookup::Fresh(()) | Lookup::Outdated => {}
        }
        true
    }

    /// Looks on behalf of the waiting callers. If the look fails, the binding stays as it is.
    async fn caused_look(
        self,
        installation: InstallationId,
        flight: Flight<(), (), Infallible>,
    ) -> Result<(), Infallible> {
        let _ = self.refresh(installation).await;
        let now = self.now();
        flight.complete((), now, now.saturating_add(life::LOOK_PAUSE));
        Ok(())
    }

    /// Returns the current time, or the next time after the stored observation if this clock is behind.
    fn observation_time(&self, known: Option<&InstallationRecord>) -> OffsetDateTime {
        let now = self.now();
        known.map_or(now, |known| now.max(known.life.observed_at.saturating_add(Duration::MICROSECOND)))
    }

    fn account_of(&self, found: &Installation) -> Option<Account> {
        match &found.installed_on {
            InstalledOn::Account(account) if found.app == self.0.ports.github.registration().app => {
                Some(account.clone())
            }
            InstalledOn::Account(_) | InstalledOn::Enterprise { .. } | InstalledOn::Unknown => None,
        }
    }

    /// Evicts the tokens of a changed installation, and records the events of the change.
    pub(in crate::service) fn record_change(&self, change: Option<&Change>) {
        let Some(change) = change else { return };
        let names = events::of(change);
        if !names.is_empty() {
            self.evict_tokens(change.installation);
        }
        for name in names {
            if let Some(event) = event_of(name, change) {
                self.record(&event);
            }
        }
    }
}

/// Returns the event for operators; `None` for a registration and a detach, whose use cases know the actor.
fn event_of(name: EventName, change: &Change) -> Option<Event> {
    let (organization, installation) = (change.organization().cloned(), change.installation);
    let login = |snapshot: &InstallationSnapshot| {
        snapshot.account.as_ref().map(|account| account.login.clone()).unwrap_or_default()
    };
    Some(match name {
        EventName::Registered | EventName::Detached => return None,
        EventName::Deleted => Event::Uninstalled { organization, installation },
        EventName::Missing => Event::Missing { organization, installation },
        EventName::Absent => Event::Absent { organization, installation },
        EventName::Returned => Event::Returned { organization, installation },
        EventName::Suspended => Event::Suspended { organization, installation },
        EventName::Unsuspended => Event::Reinstated { organization, installation },
        EventName::Renamed => {
            let from = change.before.as_ref().map(login).unwrap_or_default();
            Event::Renamed { organization, installation, from, to: login(&change.after) }
        }
        EventName::PermissionsChanged => Event::PermissionsChanged { installation },
    })
}

/// Returns the time until the next look after a failed one, which is not before the time that GitHub asked for.
fn failure_pause(error: &PortError) -> Duration {
    let PortErrorKind::RateLimited { retry_after } = error.kind() else { return life::FAILED_LOOK_AFTER };
    retry_after
        .try_into()
        .map_or(life::FAILED_LOOK_AFTER, |pause: Duration| pause.max(life::FAILED_LOOK_AFTER))
}

/// Returns the outcome that the stored record stands for.
const fn stored_outcome(known: &InstallationRecord) -> RefreshOutcome {
    match known.life.presence {
        Presence::Shown => RefreshOutcome::Present(known.status),
        Presence::Missing { .. } => RefreshOutcome::Missing,
        Presence::Ending { .. } => RefreshOutcome::Ending,
        Presence::Uninstalled {
            by: UninstalledBy::Deletion | UninstalledBy::Us | UninstalledBy::Absence,
        } => RefreshOutcome::Gone,
    }
}
