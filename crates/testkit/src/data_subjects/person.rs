//! Forgetting a GitHub user.

use dockline::ports::{Forgotten, HistoryOf, Observation, RetryOutcome};
use dockline::{Account, AccountId, InstallationFacts, PendingConfirmation, SetupAction, Status, Suspender};

use super::DataSubjectsDriver;
use super::organization::pseudonyms;
use crate::directory::{bind, on_account};
use crate::fixtures::{
    NOON, account_id, actor, claim, digest, installation, installer_record, organization, seconds, state_of,
};
use crate::outbox::{Push, dead, id, push};
use crate::runner::cases;

async fn forget(driver: &dyn DataSubjectsDriver, user: AccountId) -> Forgotten {
    driver.subjects().forget_github_user(user, &pseudonyms(), seconds(100)).await.unwrap()
}

cases!(
    use __data_subjects_person as list;

    /// The visitor in the history and the installer are replaced by one pseudonym; bindings stay.
    pub async fn visitor_and_installer_get_a_pseudonym(driver: &dyn DataSubjectsDriver) {
        let repo = driver.bindings();
        for (name, number, visitor) in [("a", 1, 77), ("b", 2, 78)] {
            let mut new = on_account(name, number, "acme");
            new.proven_by = Some(account_id(visitor));
            bind(repo, new).await;
            repo.record_installer(installation(number), installer_record(visitor), NOON).await.unwrap();
        }
        let forgotten = forget(driver, account_id(77)).await;
        assert_eq!(forgotten, Forgotten { bindings: 1, installers: 1, ..Forgotten::default() });
        let person = pseudonyms().person;
        let found = async |name: &str| repo.find(&organization(name)).await.unwrap().unwrap();
        assert_eq!(found("a").await.proven_by, Some(person));
        assert_eq!(found("b").await.proven_by, Some(account_id(78)));
        let of = HistoryOf::Installation(installation(1));
        let history = driver.directory().history(&of, None, 10).await.unwrap();
        assert_eq!(history.first().and_then(|entry| entry.proven_by), Some(person));
        let installer = async |number| repo.installer(installation(number)).await.unwrap().unwrap().installer;
        assert_eq!((installer(1).await, installer(2).await), (person, account_id(78)));
        assert_eq!(forget(driver, account_id(77)).await, Forgotten::default());
    }

    /// States with claims of the user are deleted, pending, answered or confirmed; others stay.
    pub async fn states_with_claims_of_the_user_are_deleted(driver: &dyn DataSubjectsDriver) {
        let states = driver.states();
        let pending = |ticket: &str| PendingConfirmation {
            ticket: digest(ticket),
            browser: digest("browser"),
            claim: claim(1),
            setup_action: SetupAction::Install,
        };
        for name in ["none", "pending", "answered", "claimed"] {
            states.put(state_of("acme", digest(name), NOON)).await.unwrap();
        }
        states.save_pending(&digest("pending"), pending("one")).await.unwrap();
        states.save_pending(&digest("answered"), pending("two")).await.unwrap();
        states.revoke(&digest("answered"), Some(digest("two"))).await.unwrap();
        states.confirm_claim(&digest("claimed"), None, claim(1)).await.unwrap();
        // The claims are those of the visitor 77 to the account 1234.
        assert_eq!(forget(driver, account_id(78)).await, Forgotten::default());
        assert_eq!(forget(driver, account_id(77)).await, Forgotten { states: 3, ..Forgotten::default() });
        for (name, kept) in [("none", true), ("pending", false), ("answered", false), ("claimed", false)] {
            assert_eq!(states.find_by_digest(&digest(name)).await.unwrap().is_some(), kept, "{name}");
        }
    }

    /// The one who suspended an installation is deleted from its facts, which stay.
    pub async fn suspender_is_deleted_from_the_facts(driver: &dyn DataSubjectsDriver) {
        bind(driver.bindings(), on_account("acme", 1, "acme")).await;
        let facts = |user| InstallationFacts {
            suspended_by: Some(Suspender { id: account_id(user), login: "ann".to_owned() }),
            settings_url: Some("https://github.com/settings/installations/1".to_owned()),
            ..InstallationFacts::default()
        };
        let directory = driver.directory();
        directory.record_facts(installation(1), &facts(77), Some(NOON)).await.unwrap();
        forget(driver, account_id(78)).await;
        assert_eq!(directory.facts(installation(1)).await.unwrap().unwrap().facts, facts(77));
        forget(driver, account_id(77)).await;
        let kept = directory.facts(installation(1)).await.unwrap().unwrap().facts;
        assert_eq!(kept, InstallationFacts { suspended_by: None, ..facts(77) });
    }

    /// Bodies that contain the user's number are deleted if their messages are done or dead, and stay if the product has yet to
    /// get them. Changes of an unbound installation on the user's account lose it, and keep their events.
    pub async fn messages_that_name_the_user_are_erased_unless_they_have_to_be_sent(
        driver: &dyn DataSubjectsDriver,
    ) {
        let node = driver.open_outbox().await;
        bind(&*node.bindings, on_account("acme", 77, "ann")).await;
        let bodies = ["{\"id\":77}", "{\"id\":77}", "{\"id\":177}", "{\"id\":770}", "{\"u\":\"/u/77?v=4\"}"];
        for (name, body) in ["done", "dead", "longer", "also-longer", "waiting"].into_iter().zip(bodies) {
            node.store(&Push { body: body.to_owned(), ..push(77, name) }).await;
        }
        let renamed = Observation::Present {
            status: Status::Active,
            account: Account { login: "ann-2".to_owned(), ..on_account("acme", 77, "ann").account },
            asked_at: seconds(30),
            next_look_at: seconds(90),
        };
        node.bindings.observe(installation(77), renamed).await.unwrap();
        let bound = forget(driver, account_id(77)).await;
        assert_eq!((bound.messages, bound.still_waiting, bound.still_bound), (0, 3, 1));
        node.release("acme", 77).await;
        let lease = node.lease("acme", seconds(100)).await;
        // The registration is at 1, the deliveries follow.
        node.done(&lease, 2, seconds(100)).await;
        assert!(node.settle(&lease, 3, dead(seconds(100))).await);
        let forgotten = forget(driver, account_id(77)).await;
        // A store may have deleted the body of a message that is done already.
        assert!((4..=5).contains(&forgotten.messages), "{forgotten:?}");
        assert_eq!((forgotten.still_waiting, forgotten.still_bound), (1, 0));

        let messages = node.read(&lease, seconds(100)).await;
        let left: Vec<_> =
            messages.iter().map(|message| (message.entry.sequence, &*message.body)).skip(1).take(3).collect();
        let [.., longer, also_longer, waiting] = bodies;
        assert_eq!(left, [(4, longer.as_bytes()), (5, also_longer.as_bytes()), (6, waiting.as_bytes())]);
        assert_eq!(
            node.types("acme").await,
            [
                "installation.registered",
                "push",
                "push",
                "push",
                "push",
                "push",
                "installation.renamed",
                "installation.detached"
            ]
        );
        for name in ["done", "dead"] {
            let id = id(1, &format!("guid-{name}"));
            assert_eq!(node.outbox.find(&id).await.unwrap().unwrap().body, b"");
            assert_eq!(node.outbox.retry(&id, seconds(100)).await.unwrap(), RetryOutcome::BodyDeleted);
        }
        let text = format!("{:?}", node.entries("acme").await);
        assert!(!text.contains("\"ann") && !text.contains("AccountId(77)"), "{text}");
        // Once the product has the last one, nothing is left.
        node.done(&lease, 6, seconds(101)).await;
        assert_eq!(forget(driver, account_id(77)).await.still_waiting, 0);
        assert_eq!(node.outbox.find(&id(1, "guid-waiting")).await.unwrap().unwrap().body, b"");
    }

    /// An unbound installation on the user's account loses the account and the facts; a bound one is counted.
    pub async fn unbound_installation_on_the_users_account_is_scrubbed(driver: &dyn DataSubjectsDriver) {
        let repo = driver.bindings();
        bind(repo, on_account("acme", 77, "ann")).await;
        let facts = InstallationFacts::default();
        driver.directory().record_facts(installation(77), &facts, Some(NOON)).await.unwrap();
        let bound = forget(driver, account_id(77)).await;
        assert_eq!((bound.still_bound, bound.installations), (1, 0));
        assert_eq!(repo.find(&organization("acme")).await.unwrap().unwrap().account.login, "ann");
        repo.release(&organization("acme"), installation(77), &actor(), seconds(60)).await.unwrap();
        let released = forget(driver, account_id(77)).await;
        assert_eq!((released.still_bound, released.installations), (0, 1));
        assert_eq!(repo.installation(installation(77)).await.unwrap().unwrap().account, None);
        assert_eq!(driver.directory().facts(installation(77)).await.unwrap(), None);
    }
);
