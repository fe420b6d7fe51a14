//! Facts about installations.

use dockline::ports::InsertOutcome;
use dockline::{
    AccountId, InstallationFacts, NewBinding, Permissions, RepositorySelection, StoredFacts, Suspender,
};

use super::{DirectoryDriver, bind, on_account};
use crate::binding_repo::deleted;
use crate::fixtures::{actor, in_the_east, in_the_west, installation, organization, seconds};
use crate::runner::cases;

fn facts(level: &str) -> InstallationFacts {
    InstallationFacts {
        permissions: Permissions::new([("contents".to_owned(), level.to_owned())]),
        repository_selection: Some(RepositorySelection::Selected),
        suspended_by: Some(Suspender { id: AccountId::new(77).unwrap(), login: "ann".to_owned() }),
        settings_url: Some("https://github.com/settings/installations/1".to_owned()),
    }
}

async fn stored(driver: &dyn DirectoryDriver) -> Option<StoredFacts> {
    driver.directory().facts(installation(1)).await.unwrap()
}

async fn record(driver: &dyn DirectoryDriver, level: &str, asked_at: Option<i64>) {
    let asked_at = asked_at.map(seconds);
    driver.directory().record_facts(installation(1), &facts(level), asked_at).await.unwrap();
}

cases!(
    use __directory_facts as list;

    /// Facts are returned as they were recorded, also after the release, and of an unknown installation there are none.
    pub async fn facts_are_returned_as_recorded(driver: &dyn DirectoryDriver) {
        record(driver, "read", Some(0)).await;
        assert_eq!(stored(driver).await, None);
        bind(driver.bindings(), on_account("acme", 1, "acme")).await;
        assert_eq!(stored(driver).await, None);
        record(driver, "read", Some(10)).await;
        let expected = StoredFacts { facts: facts("read"), observed_at: Some(seconds(10)) };
        assert_eq!(stored(driver).await, Some(expected.clone()));
        driver
            .bindings()
            .release(&organization("acme"), installation(1), &actor(), seconds(60))
            .await
            .unwrap();
        assert_eq!(stored(driver).await, Some(expected));
    }

    /// Facts of an earlier request do not replace those of a later one, whatever the order of arrival.
    pub async fn later_request_counts(driver: &dyn DirectoryDriver) {
        bind(driver.bindings(), on_account("acme", 1, "acme")).await;
        for (level, asked_at, kept) in
            [("read", 20, "read"), ("write", 10, "read"), ("write", 20, "write"), ("admin", 30, "admin")]
        {
            record(driver, level, Some(asked_at)).await;
            assert_eq!(stored(driver).await.unwrap().facts, facts(kept));
        }
    }

    /// Facts of a delivery replace those of a delivery, and never those of a request.
    pub async fn delivery_never_replaces_a_request(driver: &dyn DirectoryDriver) {
        bind(driver.bindings(), on_account("acme", 1, "acme")).await;
        for level in ["read", "write"] {
            record(driver, level, None).await;
            let expected = StoredFacts { facts: facts(level), observed_at: None };
            assert_eq!(stored(driver).await, Some(expected));
        }
        record(driver, "admin", Some(0)).await;
        record(driver, "read", None).await;
        let expected = StoredFacts { facts: facts("admin"), observed_at: Some(seconds(0)) };
        assert_eq!(stored(driver).await, Some(expected));
    }

    /// Facts of a new binding are stored with it, as of its lookup: earlier ones replace none, and a refused binding stores none.
    pub async fn binding_is_stored_with_its_facts(driver: &dyn DirectoryDriver) {
        let with_facts = |organization: &str, level: &str, looked_up_at| NewBinding {
            facts: Some(facts(level)),
            last_verified_at: seconds(looked_up_at),
            ..on_account(organization, 1, "acme")
        };
        bind(driver.bindings(), with_facts("acme", "read", 10)).await;
        let expected = StoredFacts { facts: facts("read"), observed_at: Some(seconds(10)) };
        assert_eq!(stored(driver).await, Some(expected.clone()));
        let taken = driver.bindings().insert(with_facts("rival", "admin", 20)).await.unwrap();
        assert_eq!(taken, InsertOutcome::Taken);
        assert_eq!(stored(driver).await, Some(expected.clone()));
        driver
            .bindings()
            .release(&organization("acme"), installation(1), &actor(), seconds(30))
            .await
            .unwrap();
        bind(driver.bindings(), with_facts("late", "write", 9)).await;
        assert_eq!(stored(driver).await, Some(expected));
        driver
            .bindings()
            .release(&organization("late"), installation(1), &actor(), seconds(40))
            .await
            .unwrap();
        bind(driver.bindings(), with_facts("next", "write", 50)).await;
        let expected = StoredFacts { facts: facts("write"), observed_at: Some(seconds(50)) };
        assert_eq!(stored(driver).await, Some(expected));
    }

    /// Facts change neither the installation's record nor its generation, and are kept after its end.
    pub async fn facts_are_apart_from_the_record(driver: &dyn DirectoryDriver) {
        let repo = driver.bindings();
        bind(repo, on_account("acme", 1, "acme")).await;
        let before = repo.installation(installation(1)).await.unwrap();
        record(driver, "read", Some(10)).await;
        assert_eq!(repo.installation(installation(1)).await.unwrap(), before);
        repo.observe(installation(1), deleted(seconds(20))).await.unwrap();
        assert_eq!(stored(driver).await.unwrap().facts, facts("read"));
    }

    /// Requests are ordered by instants, whatever the offsets of their times.
    pub async fn facts_are_ordered_by_instant(driver: &dyn DirectoryDriver) {
        bind(driver.bindings(), on_account("acme", 1, "acme")).await;
        let store = async |level, at| {
            driver.directory().record_facts(installation(1), &facts(level), Some(at)).await.unwrap();
        };
        store("read", in_the_west(seconds(20))).await;
        store("admin", in_the_east(seconds(10))).await;
        let expected = StoredFacts { facts: facts("read"), observed_at: Some(seconds(20)) };
        assert_eq!(stored(driver).await, Some(expected));
    }
);
