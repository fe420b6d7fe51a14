//! Whom an answer is about: the key, the secret, and the binding of the key's organization.

use dockline::ports::{InsertOutcome, ReadBinding};
use dockline::rules::access;
use dockline::{ApiKey, KeyRecord};

use super::{AdmissionDriver, NOON, admit, read, write};
use crate::fixtures::{actor, binding_of, digest, installation, key, unique};
use crate::runner::cases;

/// Stores a key, and binds an installation to its organization.
async fn bound(driver: &dyn AdmissionDriver) -> (ApiKey, KeyRecord, u64) {
    let (api_key, record) = key();
    driver.insert(record.clone()).await;
    let number = unique();
    let new = binding_of(record.organization.as_str(), number, digest(&format!("state {number}")));
    let outcome = driver.bindings().insert(new).await.unwrap();
    assert!(matches!(outcome, InsertOutcome::Inserted(_)), "{outcome:?}");
    (api_key, record, number)
}

cases!(
    use __admission_identity as list;

    /// The answer has the stored key and the live binding of its organization, as the small ports return them.
    pub async fn answer_has_the_key_and_the_binding_of_its_organization(driver: &dyn AdmissionDriver) {
        let (api_key, record, _) = bound(driver).await;
        bound(driver).await;
        for request in [read(&api_key), write(&api_key)] {
            let answer = admit(driver.admission(), request.clone()).await;
            assert!(access::is_about(&answer, &request), "{answer:?}");
            assert_eq!(answer.record, Some(record.clone()));
            let binding = answer.binding.unwrap();
            assert_eq!(binding.organization, record.organization);
            let stored = driver.bindings().find(&record.organization).await.unwrap();
            assert_eq!(binding.binding, stored);
            assert!(stored.is_some());
        }
    }

    /// Without a live binding, the answer says so: before the first one and after a release.
    pub async fn answer_says_that_nothing_is_bound(driver: &dyn AdmissionDriver) {
        let nothing =
            |record: &KeyRecord| ReadBinding { organization: record.organization.clone(), binding: None };
        let (unbound, record) = key();
        driver.insert(record.clone()).await;
        let answer = admit(driver.admission(), read(&unbound)).await;
        assert_eq!(answer.binding, Some(nothing(&record)));
        let (api_key, record, number) = bound(driver).await;
        driver.bindings().release(&record.organization, installation(number), &actor(), NOON).await.unwrap();
        let answer = admit(driver.admission(), read(&api_key)).await;
        assert_eq!(answer.binding, Some(nothing(&record)));
    }

    /// Concurrent requests of many keys, some with a wrong secret, each get the answer about themselves (I39).
    pub async fn concurrent_answers_are_about_their_own_requests(
        driver: &std::sync::Arc<dyn AdmissionDriver>,
    ) {
        let mut tasks = tokio::task::JoinSet::new();
        let (stranger, _) = key();
        for _ in 0..40 {
            let (api_key, record, number) = bound(&**driver).await;
            let (driver, wrong) = (driver.clone(), stranger.secret_hash());
            tasks.spawn(async move {
                for round in 0..10 {
                    let mut request = read(&api_key);
                    if round % 3 == 2 {
                        request.secret_hash = wrong;
                    }
                    let answer = admit(driver.admission(), request.clone()).await;
                    assert!(access::is_about(&answer, &request), "{answer:?}");
                    let valid = access::authenticate(&request, answer.record);
                    assert_eq!(valid.as_ref(), (round % 3 != 2).then_some(&record));
                    if valid.is_some() {
                        let bound = answer.binding.unwrap().binding.unwrap();
                        assert_eq!(bound.installation, installation(number));
                    }
                }
            });
        }
        tasks.join_all().await;
    }
);
