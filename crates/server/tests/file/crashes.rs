//! Servers that are killed amid their work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dockline_sqlite::SqliteOptions;

use crate::scene::Scene;

/// What was answered with 201, and the backend that it belongs to.
#[tokio::test(flavor = "multi_thread")]
async fn killed_serve_loses_nothing_that_was_acknowledged_and_starts_again() {
    let scene = Scene::start().await;
    let mut all = Vec::new();
    {
        let server = scene.serve(&[]);
        for number in 0..24 {
            let backend = scene.backend(&format!("org_{number}"));
            let installation = scene.install(&format!("account-{number}"));
            all.push((backend, installation));
        }
        assert_eq!(server.end(), Some(0));
    }
    let acknowledged: Arc<Mutex<BTreeMap<usize, (String, String)>>> = Arc::default();
    for round in 0..4 {
        let server = scene.serve(&[]);
        let mut writing = tokio::task::JoinSet::new();
        for (number, (backend, installation)) in all.iter().enumerate().skip(round * 6).take(6) {
            let (backend, installation, api) = (backend.clone(), *installation, server.api.clone());
            let acknowledged = Arc::clone(&acknowledged);
            writing.spawn(async move {
                let Some(state) = backend.try_state(&api).await else { return };
                let Some(answer) = backend.register(&api, installation, &state).await else { return };
                assert_eq!(answer.status, 201, "{}", answer.body);
                acknowledged.lock().unwrap().insert(number, (state, answer.body));
            });
        }
        // Amid the registrations: after the first one was answered.
        while acknowledged.lock().unwrap().len() <= round && !writing.is_empty() {
            tokio::task::yield_now().await;
        }
        server.kill();
        while writing.join_next().await.is_some_and(|ended| ended.is_ok()) {}
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(!acknowledged.is_empty());
    let facts = SqliteOptions::new(scene.database()).inspect().await.unwrap();
    assert_eq!((facts.version, facts.server), (Some(facts.known), None), "the file is whole");
    let server = scene.serve(&[]);
    for (number, (state, body)) in &acknowledged {
        let (backend, installation) = &all[*number];
        let again = backend.register(&server.api, *installation, state).await.unwrap();
        assert_eq!((again.status, &again.body), (201, body), "org_{number}");
    }
    // The others are bound or not, and can be bound.
    for (number, (backend, installation)) in all.iter().enumerate() {
        if backend.inspect(&server.api).await.unwrap().status == 404 {
            let state = backend.state(&server.api).await;
            let answer = backend.register(&server.api, *installation, &state).await.unwrap();
            assert_eq!(answer.status, 201, "org_{number}: {}", answer.body);
        }
    }
    assert_eq!(server.end(), Some(0));
}
