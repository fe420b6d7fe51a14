//! Every row of the table of `rules::events`, and the verdicts of `rules::outbox` (I37).
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Duration as Pause;

use dockline::rules::events::{EventName, of, payload, type_of};
use dockline::rules::outbox::{AttemptOutcome, is_overdue, judge};
use dockline::{
    Account, AccountId, AccountKind, Change, EntryContent, EntryStatus, FailureRecord, InstallationId,
    InstallationSnapshot, OrganizationId, PresenceKind, Status, Verdict,
};
use time::{Duration, OffsetDateTime};

use EventName as E;
use PresenceKind as P;

fn snapshot(organization: Option<&str>, presence: PresenceKind, status: Status) -> InstallationSnapshot {
    InstallationSnapshot {
        organization: organization.map(|id| OrganizationId::new(id).unwrap()),
        account: Some(Account {
            id: AccountId::new(1).unwrap(),
            login: "acme".into(),
            kind: AccountKind::Organization,
        }),
        status,
        presence,
        generation: 1,
    }
}

fn bound(presence: PresenceKind, status: Status) -> InstallationSnapshot {
    snapshot(Some("org"), presence, status)
}

fn change(before: Option<InstallationSnapshot>, after: InstallationSnapshot) -> Change {
    let generation = before.as_ref().map_or(1, |before| before.generation + 1);
    let after = InstallationSnapshot { generation, ..after };
    Change { installation: InstallationId::new(7).unwrap(), before, after, actor: None }
}

fn events(before: InstallationSnapshot, after: InstallationSnapshot) -> Vec<EventName> {
    of(&change(Some(before), after))
}

const ACTIVE: Status = Status::Active;
const SUSPENDED: Status = Status::Suspended;
const UNINSTALLED: Status = Status::Uninstalled;

#[test]
fn a_change_of_the_binding_has_one_event_whatever_else_changed() {
    for presence in PresenceKind::ALL {
        let unbound = snapshot(None, *presence, ACTIVE);
        assert_eq!(events(unbound.clone(), bound(P::Shown, SUSPENDED)), [E::Registered]);
        assert_eq!(events(bound(*presence, ACTIVE), unbound), [E::Detached]);
    }
    assert_eq!(of(&change(None, bound(P::Shown, ACTIVE))), [E::Registered]);
}

#[test]
fn a_first_observation_has_an_event_only_if_it_is_the_end() {
    assert_eq!(of(&change(None, snapshot(None, P::Shown, ACTIVE))), []);
    assert_eq!(of(&change(None, snapshot(None, P::Shown, SUSPENDED))), []);
    assert_eq!(of(&change(None, snapshot(None, P::Deleted, UNINSTALLED))), [E::Deleted]);
    assert_eq!(of(&change(None, snapshot(None, P::Removed, UNINSTALLED))), [E::Deleted]);
}

#[test]
fn every_change_of_the_presence_has_its_event() {
    for (before, after, expected) in [
        (P::Shown, P::Missing, vec![E::Missing]),
        (P::Missing, P::Absent, vec![E::Absent]),
        (P::Ending, P::Absent, vec![E::Absent]),
        (P::Missing, P::Shown, vec![E::Returned]),
        (P::Absent, P::Shown, vec![E::Returned]),
        (P::Ending, P::Shown, vec![E::Returned]),
        (P::Shown, P::Deleted, vec![E::Deleted]),
        (P::Missing, P::Deleted, vec![E::Deleted]),
        (P::Absent, P::Removed, vec![E::Deleted]),
        (P::Ending, P::Removed, vec![E::Deleted]),
        // Our own request: the end has its event.
        (P::Shown, P::Ending, vec![]),
        (P::Missing, P::Ending, vec![]),
        (P::Shown, P::Shown, vec![E::PermissionsChanged]),
        (P::Missing, P::Missing, vec![E::PermissionsChanged]),
    ] {
        assert_eq!(events(bound(before, ACTIVE), bound(after, ACTIVE)), expected, "{before} {after}");
    }
    // A final end that GitHub signs as well raises no generation.
    let (before, after) = (bound(P::Removed, UNINSTALLED), bound(P::Deleted, UNINSTALLED));
    let installation = InstallationId::new(7).unwrap();
    assert_eq!(of(&Change { installation, before: Some(before), after, actor: None }), []);
}

#[test]
fn one_look_can_find_several_changes() {
    let renamed = |mut snapshot: InstallationSnapshot| {
        snapshot.account.as_mut().unwrap().login = "renamed".into();
        snapshot
    };
    for (before, after, expected) in [
        (bound(P::Shown, ACTIVE), bound(P::Shown, SUSPENDED), vec![E::Suspended]),
        (bound(P::Shown, SUSPENDED), bound(P::Shown, ACTIVE), vec![E::Unsuspended]),
        (bound(P::Shown, ACTIVE), renamed(bound(P::Shown, ACTIVE)), vec![E::Renamed]),
        (
            bound(P::Missing, ACTIVE),
            renamed(bound(P::Shown, SUSPENDED)),
            vec![E::Returned, E::Suspended, E::Renamed],
        ),
        (bound(P::Absent, UNINSTALLED), bound(P::Shown, SUSPENDED), vec![E::Returned, E::Suspended]),
        (bound(P::Absent, UNINSTALLED), bound(P::Shown, ACTIVE), vec![E::Returned]),
        (bound(P::Shown, SUSPENDED), renamed(bound(P::Missing, SUSPENDED)), vec![E::Missing]),
    ] {
        let change = change(Some(before), after);
        assert_eq!(of(&change), expected, "{change:?}");
        let kind = expected.first().unwrap().as_str();
        assert_eq!(type_of(&EntryContent::Change(change)), kind);
    }
}

#[test]
fn payload_names_all_events_and_the_facts_before_and_after() {
    let mut change = change(None, bound(P::Shown, ACTIVE));
    change.actor = Some("user:ann".parse().unwrap());
    let json: serde_json::Value = serde_json::from_slice(&payload(&change)).unwrap();
    let after = serde_json::json!({
        "organization": "org",
        "account": { "id": 1, "login": "acme", "type": "Organization" },
        "status": "active",
        "presence": "shown",
        "generation": 1,
    });
    let expected = serde_json::json!({
        "events": ["installation.registered"], "installation": 7, "before": null, "after": after,
        "actor": "user:ann",
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<Change>(json.clone()).unwrap(), change);
    // Changes that an earlier version stored have no actor.
    let mut earlier = json;
    earlier.as_object_mut().unwrap().remove("actor");
    assert_eq!(serde_json::from_value::<Change>(earlier).unwrap(), Change { actor: None, ..change });
}

#[test]
fn the_account_of_a_forgotten_person_is_replaced_and_the_events_stay() {
    let id = |number| AccountId::new(number).unwrap();
    let mut renamed = bound(P::Shown, ACTIVE);
    renamed.account.as_mut().unwrap().login = "renamed".into();
    for (before, after, login_before) in [
        (Some(bound(P::Shown, ACTIVE)), renamed, "forgotten-before"),
        (Some(bound(P::Shown, ACTIVE)), bound(P::Shown, SUSPENDED), "forgotten"),
        (Some(bound(P::Shown, ACTIVE)), snapshot(None, P::Shown, ACTIVE), "forgotten"),
        (None, bound(P::Shown, ACTIVE), ""),
    ] {
        let change = change(before, after);
        let mut forgotten = change.clone();
        assert!(!forgotten.forget_account(id(2), id(9)));
        assert_eq!(forgotten, change);
        assert!(forgotten.forget_account(id(1), id(9)));
        assert_eq!(of(&forgotten), of(&change));
        let account = |snapshot: InstallationSnapshot| {
            let account = snapshot.account.unwrap();
            (account.id, account.login)
        };
        assert_eq!(account(forgotten.after), (id(9), "forgotten".to_owned()));
        if let Some(before) = forgotten.before {
            assert_eq!(account(before), (id(9), login_before.to_owned()));
        }
    }
}

#[test]
fn entry_that_is_set_aside_is_overdue_a_minute_after_its_next_attempt() {
    assert!(is_overdue(Some(NOW - Duration::MINUTE), NOW));
    assert!(!is_overdue(Some(NOW - Duration::MINUTE + Duration::MICROSECOND), NOW));
    assert!(!is_overdue(Some(NOW + Duration::DAY), NOW));
    assert!(!is_overdue(None, NOW));
}

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn answered(status: u16) -> AttemptOutcome {
    AttemptOutcome::Answered { status, retry_after: None }
}

fn failures(attempts: u32, refusals: u32, first: Duration) -> FailureRecord {
    FailureRecord { attempts, refusals, first_at: Some(NOW - first), last_cause: None }
}

/// The kind of the verdict, the seconds until the next attempt, and whether it counts as a refusal.
fn verdict(
    status: EntryStatus,
    failures: &FailureRecord,
    outcome: &AttemptOutcome,
    jitter: u8,
) -> (&'static str, i64, bool) {
    match judge(status, failures, outcome, NOW, jitter) {
        Verdict::Done { at } => ("done", (at - NOW).whole_seconds(), false),
        Verdict::RetryLater { failed, next_attempt_at } => {
            ("retry", (next_attempt_at - NOW).whole_seconds(), failed.refused)
        }
        Verdict::SetAside { failed, next_attempt_at } => {
            ("aside", (next_attempt_at - NOW).whole_seconds(), failed.refused)
        }
        Verdict::Dead { failed } => ("dead", 0, failed.refused),
    }
}

#[test]
fn every_attempt_has_its_verdict_c_82() {
    const WAITING: EntryStatus = EntryStatus::Waiting;
    const ASIDE: EntryStatus = EntryStatus::SetAside;
    let (none, minutes, days) = (FailureRecord::default(), Duration::minutes, Duration::days);
    let refused = AttemptOutcome::Failed { cause: "connection refused".into() };
    for (status, before, outcome, expected) in [
        (WAITING, none.clone(), answered(200), ("done", 0, false)),
        (WAITING, failures(9, 4, days(1)), answered(299), ("done", 0, false)),
        (ASIDE, failures(9, 4, days(9)), answered(204), ("done", 0, false)),
        (WAITING, none.clone(), answered(500), ("retry", 1, false)),
        (WAITING, none.clone(), answered(302), ("retry", 1, false)),
        (WAITING, none.clone(), refused.clone(), ("retry", 1, false)),
        (WAITING, failures(1, 0, minutes(1)), answered(503), ("retry", 2, false)),
        (WAITING, failures(5, 0, minutes(1)), answered(503), ("retry", 32, false)),
        (WAITING, failures(6, 0, minutes(9)), answered(503), ("retry", 60, false)),
        (WAITING, failures(99, 0, minutes(9)), answered(503), ("retry", 60, false)),
        (WAITING, failures(9, 0, minutes(10)), answered(503), ("aside", 300, false)),
        (WAITING, failures(9, 0, minutes(10)), refused, ("aside", 300, false)),
        // Refusals.
        (WAITING, none, answered(404), ("retry", 1, true)),
        (WAITING, failures(3, 3, minutes(1)), answered(410), ("retry", 8, true)),
        (WAITING, failures(4, 4, minutes(1)), answered(410), ("aside", 300, true)),
        (WAITING, failures(4, 4, minutes(1)), answered(500), ("retry", 16, false)),
        (WAITING, failures(8, 4, minutes(1)), answered(400), ("aside", 300, true)),
        (WAITING, failures(8, 8, minutes(1)), answered(408), ("retry", 60, false)),
        (WAITING, failures(8, 8, minutes(1)), answered(425), ("retry", 60, false)),
        (WAITING, failures(8, 8, minutes(1)), answered(429), ("retry", 60, false)),
        // Set aside.
        (ASIDE, failures(9, 0, minutes(30)), answered(500), ("aside", 900, false)),
        (ASIDE, failures(9, 9, minutes(1)), answered(404), ("aside", 300, true)),
        (ASIDE, failures(9, 0, days(2)), answered(500), ("aside", 3 * 3_600, false)),
        (ASIDE, FailureRecord::default(), answered(500), ("aside", 300, false)),
        (ASIDE, failures(9, 0, days(3)), answered(500), ("dead", 0, false)),
        (ASIDE, failures(9, 0, days(3)), answered(404), ("dead", 0, true)),
        // It is sent again out of order first.
        (WAITING, failures(9, 0, days(9)), answered(500), ("aside", 3 * 3_600, false)),
    ] {
        assert_eq!(verdict(status, &before, &outcome, 0), expected, "{status} {before:?} {outcome:?}");
    }
}

#[test]
fn jitter_shortens_a_pause_and_retry_after_lengthens_it() {
    let after =
        |status, seconds| AttemptOutcome::Answered { status, retry_after: Some(Pause::from_secs(seconds)) };
    let (waiting, aside) = (EntryStatus::Waiting, EntryStatus::SetAside);
    let minute = Duration::MINUTE;
    assert_eq!(verdict(waiting, &failures(9, 0, minute), &answered(500), 128), ("retry", 52, false));
    assert_eq!(verdict(waiting, &failures(9, 0, minute), &answered(500), 255), ("retry", 45, false));
    assert_eq!(verdict(waiting, &FailureRecord::default(), &after(429, 20), 255), ("retry", 20, false));
    assert_eq!(verdict(waiting, &FailureRecord::default(), &after(503, 900), 0), ("retry", 60, false));
    assert_eq!(verdict(aside, &failures(9, 0, minute), &after(503, 900), 0), ("aside", 900, false));
    assert_eq!(verdict(aside, &failures(9, 0, minute), &after(503, u64::MAX), 0), ("aside", 300, false));
}
