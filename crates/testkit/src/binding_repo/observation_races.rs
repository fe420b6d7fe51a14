//! GitHub's news, and what it was worth, from many at one moment.
//!
//! Each news here that counts raises the generation by one, so the row itself tells how many counted: an answer that
//! was made up from an earlier read is found out.

use std::sync::Arc;

use dockline::ports::{BindingRepo, InsertOutcome, Observation, ObserveOutcome};
use dockline::{InstallationId, Status};

use super::{
    account_id, bind, found, gone, installation, new_binding, observed, organization, present, record_of,
    seconds,
};
use crate::race::{ROUNDS, TASKS, count, race};

/// A place in the order of times that is neither that of the tasks nor its reverse; the newest is 16.
fn scrambled(number: u64) -> i64 {
    (number * 7 % 17).cast_signed()
}

/// News that nobody else brings.
fn news(number: u64) -> Observation {
    present(Status::Active, &format!("login-{number}"), seconds(scrambled(number)))
}

/// The generation of the round's installation before anybody counts: bound in every other round, unknown in the others.
async fn start(repo: &dyn BindingRepo, round: u64) -> u64 {
    if round.is_multiple_of(2) {
        return 0;
    }
    let new = new_binding(&format!("acme-{round}"), round, "state");
    let before = seconds(-60);
    bind(repo, dockline::NewBinding { last_verified_at: before, ..new }).await.generation
}

fn number_of(outcomes: &[ObserveOutcome], wanted: ObserveOutcome) -> u64 {
    u64::try_from(count(outcomes, &wanted)).unwrap()
}

/// Half bind and half end, in either order of coming: whatever was bound is bound to what is known to be gone, as its
/// binding says (I7).
pub async fn binds_and_uninstalls_that_race_leave_nothing_that_looks_alive(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let outcomes = race(repo, |repo, number| {
            let ends = (number <= TASKS / 2) == round.is_multiple_of(2);
            let name = format!("org_{round}_{number}");
            async move { if ends { end(&*repo, round).await } else { bind_once(&*repo, &name, round).await } }
        })
        .await;
        let facts = record_of(&**repo, round).await.unwrap();
        assert_eq!(facts.status, Status::Uninstalled);
        let binding = repo.find_by_installation(installation(round)).await.unwrap();
        let won: Vec<_> = outcomes.into_iter().flatten().collect();
        assert!(won.len() <= 1, "{won:?}");
        assert_eq!(
            binding.as_ref().map(|binding| binding.organization.as_str().to_owned()),
            won.first().cloned()
        );
        assert_eq!(facts.organization, binding.as_ref().map(|binding| binding.organization.clone()));
        assert!(binding.is_none_or(|binding| binding.status == Status::Uninstalled));
        for name in won {
            assert_eq!(found(&**repo, &name).await.unwrap().status, Status::Uninstalled);
        }
    }
}

async fn end(repo: &dyn BindingRepo, number: u64) -> Option<String> {
    assert_eq!(observed(repo, number, gone(seconds(-60))).await, ObserveOutcome::Recorded);
    None
}

async fn bind_once(repo: &dyn BindingRepo, name: &str, number: u64) -> Option<String> {
    let outcome = repo.insert(new_binding(name, number, "state")).await.unwrap();
    if matches!(outcome, InsertOutcome::Inserted(_)) {
        return Some(name.to_owned());
    }
    assert!(matches!(outcome, InsertOutcome::Taken | InsertOutcome::Gone), "{outcome:?}");
    assert_eq!(repo.find(&organization(name)).await.unwrap(), None);
    None
}

/// As many count as are told so, and the newest is among them (I22).
pub async fn answers_to_observations_that_race_are_of_their_moment(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let before = start(&**repo, round).await;
        let outcomes =
            race(repo, |repo, number| async move { observed(&*repo, round, news(number)).await }).await;
        let counted = number_of(&outcomes, ObserveOutcome::Recorded);
        assert_eq!(counted + number_of(&outcomes, ObserveOutcome::Outdated), TASKS, "{outcomes:?}");
        let newest = (1..=TASKS).zip(&outcomes).find(|(number, _)| scrambled(*number) == 16).unwrap();
        assert_eq!(*newest.1, ObserveOutcome::Recorded);
        let facts = record_of(&**repo, round).await.unwrap();
        assert_eq!(facts.generation, before + counted, "{outcomes:?}");
        assert_eq!(facts.verified_at, seconds(16));
        assert_eq!(facts.account.unwrap().login, format!("login-{}", newest.0));
    }
}

/// Who is told that it counted came before the end, all others after it (I7).
pub async fn nothing_counts_after_an_end_that_raced_it(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let before = start(&**repo, round).await;
        let last = round % TASKS + 1;
        let outcomes = race(repo, |repo, number| async move {
            let observation = match number {
                _ if number == last => gone(seconds(-120)),
                _ if number.is_multiple_of(2) => Observation::PermissionsChanged,
                _ => news(number),
            };
            observed(&*repo, round, observation).await
        })
        .await;
        let counted = number_of(&outcomes, ObserveOutcome::Recorded); // the end, too
        let facts = record_of(&**repo, round).await.unwrap();
        assert_eq!((facts.status, facts.generation), (Status::Uninstalled, before + counted), "{outcomes:?}");
        let (_, end) = (1..=TASKS).zip(&outcomes).find(|(number, _)| *number == last).unwrap();
        assert_eq!(*end, ObserveOutcome::Recorded);
        assert_eq!(observed(&**repo, round, news(1)).await, ObserveOutcome::Gone);
    }
}

/// Each of them fences what was cached before it (L-41).
pub async fn no_change_of_what_it_may_reach_is_lost_in_a_race(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let before = bind(&**repo, new_binding(&format!("acme-{round}"), round, "state")).await.generation;
        let outcomes =
            race(
                repo,
                |repo, _| async move { observed(&*repo, round, Observation::PermissionsChanged).await },
            )
            .await;
        assert_eq!(number_of(&outcomes, ObserveOutcome::Recorded), TASKS);
        assert_eq!(record_of(&**repo, round).await.unwrap().generation, before + TASKS);
    }
}

/// Whoever asks after having told is told the same, for ever.
pub async fn of_installers_that_race_one_stands(repo: &Arc<dyn BindingRepo>) {
    for round in ROUNDS {
        let id: InstallationId = installation(round);
        let outcomes = race(repo, |repo, number| async move {
            repo.record_installer(id, account_id(number), seconds(scrambled(number))).await.unwrap();
            repo.installer(id).await.unwrap()
        })
        .await;
        let stands = repo.installer(id).await.unwrap();
        assert!(stands.is_some_and(|installer| installer.get() <= TASKS));
        assert!(outcomes.iter().all(|seen| *seen == stands), "{outcomes:?}");
    }
}
