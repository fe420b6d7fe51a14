//! Races over eight nodes on one database: each organization gets one binding (I1, I4).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::api::{Answer, Backend};
use crate::schema::TestSchema;
use crate::server::{Github, Server, Starting};

const NODES: usize = 8;
const ORGANIZATIONS: usize = 200;
/// Calls per organization, half of them for one installation, half for another.
const CALLS: usize = 16;
/// Concurrent calls.
const AT_ONCE: usize = 64;
/// Attempts of a call. On a machine under load, a statement may miss the store's deadline, which is a 503.
const ATTEMPTS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_organizations_raced_over_eight_nodes_have_one_binding_each() {
    let schema = TestSchema::migrated().await;
    let github = Github::start(&schema).await;
    let starting: Vec<_> = (0..NODES).map(|_| Server::spawn(&schema, &github, "127.0.0.1:0")).collect();
    let nodes: Vec<Server> = starting.into_iter().map(Starting::listening).collect();
    let apis: Vec<String> = nodes.iter().map(|node| node.api.clone()).collect();

    let mut organizations = Vec::new();
    for number in 0..ORGANIZATIONS {
        let backend = Backend::new(schema.key(&format!("org_{number}")).await);
        let state = backend.state(&apis[number % NODES]).await;
        let installations =
            [github.install(&format!("left-{number}")), github.install(&format!("right-{number}"))];
        organizations.push((backend, state, installations));
    }

    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        for (number, (backend, state, installations)) in organizations.iter().enumerate() {
            let (backend, state, places) = (backend.clone(), state.clone(), places.clone());
            let installation = installations[call % 2];
            let api = apis[(call + number) % NODES].clone();
            calls.spawn(async move {
                let _place = places.acquire().await.unwrap();
                // As any client, repeats a call whose connection was closed or that the store had no time for.
                let mut answer = None;
                for _ in 0..ATTEMPTS {
                    answer = backend.register(&api, installation, &state).await;
                    if answer.as_ref().is_some_and(|answer| answer.status != 503) {
                        break;
                    }
                }
                let answer = answer.unwrap();
                (number, installation, answer)
            });
        }
    }
    let mut answers: BTreeMap<usize, Vec<(u64, Answer)>> = BTreeMap::new();
    while let Some(call) = calls.join_next().await {
        let (number, installation, answer) = call.unwrap();
        answers.entry(number).or_default().push((installation, answer));
    }

    for (number, answers) in &answers {
        let bound: HashSet<u64> =
            answers.iter().filter(|(_, answer)| answer.status == 201).map(|(id, _)| *id).collect();
        assert_eq!(bound.len(), 1, "organization {number}: {answers:?}");
        let bodies: HashSet<&str> = answers
            .iter()
            .filter(|(_, answer)| answer.status == 201)
            .map(|(_, answer)| answer.body.as_str())
            .collect();
        assert_eq!(bodies.len(), 1, "one registeredAt: {bodies:?}");
        for (installation, answer) in answers {
            let expected = if bound.contains(installation) { 201 } else { 409 };
            assert_eq!(answer.status, expected, "organization {number}: {answer:?}");
        }
    }
    let statuses = |status| answers.values().flatten().filter(|(_, answer)| answer.status == status).count();
    println!(
        "{ORGANIZATIONS} organizations, {NODES} nodes: {} times 201, {} times 409",
        statuses(201),
        statuses(409)
    );
    let live = "select count(*) from $schema.bindings where released_at is null";
    assert_eq!(schema.number(live).await, i64::try_from(ORGANIZATIONS).unwrap());
    let held = "select count(*) from $schema.installations where organization is not null";
    assert_eq!(schema.number(held).await, i64::try_from(ORGANIZATIONS).unwrap());
}
