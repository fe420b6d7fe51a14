//! What an observation was worth.

use dockline::Status;
use dockline::ports::{BindingRepo, ObserveOutcome};

use super::{NOON, bind, gone, new_binding, observed, present, record_of, seconds};

/// Whether it changed anything or not, and whether the installation is bound or not.
pub async fn an_observation_that_counts_is_recorded(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    for number in [1, 2] {
        for (status, login, after) in [
            (Status::Active, "acme-coffee", 0),
            (Status::Suspended, "acme-coffee", 60),
            (Status::Suspended, "acme-coffee", 60), // the same again
            (Status::Active, "renamed", 60),        // another of the same time
            (Status::Active, "renamed", 61),        // nothing new but the time
        ] {
            let answer = observed(repo, number, present(status, login, seconds(after))).await;
            assert_eq!(answer, ObserveOutcome::Recorded);
        }
    }
}

/// Whoever asked GitHub first and told us last is told so, and nothing changed (I22, L-30).
pub async fn an_older_observation_is_outdated(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    for number in [1, 2] {
        observed(repo, number, present(Status::Suspended, "renamed", seconds(60))).await;
        let before = record_of(repo, number).await;
        for (status, login, after) in [(Status::Active, "acme-coffee", 59), (Status::Suspended, "renamed", 0)]
        {
            let answer = observed(repo, number, present(status, login, seconds(after))).await;
            assert_eq!(answer, ObserveOutcome::Outdated);
        }
        assert_eq!(record_of(repo, number).await, before);
    }
}

/// Of what was never heard of, of what is bound, before what is known, again, and as a status (I7, L-32).
pub async fn the_end_is_recorded_whenever_it_is_heard(repo: &dyn BindingRepo) {
    bind(repo, new_binding("acme", 2, "state")).await;
    for number in [1, 2] {
        let again = present(Status::Uninstalled, "acme-coffee", seconds(-30));
        for end in [gone(seconds(-60)), gone(seconds(60)), gone(seconds(30)), again] {
            assert_eq!(observed(repo, number, end).await, ObserveOutcome::Recorded);
        }
    }
}

/// Older or newer, it is wrong, and nobody is to act on it (I7, L-31).
pub async fn what_is_said_of_an_uninstalled_installation_is_gone_and_changes_nothing(repo: &dyn BindingRepo) {
    observed(repo, 1, present(Status::Active, "acme-coffee", NOON)).await;
    bind(repo, new_binding("acme", 2, "state")).await;
    for number in [1, 2] {
        observed(repo, number, gone(seconds(60))).await;
        let before = record_of(repo, number).await;
        for (status, login, after) in [
            (Status::Active, "acme-coffee", 59),
            (Status::Active, "renamed", 60),
            (Status::Suspended, "renamed", 61),
        ] {
            let answer = observed(repo, number, present(status, login, seconds(after))).await;
            assert_eq!(answer, ObserveOutcome::Gone);
        }
        assert_eq!(record_of(repo, number).await, before);
    }
}

/// The end came first, and alone (L-28).
pub async fn what_is_said_of_an_installation_that_was_seen_only_as_gone_is_gone(repo: &dyn BindingRepo) {
    observed(repo, 1, gone(NOON)).await;
    let before = record_of(repo, 1).await;
    for after in [-60, 0, 60] {
        let answer = observed(repo, 1, present(Status::Active, "acme-coffee", seconds(after))).await;
        assert_eq!(answer, ObserveOutcome::Gone);
    }
    assert_eq!(record_of(repo, 1).await, before);
}
