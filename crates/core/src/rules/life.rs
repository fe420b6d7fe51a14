//! The life of an installation: what an observation does to its record.
//!
//! | from | observation | to |
//! |---|---|---|
//! | any but uninstalled by deletion or by us | a 200 that names our App and the known account, not asked before the last look | shown, with the reported status; out of `ending` only 15 minutes after our request. A binding is neither made nor moved nor revived |
//! | shown | GitHub's own 404 | `missing` |
//! | `missing` | a 404 at least a minute after the last counted one | counted; due 1, 5, 20 and 60 minutes after the first; one at 60 minutes or later: uninstalled by absence |
//! | uninstalled by absence | a 404 | the same; looked at daily for 30 days |
//! | `ending` | a 404 | the same for 15 minutes after our request, then uninstalled by absence |
//! | any but uninstalled by deletion or by us | GitHub accepts our request to uninstall (202) | `ending` |
//! | any but uninstalled by deletion | GitHub confirms our request to uninstall (204) | uninstalled by us, final |
//! | any | the signed webhook `installation.deleted` | uninstalled by deletion, final |
//!
//! A 404 is unsigned, so a later 200 reverses its effects, and the effects are bounded by the share of the live
//! bindings that are missing or recently absent: no record becomes missing that would make them more than 20 and more
//! than 10 %, and no missing record becomes absent while they are more. Looks continue ([`LiveBindings`]). Every change
//! of the presence, the status or the account raises the generation.

use time::{Duration, OffsetDateTime};

use crate::model::{
    Account, InstallationId, InstallationRecord, Life, Presence, Status, Tombstone, TombstoneReset,
    UninstalledBy, stored_time,
};
use crate::ports::{Observation, ObserveOutcome};

/// The default time after which a binding is looked at again.
pub const LOOK_INTERVAL: Duration = Duration::HOUR;

/// The least time between two counted looks at a missing installation, and between two looks that callers cause.
pub const LOOK_PAUSE: Duration = Duration::MINUTE;

/// The least time from the first 404 to the absence.
pub const ABSENT_AFTER: Duration = Duration::HOUR;

/// The time after our request to uninstall during which GitHub may still show the installation.
pub const ENDING_TIME: Duration = Duration::minutes(15);

/// The time to the next look at an installation whose 404 had no effect because of the bound.
pub const HELD_LOOK_AFTER: Duration = Duration::minutes(20);

/// How far ahead of this clock the time of a look may be. If it is further ahead, the clock that dated it was wrong,
/// and the installation is due at once.
pub const CLOCK_TOLERANCE: Duration = Duration::MINUTE;

/// The time to the next look at a binding whose look failed.
pub const FAILED_LOOK_AFTER: Duration = Duration::minutes(5);

/// The time to the next look at an absent installation.
pub const ABSENT_LOOK_AFTER: Duration = Duration::DAY;

/// The time after the last 200 until which an absent installation is looked at.
pub const ABSENT_LOOKS_FOR: Duration = Duration::days(30);

/// The time after the last 200 until which an absent binding counts towards the bound, which is longer than a sweep of
/// any size takes.
pub const ABSENT_COUNTS_FOR: Duration = Duration::days(7);

/// When looks at a missing installation are due, after the first 404.
const DUE: [Duration; 4] = [Duration::MINUTE, Duration::minutes(5), Duration::minutes(20), ABSENT_AFTER];

/// The numbers of an App's live bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveBindings {
    /// All live bindings.
    pub all: u64,
    /// Those for which [`counts_as_not_shown`] is true.
    pub not_shown: u64,
}

impl LiveBindings {
    /// Returns whether no other binding may become missing, since more than 20 and more than 10 % would not be shown.
    #[must_use]
    pub const fn holds_shown(self) -> bool {
        exceeds_bound(self.not_shown.saturating_add(1), self.all)
    }

    /// Returns whether no missing binding may become absent, since more than 20 and more than 10 % are not shown. A missing
    /// one is counted already, so its absence adds nothing.
    #[must_use]
    pub const fn holds_missing(self) -> bool {
        exceeds_bound(self.not_shown, self.all)
    }
}

const fn exceeds_bound(not_shown: u64, all: u64) -> bool {
    not_shown > 20 && not_shown.saturating_mul(10) > all
}

/// Returns whether the bound counts the installation: it is missing, or has been absent for less than
/// [`ABSENT_COUNTS_FOR`].
#[must_use]
pub fn counts_as_not_shown(record: &InstallationRecord, now: OffsetDateTime) -> bool {
    match record.life.presence {
        Presence::Missing { .. } => true,
        Presence::Uninstalled { by: UninstalledBy::Absence } => {
            now.saturating_sub(ABSENT_COUNTS_FOR) < record.verified_at
        }
        Presence::Shown | Presence::Ending { .. } | Presence::Uninstalled { .. } => false,
    }
}

/// Returns the record of an installation whose first observation this is; `None` if it stores nothing.
#[must_use]
pub fn first(observation: &Observation) -> Option<InstallationRecord> {
    let record = |status, account, presence, at, next_look_at| InstallationRecord {
        organization: None,
        account,
        status,
        life: Life { presence, observed_at: at, next_look_at },
        verified_at: at,
        generation: 1,
    };
    let ended = |by, at| Some(record(Status::Uninstalled, None, Presence::Uninstalled { by }, at, None));
    match observation {
        Observation::Present { status: Status::Uninstalled, .. }
        | Observation::Missing { .. }
        | Observation::Ending { .. }
        | Observation::PermissionsChanged { .. } => None,
        Observation::Present { status, account, asked_at, next_look_at } => {
            Some(record(*status, Some(account.clone()), Presence::Shown, *asked_at, Some(*next_look_at)))
        }
        Observation::UninstalledByUs { at } => ended(UninstalledBy::Us, *at),
        Observation::Deleted { at } => ended(UninstalledBy::Deletion, *at),
    }
}

/// Applies an observation to a record, by the table above. Calls `live` only if the bound matters.
pub fn observe(
    record: &mut InstallationRecord,
    observation: &Observation,
    live: impl FnOnce() -> LiveBindings,
) -> ObserveOutcome {
    match observation {
        Observation::Missing { asked_at }
        | Observation::Present { status: Status::Uninstalled, asked_at, .. } => {
            not_shown(record, *asked_at, live)
        }
        Observation::Present { status, account, asked_at, next_look_at } => {
            present(record, *status, account, *asked_at, *next_look_at)
        }
        Observation::Ending { at } => ending(record, *at),
        Observation::UninstalledByUs { at } => ended(record, UninstalledBy::Us, *at),
        Observation::Deleted { at } => ended(record, UninstalledBy::Deletion, *at),
        Observation::PermissionsChanged { .. } => permissions_changed(record),
    }
}

fn present(
    record: &mut InstallationRecord,
    status: Status,
    account: &Account,
    asked_at: OffsetDateTime,
    next_look_at: OffsetDateTime,
) -> ObserveOutcome {
    let life = &mut record.life;
    if life.presence.is_final() {
        return ObserveOutcome::Gone;
    }
    if asked_at < life.observed_at {
        return ObserveOutcome::Outdated;
    }
    if is_ending(life.presence, asked_at) {
        return ObserveOutcome::Ending;
    }
    let is_change = life.presence != Presence::Shown
        || record.status != status
        || record.account.as_ref().is_none_or(|known| known != account);
    *life = Life { presence: Presence::Shown, observed_at: asked_at, next_look_at: Some(next_look_at) };
    record.verified_at = asked_at;
    record.status = status;
    record.account = Some(account.clone());
    record.generation = record.generation.saturating_add(u64::from(is_change));
    ObserveOutcome::Recorded
}

/// Returns whether our request to uninstall is so recent that GitHub may still show the installation.
#[must_use]
pub fn is_ending(presence: Presence, asked_at: OffsetDateTime) -> bool {
    matches!(presence, Presence::Ending { since } if asked_at < since.saturating_add(ENDING_TIME))
}

/// Returns whether the installation of this record can be bound by facts that were asked for at this time.
///
/// It cannot if its end is final, if it is ending, or if its account was erased and the facts are older than its last
/// observation, so that a request that was under way does not undo the erasure.
#[must_use]
pub fn can_be_bound(record: &InstallationRecord, asked_at: OffsetDateTime) -> bool {
    let Life { presence, observed_at, .. } = record.life;
    let has_account = record.account.is_some() || asked_at >= observed_at;
    !presence.is_final() && !is_ending(presence, asked_at) && has_account
}

fn not_shown(
    record: &mut InstallationRecord,
    asked_at: OffsetDateTime,
    live: impl FnOnce() -> LiveBindings,
) -> ObserveOutcome {
    let verified_at = record.verified_at;
    let life = &mut record.life;
    if life.presence.is_final() {
        return ObserveOutcome::Gone;
    }
    if asked_at < life.observed_at {
        return ObserveOutcome::Outdated;
    }
    life.observed_at = asked_at;
    match life.presence {
        Presence::Uninstalled { .. } => {
            life.next_look_at = next_look_at_absent(verified_at, asked_at);
            return ObserveOutcome::Recorded;
        }
        presence @ Presence::Ending { .. } if is_ending(presence, asked_at) => return ObserveOutcome::Ending,
        Presence::Missing { since, looks, last } => {
            let counts = asked_at >= last.saturating_add(LOOK_PAUSE);
            if !counts || asked_at < since.saturating_add(ABSENT_AFTER) {
                let (looks, last) = if counts { (looks.saturating_add(1), asked_at) } else { (looks, last) };
                life.presence = Presence::Missing { since, looks, last };
                life.next_look_at = Some(next_look_at_missing(since, last, asked_at));
                return ObserveOutcome::Recorded;
            }
        }
        Presence::Shown | Presence::Ending { .. } => {}
    }
    let live = live();
    let is_held = match life.presence {
        Presence::Missing { .. } => live.holds_missing(),
        Presence::Shown | Presence::Ending { .. } | Presence::Uninstalled { .. } => live.holds_shown(),
    };
    if is_held {
        life.next_look_at = Some(asked_at.saturating_add(HELD_LOOK_AFTER));
        return ObserveOutcome::Held;
    }
    record.generation = record.generation.saturating_add(1);
    if life.presence == Presence::Shown {
        life.presence = Presence::Missing { since: asked_at, looks: 1, last: asked_at };
        life.next_look_at = Some(next_look_at_missing(asked_at, asked_at, asked_at));
        return ObserveOutcome::Missing;
    }
    life.presence = Presence::Uninstalled { by: UninstalledBy::Absence };
    life.next_look_at = next_look_at_absent(verified_at, asked_at);
    record.status = Status::Uninstalled;
    ObserveOutcome::Absent
}

fn next_look_at_absent(verified_at: OffsetDateTime, asked_at: OffsetDateTime) -> Option<OffsetDateTime> {
    let is_looked_at = asked_at < verified_at.saturating_add(ABSENT_LOOKS_FOR);
    is_looked_at.then(|| asked_at.saturating_add(ABSENT_LOOK_AFTER))
}

/// Returns the next time at which a look at a missing installation counts and is due.
fn next_look_at_missing(
    since: OffsetDateTime,
    last: OffsetDateTime,
    asked_at: OffsetDateTime,
) -> OffsetDateTime {
    let due = DUE.into_iter().map(|after| since.saturating_add(after)).find(|due| asked_at < *due);
    let counts = last.saturating_add(LOOK_PAUSE);
    due.map_or(counts, |due| due.max(counts))
}

fn ending(record: &mut InstallationRecord, at: OffsetDateTime) -> ObserveOutcome {
    let life = &mut record.life;
    if life.presence.is_final() {
        return ObserveOutcome::Gone;
    }
    let is_change = !matches!(life.presence, Presence::Ending { .. });
    life.presence = Presence::Ending { since: at };
    life.observed_at = life.observed_at.max(at);
    life.next_look_at = Some(at.saturating_add(ENDING_TIME));
    record.generation = record.generation.saturating_add(u64::from(is_change));
    ObserveOutcome::Recorded
}

fn ended(record: &mut InstallationRecord, by: UninstalledBy, at: OffsetDateTime) -> ObserveOutcome {
    let life = &mut record.life;
    let is_final = life.presence.is_final();
    if by == UninstalledBy::Deletion || !is_final {
        life.presence = Presence::Uninstalled { by };
    }
    life.observed_at = life.observed_at.max(at);
    life.next_look_at = None;
    record.status = Status::Uninstalled;
    record.generation = record.generation.saturating_add(u64::from(!is_final));
    ObserveOutcome::Recorded
}

/// Deletes the account from the record of an unbound installation, which is then absent, so that only a later 200 stores it
/// again. An end that is final stays final.
pub fn forget(record: &mut InstallationRecord) {
    if !record.life.presence.is_final() {
        record.life.presence = Presence::Uninstalled { by: UninstalledBy::Absence };
    }
    record.life.next_look_at = None;
    record.status = Status::Uninstalled;
    record.account = None;
    record.generation = record.generation.saturating_add(1);
}

/// Turns the final end of an unbound installation into an absence of an unknown account, which a later 200 undoes. Returns the
/// audit entry; `None`, and changes nothing, if the installation is bound or has not ended for good. The record stays, so that its
/// generation, which fences cached tokens, does not begin at 1 again.
pub fn forget_end(
    installation: InstallationId,
    record: &mut InstallationRecord,
    note: &str,
    now: OffsetDateTime,
) -> Option<TombstoneReset> {
    let found = Tombstone::of(installation, record).filter(|found| found.organization.is_none())?;
    record.life.presence = Presence::Uninstalled { by: UninstalledBy::Absence };
    record.account = None;
    record.generation = record.generation.saturating_add(1);
    Some(TombstoneReset {
        installation,
        by: found.by,
        ended_at: found.ended_at,
        reset_at: stored_time(now),
        note: note.to_owned(),
    })
}

const fn permissions_changed(record: &mut InstallationRecord) -> ObserveOutcome {
    if matches!(record.life.presence, Presence::Uninstalled { .. }) {
        return ObserveOutcome::Gone;
    }
    record.generation = record.generation.saturating_add(1);
    ObserveOutcome::Recorded
}
