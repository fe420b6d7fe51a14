//! Forgetting an organization.

use dockline::ports::{
    DirectoryQuery, Forgotten, HistoryOf, InsertOutcome, ObserveOutcome, Pseudonyms, SeededEntropy,
};
use dockline::{BindingState, InstallationFacts, NewBinding};

use super::DataSubjectsDriver;
use crate::binding_repo::{deleted, present};
use crate::directory::{bind, on_account};
use crate::fixtures::{
    NOON, actor, digest, installation, installer_record, key_of, organization, seconds, state_of,
};
use crate::runner::cases;

pub(super) fn pseudonyms() -> Pseudonyms {
    Pseudonyms::draw(&SeededEntropy::new(7)).unwrap()
}

/// Gives `acme` a key, a state, a released and a live binding with facts and installer, and `other` the same but the
/// released one.
async fn scene(driver: &dyn DataSubjectsDriver) -> [NewBinding; 3] {
    let repo = driver.bindings();
    let [mut first, mut second] = [1, 2].map(|number| on_account("acme", number, "acme"));
    let third = on_account("other", 3, "other");
    (first.registered_at, second.registered_at) = (seconds(1), seconds(3));
    bind(repo, first.clone()).await;
    repo.release(&organization("acme"), installation(1), &actor(), seconds(2)).await.unwrap();
    bind(repo, second.clone()).await;
    bind(repo, third.clone()).await;
    for number in 1..=3 {
        let id = installation(number);
        driver.directory().record_facts(id, &InstallationFacts::default(), Some(NOON)).await.unwrap();
        repo.record_installer(id, installer_record(77), NOON).await.unwrap();
    }
    for (name, seed) in [("acme", 1), ("other", 2)] {
        driver.insert_key(key_of(name, seed).1).await;
        driver.states().put(state_of(name, digest(name), NOON)).await.unwrap();
    }
    [first, second, third]
}

async fn forget(driver: &dyn DataSubjectsDriver, name: &str) -> Forgotten {
    let at = seconds(100);
    driver.subjects().forget_organization(&organization(name), &pseudonyms(), at).await.unwrap()
}

cases!(
    use __data_subjects_organization as list;

    /// A forgotten organization has no key, state or binding, and nothing in the history.
    pub async fn organization_leaves_nothing(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        let forgotten = forget(driver, "acme").await;
        let expected = Forgotten {
            api_keys: 1,
            states: 1,
            messages: 0,
            bindings: 2,
            installations: 2,
            installers: 2,
            still_bound: 0,
            still_waiting: 0,
        };
        assert_eq!(forgotten, expected);
        let acme = organization("acme");
        assert_eq!(driver.bindings().find(&acme).await.unwrap(), None);
        assert_eq!(driver.directory().history(&HistoryOf::Organization(acme), None, 10).await.unwrap(), []);
        assert_eq!(driver.states().find_by_digest(&digest("acme")).await.unwrap(), None);
        assert_eq!(driver.keys().find(&key_of("acme", 1).1.id).await.unwrap(), None);
        for number in [1, 2] {
            let id = installation(number);
            let record = driver.bindings().installation(id).await.unwrap().unwrap();
            assert_eq!((record.account, record.organization), (None, None));
            assert_eq!(BindingState::of(record.status, record.life.presence), BindingState::Absent);
            assert_eq!(driver.directory().facts(id).await.unwrap(), None);
            assert_eq!(driver.bindings().installer(id).await.unwrap(), None);
        }
    }

    /// The history keeps its entries with a pseudonym for organization, actor and visitor; the live one is released.
    pub async fn history_keeps_entries_under_a_pseudonym(driver: &dyn DataSubjectsDriver) {
        let [first, second, _] = scene(driver).await;
        forget(driver, "acme").await;
        let Pseudonyms { organization, actor, person } = pseudonyms();
        let of = HistoryOf::Organization(organization.clone());
        let history = driver.directory().history(&of, None, 10).await.unwrap();
        let installations: Vec<_> = history.iter().map(|entry| entry.installation).collect();
        assert_eq!(installations, [first.installation, second.installation]);
        for (entry, released_at) in history.iter().zip([seconds(2), seconds(100)]) {
            assert_eq!((&entry.organization, &entry.actor), (&organization, &actor));
            assert_eq!((entry.proven_by, entry.released_at), (Some(person), Some(released_at)));
        }
    }

    /// Nothing of another organization changes.
    pub async fn other_organizations_are_untouched(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        let other = organization("other");
        let before = driver.bindings().find(&other).await.unwrap();
        forget(driver, "acme").await;
        assert_eq!(driver.bindings().find(&other).await.unwrap(), before);
        assert!(driver.states().find_by_digest(&digest("other")).await.unwrap().is_some());
        assert!(driver.keys().find(&key_of("other", 2).1.id).await.unwrap().is_some());
        assert!(driver.directory().facts(installation(3)).await.unwrap().is_some());
        assert!(driver.bindings().installer(installation(3)).await.unwrap().is_some());
        assert_eq!(driver.directory().list(&DirectoryQuery::default(), 10).await.unwrap().len(), 1);
    }

    /// An installation of the history that another organization has bound since keeps its account and facts.
    pub async fn installation_of_another_organization_keeps_its_facts(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        bind(driver.bindings(), on_account("third", 1, "acme")).await;
        let before = driver.bindings().find(&organization("third")).await.unwrap();
        assert_eq!(forget(driver, "acme").await.installations, 1);
        assert_eq!(driver.bindings().find(&organization("third")).await.unwrap(), before);
        assert!(driver.directory().facts(installation(1)).await.unwrap().is_some());
    }

    /// A second call finds nothing, and an unknown organization is no error.
    pub async fn second_call_finds_nothing(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        forget(driver, "acme").await;
        assert_eq!(forget(driver, "acme").await, Forgotten::default());
        assert_eq!(forget(driver, "unknown").await, Forgotten::default());
    }

    /// A final end stays final (I7), and a state that was spent stays spent under the pseudonym only.
    pub async fn final_end_stays_final(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        driver.bindings().observe(installation(2), deleted(seconds(50))).await.unwrap();
        forget(driver, "acme").await;
        let again = NewBinding { spent: digest("fresh"), ..on_account("third", 2, "acme") };
        assert_eq!(driver.bindings().insert(again).await.unwrap(), InsertOutcome::Gone);
    }

    /// After it was forgotten, an installation that GitHub still shows can be bound again, with another generation.
    pub async fn shown_installation_can_be_bound_again(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        let before = driver.bindings().find(&organization("acme")).await.unwrap().unwrap();
        forget(driver, "acme").await;
        let mut again = on_account("third", 2, "acme");
        again.last_verified_at = seconds(200);
        let bound = bind(driver.bindings(), again).await;
        assert!(bound.generation > before.generation);
        assert_eq!(bound.state(), BindingState::Active);
        let shown = present(bound.status, "acme", seconds(300));
        driver.bindings().observe(installation(1), shown).await.unwrap();
        let record = driver.bindings().installation(installation(1)).await.unwrap().unwrap();
        assert_eq!(record.account.unwrap().login, "acme");
    }

    /// An organization that differs in the case of a letter is another one (I10).
    pub async fn case_of_letters_distinguishes_organizations(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        let kept = bind(driver.bindings(), on_account("ACME", 9, "acme")).await;
        driver.insert_key(key_of("ACME", 9).1).await;
        forget(driver, "acme").await;
        assert_eq!(driver.bindings().find(&organization("ACME")).await.unwrap(), Some(kept));
        assert!(driver.keys().find(&key_of("ACME", 9).1.id).await.unwrap().is_some());
    }

    /// After an erasure, facts that are older than the last observation store no account, neither by an observation nor by a
    /// binding, which is refused: a request that was under way would undo the erasure otherwise. Later ones do.
    pub async fn facts_from_before_the_erasure_are_refused(driver: &dyn DataSubjectsDriver) {
        scene(driver).await;
        let repo = driver.bindings();
        repo.observe(installation(2), present(dockline::Status::Active, "acme", seconds(90))).await.unwrap();
        forget(driver, "acme").await;
        let early = present(dockline::Status::Active, "acme", seconds(89));
        assert_eq!(repo.observe(installation(2), early).await.unwrap().outcome, ObserveOutcome::Outdated);
        let of = |seconds_after| NewBinding {
            last_verified_at: seconds(seconds_after),
            ..on_account("third", 2, "acme")
        };
        assert_eq!(repo.insert(of(89)).await.unwrap(), InsertOutcome::Gone);
        assert_eq!(repo.find(&organization("third")).await.unwrap(), None);
        assert_eq!(repo.installation(installation(2)).await.unwrap().unwrap().account, None);
        let bound = bind(repo, of(200)).await;
        assert_eq!(bound.account.login, "acme");
    }
);
