//! Every row of the table of `rules::life`, from every state (I7, I22, I33).
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use dockline::ports::{Observation, ObserveOutcome};
use dockline::rules::life::{LiveBindings, counts_as_not_shown, first, observe};
use dockline::{Account, AccountId, AccountKind, InstallationRecord, Life, Presence, Status, UninstalledBy};
use time::{Duration, OffsetDateTime};

/// The time of the last look of every state.
const LAST: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const SECOND: Duration = Duration::SECOND;
const HOUR: Duration = Duration::HOUR;
const DAY: Duration = Duration::DAY;

fn account() -> Account {
    Account { id: AccountId::new(1).unwrap(), login: "acme-coffee".into(), kind: AccountKind::Organization }
}

const SHOWN: Presence = Presence::Shown;
const ABSENT: Presence = Presence::Uninstalled { by: UninstalledBy::Absence };
const DELETED: Presence = Presence::Uninstalled { by: UninstalledBy::Deletion };
const BY_US: Presence = Presence::Uninstalled { by: UninstalledBy::Us };

/// Missing since that long before the last look, with the last look counted.
fn missing(for_: Duration, looks: u32) -> Presence {
    Presence::Missing { since: LAST - for_, looks, last: LAST }
}

fn ending(for_: Duration) -> Presence {
    Presence::Ending { since: LAST - for_ }
}

fn record(presence: Presence) -> InstallationRecord {
    let status =
        if matches!(presence, Presence::Uninstalled { .. }) { Status::Uninstalled } else { Status::Active };
    InstallationRecord {
        organization: None,
        account: Some(account()),
        status,
        life: Life { presence, observed_at: LAST, next_look_at: Some(LAST) },
        verified_at: LAST - 2 * HOUR,
        generation: 5,
    }
}

/// Observes `after` the last look, and returns the outcome, the presence and by how much the generation rose.
fn after(
    presence: Presence,
    after: Duration,
    observation: impl Fn(OffsetDateTime) -> Observation,
    live: LiveBindings,
) -> (ObserveOutcome, Presence, u64) {
    let mut row = record(presence);
    let outcome = observe(&mut row, &observation(LAST + after), || live);
    (outcome, row.life.presence, row.generation - 5)
}

fn found(at: OffsetDateTime) -> Observation {
    Observation::Present { status: Status::Active, account: account(), asked_at: at, next_look_at: at + HOUR }
}

const fn not_shown(asked_at: OffsetDateTime) -> Observation {
    Observation::Missing { asked_at }
}

const fn accepted(at: OffsetDateTime) -> Observation {
    Observation::Ending { at }
}

const fn confirmed(at: OffsetDateTime) -> Observation {
    Observation::UninstalledByUs { at }
}

const fn deleted(at: OffsetDateTime) -> Observation {
    Observation::Deleted { at }
}

/// Below the bound.
const FEW: LiveBindings = LiveBindings { all: 60, not_shown: 19 };
/// At the bound: one more would be too many.
const FULL: LiveBindings = LiveBindings { all: 60, not_shown: 20 };
/// Above the bound.
const MANY: LiveBindings = LiveBindings { all: 60, not_shown: 21 };

use ObserveOutcome::{Absent, Ending, Gone, Held, Missing, Outdated, Recorded};

#[test]
fn a_200() {
    for (presence, wait, expected) in [
        (SHOWN, SECOND, (Recorded, SHOWN, 0)),
        (missing(HOUR, 3), SECOND, (Recorded, SHOWN, 1)),
        (ABSENT, SECOND, (Recorded, SHOWN, 1)),
        (ABSENT, 300 * DAY, (Recorded, SHOWN, 1)),
        (ending(Duration::ZERO), 15 * Duration::MINUTE - SECOND, (Ending, ending(Duration::ZERO), 0)),
        (ending(Duration::ZERO), 15 * Duration::MINUTE, (Recorded, SHOWN, 1)),
        (ending(14 * Duration::MINUTE), Duration::MINUTE, (Recorded, SHOWN, 1)),
        (DELETED, DAY, (Gone, DELETED, 0)),
        (BY_US, DAY, (Gone, BY_US, 0)),
        // Asked before the last look.
        (SHOWN, -SECOND, (Outdated, SHOWN, 0)),
        (missing(HOUR, 3), -SECOND, (Outdated, missing(HOUR, 3), 0)),
        (ABSENT, -SECOND, (Outdated, ABSENT, 0)),
        (ending(HOUR), -SECOND, (Outdated, ending(HOUR), 0)),
        (DELETED, -SECOND, (Gone, DELETED, 0)),
    ] {
        for live in [FEW, MANY] {
            assert_eq!(after(presence, wait, found, live), expected, "{presence:?} {wait}");
        }
    }
}

#[test]
fn a_200_stores_its_facts() {
    let mut row = record(missing(HOUR, 1));
    let account = Account { login: "renamed".into(), ..account() };
    let at = LAST + SECOND;
    let observation = Observation::Present {
        status: Status::Suspended,
        account: account.clone(),
        asked_at: at,
        next_look_at: at + DAY,
    };
    assert_eq!(observe(&mut row, &observation, || MANY), Recorded);
    let life = Life { presence: SHOWN, observed_at: at, next_look_at: Some(at + DAY) };
    let expected = InstallationRecord {
        organization: None,
        account: Some(account),
        status: Status::Suspended,
        life,
        verified_at: at,
        generation: 6,
    };
    assert_eq!(row, expected);
}

#[test]
fn a_404() {
    let minute = Duration::MINUTE;
    let now = |since: Duration, looks, last: Duration| Presence::Missing {
        since: LAST + since,
        looks,
        last: LAST + last,
    };
    for (presence, wait, expected) in [
        (SHOWN, SECOND, (Missing, now(SECOND, 1, SECOND), 1)),
        (missing(Duration::ZERO, 1), minute - SECOND, (Recorded, missing(Duration::ZERO, 1), 0)),
        (missing(Duration::ZERO, 1), minute, (Recorded, now(Duration::ZERO, 2, minute), 0)),
        (missing(58 * minute, 4), minute, (Recorded, now(-58 * minute, 5, minute), 0)),
        (missing(59 * minute, 4), minute, (Absent, ABSENT, 1)),
        (missing(DAY, 1), minute - SECOND, (Recorded, missing(DAY, 1), 0)),
        (missing(DAY, 1), minute, (Absent, ABSENT, 1)),
        (ABSENT, DAY, (Recorded, ABSENT, 0)),
        (ending(Duration::ZERO), 15 * minute - SECOND, (Ending, ending(Duration::ZERO), 0)),
        (ending(Duration::ZERO), 15 * minute, (Absent, ABSENT, 1)),
        (DELETED, DAY, (Gone, DELETED, 0)),
        (BY_US, DAY, (Gone, BY_US, 0)),
        (SHOWN, -SECOND, (Outdated, SHOWN, 0)),
        (missing(HOUR, 1), -SECOND, (Outdated, missing(HOUR, 1), 0)),
        (ABSENT, -SECOND, (Outdated, ABSENT, 0)),
    ] {
        assert_eq!(after(presence, wait, not_shown, FEW), expected, "{presence:?} {wait}");
        // While too many are not shown, nothing becomes missing or absent, and everything else stays as it is.
        let held = if matches!(expected.0, Missing | Absent) { (Held, presence, 0) } else { expected };
        assert_eq!(after(presence, wait, not_shown, MANY), held, "{presence:?} {wait}");
    }
}

#[test]
fn a_404_moves_the_times_of_the_looks_only() {
    for presence in [SHOWN, missing(HOUR, 1), ABSENT, ending(HOUR)] {
        for live in [FEW, MANY] {
            let mut row = record(presence);
            observe(&mut row, &not_shown(LAST + HOUR), || live);
            assert_eq!((row.verified_at, row.life.observed_at), (LAST - 2 * HOUR, LAST + HOUR));
            assert!(row.life.next_look_at > Some(LAST + HOUR), "{presence:?}");
            assert_eq!(row.account, Some(account()));
        }
    }
}

#[test]
fn our_own_uninstall_and_a_signed_deletion() {
    for presence in [SHOWN, missing(HOUR, 2), ABSENT, ending(HOUR)] {
        // Whatever their time.
        for wait in [-DAY, SECOND] {
            let started = Presence::Ending { since: LAST + wait };
            let raised = u64::from(!matches!(presence, Presence::Ending { .. }));
            assert_eq!(after(presence, wait, accepted, MANY), (Recorded, started, raised));
            assert_eq!(after(presence, wait, confirmed, MANY), (Recorded, BY_US, 1));
            assert_eq!(after(presence, wait, deleted, MANY), (Recorded, DELETED, 1));
        }
    }
    assert_eq!(after(BY_US, SECOND, accepted, FEW), (Gone, BY_US, 0));
    assert_eq!(after(DELETED, SECOND, accepted, FEW), (Gone, DELETED, 0));
    assert_eq!(after(BY_US, SECOND, deleted, FEW), (Recorded, DELETED, 0));
    assert_eq!(after(DELETED, SECOND, confirmed, FEW), (Recorded, DELETED, 0));
}

#[test]
fn the_first_observation_of_an_installation() {
    let life = |observation| first(&observation).map(|record| record.life.presence);
    assert_eq!(life(found(LAST)), Some(SHOWN));
    assert_eq!(life(deleted(LAST)), Some(DELETED));
    assert_eq!(life(confirmed(LAST)), Some(BY_US));
    assert_eq!(life(not_shown(LAST)), None);
    assert_eq!(life(accepted(LAST)), None);
    assert_eq!(life(Observation::PermissionsChanged { at: LAST }), None);
}

/// A missing binding is counted already, so it becomes absent at the bound; what is shown or ending is not, and stays.
#[test]
fn a_404_at_the_bound() {
    for (presence, expected) in [
        (SHOWN, (Held, SHOWN, 0)),
        (ending(HOUR), (Held, ending(HOUR), 0)),
        (missing(HOUR, 4), (Absent, ABSENT, 1)),
    ] {
        assert_eq!(after(presence, Duration::MINUTE, not_shown, FULL), expected, "{presence:?}");
    }
}

#[test]
fn the_bound_is_more_than_20_and_more_than_a_tenth() {
    for (not_shown, all, shown_are_held, missing_are_held) in [
        (0, 0, false, false),
        (19, 20, false, false),
        (20, 21, true, false),
        (21, 21, true, true),
        (20, 209, true, false),
        (21, 209, true, true),
        (20, 210, false, false),
        (21, 210, true, false),
        (21, 219, true, false),
        (22, 219, true, true),
        (21, 220, false, false),
        (99_999, 1_000_000, false, false),
        (100_000, 1_000_000, true, false),
        (100_001, 1_000_000, true, true),
    ] {
        let live = LiveBindings { all, not_shown };
        assert_eq!(live.holds_shown(), shown_are_held, "{live:?}");
        assert_eq!(live.holds_missing(), missing_are_held, "{live:?}");
    }
}

#[test]
fn the_bound_counts_what_404s_took() {
    for (presence, counts) in [
        (SHOWN, false),
        (missing(30 * DAY, 9), true),
        (ABSENT, true),
        (ending(HOUR), false),
        (DELETED, false),
        (BY_US, false),
    ] {
        assert_eq!(counts_as_not_shown(&record(presence), LAST), counts, "{presence:?}");
    }
    let week_after_the_last_200 = LAST - 2 * HOUR + 7 * DAY;
    assert!(counts_as_not_shown(&record(ABSENT), week_after_the_last_200 - SECOND));
    assert!(!counts_as_not_shown(&record(ABSENT), week_after_the_last_200));
}
