//! The history of an organization or an installation.

use dockline::ports::HistoryOf;
use dockline::{Actor, HistoryEntry, NewBinding};
use time::OffsetDateTime;

use super::{DirectoryDriver, bind, on_account};
use crate::fixtures::{digest, installation, organization, seconds};
use crate::runner::cases;

fn entry(new: &NewBinding, released: Option<(OffsetDateTime, Actor)>) -> HistoryEntry {
    let (released_at, released_by) = released.unzip();
    HistoryEntry {
        organization: new.organization.clone(),
        installation: new.installation,
        proof: new.proof,
        proven_by: new.proven_by,
        actor: new.actor.clone(),
        registered_at: new.registered_at,
        released_at,
        released_by,
    }
}

/// Binds and, unless it is the last time, releases installation 1 and 2 by two organizations in turn.
async fn scene(driver: &dyn DirectoryDriver) -> Vec<HistoryEntry> {
    let repo = driver.bindings();
    let mut entries = Vec::new();
    for (step, (name, number)) in (0..).zip([("a", 1), ("b", 1), ("a", 1), ("a", 2)]) {
        let mut new = on_account(name, number, "acme");
        new.spent = digest(&format!("state {step}"));
        new.actor = format!("user:{step}").parse().unwrap();
        new.registered_at = seconds(step * 100);
        bind(repo, new.clone()).await;
        let released = (step < 3)
            .then(|| (seconds(step * 100 + 50), Actor::new(&format!("user:releases-{step}")).unwrap()));
        if let Some((at, actor)) = &released {
            repo.release(&organization(name), installation(number), actor, *at).await.unwrap();
        }
        entries.push(entry(&new, released));
    }
    entries
}

cases!(
    use __directory_history as list;

    /// The history has one entry per binding, oldest first, with its actor, the time of its release and who asked for it (I25).
    pub async fn history_lists_bindings_oldest_first(driver: &dyn DirectoryDriver) {
        let entries = scene(driver).await;
        let of = async |of: HistoryOf| driver.directory().history(&of, None, 10).await.unwrap();
        let numbered =
            |numbers: &[usize]| numbers.iter().filter_map(|n| entries.get(*n).cloned()).collect::<Vec<_>>();
        assert_eq!(of(HistoryOf::Organization(organization("a"))).await, numbered(&[0, 2, 3]));
        assert_eq!(of(HistoryOf::Organization(organization("b"))).await, numbered(&[1]));
        assert_eq!(of(HistoryOf::Installation(installation(1))).await, numbered(&[0, 1, 2]));
        assert_eq!(of(HistoryOf::Installation(installation(9))).await, []);
    }

    /// Pages of the history that each start after the last entry of the one before contain each entry once.
    pub async fn pages_of_the_history_contain_each_entry_once(driver: &dyn DirectoryDriver) {
        scene(driver).await;
        for of in [HistoryOf::Organization(organization("a")), HistoryOf::Installation(installation(1))] {
            let whole = driver.directory().history(&of, None, 10).await.unwrap();
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let page = driver.directory().history(&of, after, 2).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.cursor());
                seen.extend(page);
            }
            assert_eq!(seen, whole);
        }
    }
);
