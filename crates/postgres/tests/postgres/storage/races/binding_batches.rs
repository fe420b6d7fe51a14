//! Bindings that are inserted by shared statements: none is affected by another one.

use dockline::ports::{
    BindingRepo, Directory, EntryFilter, HistoryOf, InsertOutcome, Observation, Outbox, ReleaseOutcome,
};
use dockline::{EntryContent, NewBinding, OutboxBounds, PortError, PortErrorKind, Status};
use dockline_postgres::{AppNumber, Database, PgBindingRepo, PgDirectory, PgOutbox};
use tokio::task::{JoinHandle, JoinSet};

use super::bindings;
use crate::fixtures::{NOON, account, actor, binding, installation, organization};
use crate::test_database::{self, until_blocked};
use crate::test_schema::{SchemaGuard, session, session_in};

type Call = JoinHandle<Result<InsertOutcome, PortError>>;

async fn repository() -> (SchemaGuard, Database, PgBindingRepo) {
    let (guard, database) = test_database::database().await;
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    (guard, database, bindings)
}

fn new(number: u64) -> NewBinding {
    binding(&format!("org_{number}"), number, &format!("state {number}"))
}

fn start(bindings: &PgBindingRepo, new: NewBinding) -> Call {
    let bindings = bindings.clone();
    tokio::spawn(async move { bindings.insert(new).await })
}

fn start_all(bindings: &PgBindingRepo, numbers: impl IntoIterator<Item = u64>) -> Vec<Call> {
    numbers.into_iter().map(|number| start(bindings, new(number))).collect()
}

/// Waits until all are inserted, each as asked for.
async fn assert_inserted(calls: Vec<Call>, numbers: impl IntoIterator<Item = u64>) {
    for (call, number) in calls.into_iter().zip(numbers) {
        let outcome = call.await.unwrap().unwrap();
        let InsertOutcome::Inserted(stored) = outcome else { panic!("{number}: {outcome:?}") };
        let new = new(number);
        assert_eq!((stored.organization, stored.installation), (new.organization, new.installation));
        assert_eq!((stored.account, stored.actor), (new.account, new.actor));
    }
}

/// The numbers of rows with an organization, and of live history rows; and those that are in one table alone.
async fn rows(database: &Database) -> [i64; 3] {
    let session = session_in(database.schema()).await;
    let count = "SELECT count(i.organization), count(b.organization), count(*) FILTER (WHERE i.organization IS NULL \
         OR b.organization IS NULL) \
        FROM (SELECT * FROM installations WHERE organization IS NOT NULL) AS i \
        FULL JOIN (SELECT * FROM bindings WHERE released_at IS NULL) AS b \
         ON b.organization = i.organization AND b.installation_id = i.installation_id";
    let row = session.query_one(count, &[]).await.unwrap();
    [row.get(0), row.get(1), row.get(2)]
}

/// I39: each caller gets its own binding.
#[tokio::test]
async fn inserts_that_wait_at_the_same_time_share_statements_and_get_their_own_bindings_i_39() {
    let (_guard, database, bindings) = repository().await;
    assert_inserted(start_all(&bindings, 1..=300), 1..=300).await;
    assert_eq!(rows(&database).await, [300, 300, 0]);
    let counts = bindings.counts();
    assert_eq!(counts.calls, 300);
    assert!(counts.statements <= 10, "{counts:?}");
}

/// Occupied, taken, spent and ended ones, and several for one organization or one installation.
#[tokio::test]
async fn bindings_that_are_impossible_affect_no_other_in_their_statement() {
    let (_guard, database, bindings) = repository().await;
    assert_inserted(start_all(&bindings, [1, 2]), [1, 2]).await;
    let released = bindings.release(&organization("org_2"), installation(2), &actor(), NOON).await.unwrap();
    assert!(matches!(released, ReleaseOutcome::Released(_)));
    bindings.observe(installation(3), Observation::Deleted { at: NOON }).await.unwrap();

    let others = start_all(&bindings, 100..140);
    let occupied = start(&bindings, binding("org_1", 4, "another state"));
    let taken = start(&bindings, binding("org_5", 1, "state 5"));
    let spent = start(&bindings, binding("org_2", 2, "state 2"));
    let gone = start(&bindings, new(3));
    let of_one_installation = [("org_6", "state 6"), ("org_7", "state 7")]
        .map(|(owner, state)| start(&bindings, binding(owner, 6, state)));
    let of_one_organization =
        [8, 9].map(|number| start(&bindings, binding("org_8", number, &number.to_string())));
    let more = start_all(&bindings, 140..160);

    assert_inserted(others, 100..140).await;
    assert_inserted(more, 140..160).await;
    let outcome = occupied.await.unwrap().unwrap();
    assert!(
        matches!(&outcome, InsertOutcome::Occupied(stored) if stored.installation == installation(1)),
        "{outcome:?}"
    );
    assert_eq!(taken.await.unwrap().unwrap(), InsertOutcome::Taken);
    assert_eq!(spent.await.unwrap().unwrap(), InsertOutcome::Spent);
    assert_eq!(gone.await.unwrap().unwrap(), InsertOutcome::Gone);
    let [first, second] = of_one_installation;
    assert!(matches!(first.await.unwrap().unwrap(), InsertOutcome::Inserted(_)));
    assert_eq!(second.await.unwrap().unwrap(), InsertOutcome::Taken);
    let [first, second] = of_one_organization;
    assert!(matches!(first.await.unwrap().unwrap(), InsertOutcome::Inserted(_)));
    let outcome = second.await.unwrap().unwrap();
    assert!(
        matches!(&outcome, InsertOutcome::Occupied(stored) if stored.installation == installation(8)),
        "{outcome:?}"
    );
    // org_1, 60 others, and one for each pair.
    assert_eq!(rows(&database).await, [63, 63, 0]);
}

/// What the server rejects is rolled back with the whole statement, and its callers are inserted one by one.
#[tokio::test]
async fn a_binding_that_the_server_rejects_fails_alone_and_writes_nothing() {
    let (_guard, database, bindings) = repository().await;
    let session = session_in(database.schema()).await;
    session.batch_execute("ALTER TABLE bindings ADD CHECK (organization <> 'org_20')").await.unwrap();
    let mut calls = start_all(&bindings, 1..=40);
    let rejected = calls.remove(19).await.unwrap().unwrap_err();
    assert_eq!(rejected.kind(), PortErrorKind::Unexpected);
    assert_inserted(calls, (1..=40).filter(|number| *number != 20)).await;
    assert_eq!(rows(&database).await, [39, 39, 0]);
    assert_eq!(bindings.installation(installation(20)).await.unwrap(), None);
}

/// An unbound installation whose row another transaction has locked, and one that another transaction is about to bind.
#[tokio::test]
async fn a_lock_delays_only_its_own_binding() {
    let (_guard, database, bindings) = repository().await;
    let present = Observation::Present {
        status: Status::Active,
        account: account(7),
        asked_at: NOON,
        next_look_at: NOON,
    };
    bindings.observe(installation(7), present).await.unwrap();
    let locked = session_in(database.schema()).await;
    locked
        .batch_execute("BEGIN; SELECT FROM installations WHERE installation_id = 7 FOR UPDATE")
        .await
        .unwrap();
    let rival = bindings::rival(&database, "org_rival", 8, "theirs").await;

    let mut calls = start_all(&bindings, 1..=30);
    let (seventh, eighth) = (calls.remove(6), calls.remove(6));
    assert_inserted(calls, (1..=30).filter(|number| ![7, 8].contains(number))).await;
    assert_inserted(start_all(&bindings, 31..=60), 31..=60).await;
    until_blocked(database.schema(), 2).await;
    assert!(!seventh.is_finished() && !eighth.is_finished());
    locked.batch_execute("COMMIT").await.unwrap();
    rival.batch_execute("COMMIT").await.unwrap();
    assert_inserted(vec![seventh], [7]).await;
    assert_eq!(eighth.await.unwrap().unwrap(), InsertOutcome::Taken);
    assert_eq!(rows(&database).await, [60, 60, 0]);
}

/// The statement's limit of the wait for locks ends with it.
#[tokio::test]
async fn a_shared_statement_leaves_no_setting_behind() {
    let (_guard, database) = test_database::database_of(1).await;
    let bindings = PgBindingRepo::new(&database.with_app(AppNumber::FIRST));
    let client = database.pool().get().await.unwrap();
    client.batch_execute("SET lock_timeout = '7s'").await.unwrap();
    drop(client);
    assert_inserted(start_all(&bindings, 1..=20), 1..=20).await;
    assert!(bindings.counts().statements < 20);
    let client = database.pool().get().await.unwrap();
    let row = client.query_one("SELECT current_setting('lock_timeout')", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "7s");
}

/// Either the killed statement or its repetition writes each binding.
#[tokio::test]
async fn bindings_of_a_killed_statement_are_inserted_once() {
    let (_guard, database, bindings) = repository().await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; LOCK TABLE bindings").await.unwrap();
    let first = start(&bindings, new(100));
    until_blocked(database.schema(), 1).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE application_name = $1 AND wait_event_type = 'Lock'";
    session().await.query(kill, &[&database.schema().as_str()]).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap_err().kind(), PortErrorKind::Unavailable);
    rival.batch_execute("COMMIT").await.unwrap();
    assert_eq!(rows(&database).await, [0, 0, 0]);
    assert_inserted(start_all(&bindings, 100..=110), 100..=110).await;
    assert_eq!(rows(&database).await, [11, 11, 0]);
}

#[tokio::test]
async fn a_binding_whose_caller_leaves_is_inserted_whole_or_not_at_all() {
    let (_guard, database, bindings) = repository().await;
    let rival = session_in(database.schema()).await;
    rival.batch_execute("BEGIN; LOCK TABLE bindings").await.unwrap();
    let leaving = start(&bindings, new(1));
    until_blocked(database.schema(), 1).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    rival.batch_execute("COMMIT").await.unwrap();
    while rows(&database).await != [1, 1, 0] {
        tokio::task::yield_now().await;
    }
    let outcome = bindings.insert(new(1)).await.unwrap();
    assert!(matches!(outcome, InsertOutcome::Occupied(_)), "{outcome:?}");
}

/// Each with its own message, and with the state of its own installation before, if there was one.
#[tokio::test]
async fn each_binding_of_a_statement_has_its_own_change_and_history() {
    let (_guard, database, bindings) = repository().await;
    let app = database.with_app(AppNumber::FIRST);
    let outbox = PgOutbox::open(&app, OutboxBounds::default()).await.unwrap();
    for number in (2..=40).step_by(2) {
        let present = Observation::Present {
            status: Status::Suspended,
            account: account(number),
            asked_at: NOON - time::Duration::HOUR,
            next_look_at: NOON,
        };
        bindings.observe(installation(number), present).await.unwrap();
    }
    assert_inserted(start_all(&bindings, 1..=40), 1..=40).await;
    assert!(bindings.counts().statements < 10);
    let entries = outbox.list(&EntryFilter::default(), None, 100).await.unwrap();
    assert_eq!(entries.len(), 40);
    for entry in entries {
        let number = entry.installation.unwrap().get();
        assert_eq!((entry.organization.as_ref(), entry.sequence), (Some(&new(number).organization), 1));
        let EntryContent::Change(change) = &entry.content else { panic!("{entry:?}") };
        assert_eq!(change.installation, installation(number));
        assert_eq!(change.actor, Some(actor()));
        assert_eq!(change.after.organization, Some(new(number).organization));
        assert_eq!(change.after.account, Some(account(number)));
        let before = change.before.as_ref().map(|before| (before.status, before.generation));
        assert_eq!(before, (number % 2 == 0).then_some((Status::Suspended, 1)));
    }
    let directory = PgDirectory::new(&app);
    for number in 1..=40 {
        let of = HistoryOf::Installation(installation(number));
        let history = directory.history(&of, None, 10).await.unwrap();
        assert_eq!(history.len(), 1);
        assert_eq!(history[0].organization, new(number).organization);
    }
}

/// I1: two nodes that bind the same organizations and installations crosswise, so that their statements wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_bind_crosswise_neither_deadlock_nor_bind_twice_i_1() {
    let (_guard, database) = test_database::database_of(4).await;
    let second = Database::new(dockline_postgres::open_pool(&crate::test_schema::url().into(), 4).unwrap())
        .with_schema(database.schema().clone());
    let nodes = [&database, &second].map(|node| PgBindingRepo::new(&node.with_app(AppNumber::FIRST)));
    for round in 0..5_u64 {
        let mut calls = JoinSet::new();
        for number in 0..40_u64 {
            for (node, bindings) in nodes.iter().enumerate() {
                let bindings = bindings.clone();
                // The second node binds in the opposite order.
                let wanted = round * 100 + if node == 0 { number } else { 39 - number } + 1;
                let owner = format!("org_{round}_{number}");
                calls.spawn(async move {
                    bindings.insert(binding(&owner, wanted, &format!("{owner} {wanted}"))).await.unwrap()
                });
            }
        }
        let mut inserted = 0;
        for outcome in calls.join_all().await {
            match outcome {
                InsertOutcome::Inserted(_) => inserted += 1,
                InsertOutcome::Occupied(_) | InsertOutcome::Taken => {}
                other @ (InsertOutcome::Spent | InsertOutcome::Gone) => panic!("{other:?}"),
            }
        }
        let [bound, live, halves] = rows(&database).await;
        assert_eq!((bound, halves), (live, 0));
        assert!((20..=40).contains(&inserted), "{inserted}");
    }
}
