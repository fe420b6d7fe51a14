//! Products and nodes that fail.

use std::collections::BTreeSet;
use std::time::Duration;

use super::product::Answer;
use super::scene::{Scene, assert_in_order};

#[tokio::test(flavor = "multi_thread")]
async fn failing_and_hanging_organizations_do_not_delay_others_i37() {
    let scene = Scene::start().await;
    let server = scene.node(&[]);
    let names = ["org_failing", "org_hanging", "org_refusing", "org_good"];
    let mut installations = Vec::new();
    for (name, answer) in
        names.iter().zip([Answer::Status(500), Answer::Never, Answer::Status(410), Answer::Status(200)])
    {
        scene.product.answer(name, answer);
        installations.push(scene.bind(&server, name).await);
    }
    scene.product.until_attempted("org_hanging").await;
    for number in 0..50 {
        for (name, installation) in names.iter().zip(&installations) {
            let guid = format!("{name}-{number}").replace('_', "-");
            assert_eq!(scene.push(&server, *installation, &guid).await, Some(202));
        }
    }
    let pushed = tokio::time::Instant::now();
    scene.product.until_accepted("org_good", 51).await;
    // The hanging organization's attempt takes 15 seconds.
    assert!(pushed.elapsed() < Duration::from_secs(10), "{:?}", pushed.elapsed());
    assert_in_order(&scene.product.accepted("org_good"));
    let of = |name: &str| {
        let messages = scene.product.messages();
        let own = messages.iter().filter(|message| message.text("organization") == name);
        own.map(|message| message.sequence()).collect::<BTreeSet<_>>()
    };
    assert_eq!(of("org_failing"), BTreeSet::from([1]), "later messages wait for the first");
    // Once the product works again, everything arrives in order.
    for name in ["org_failing", "org_hanging"] {
        scene.product.answer(name, Answer::Status(200));
        scene.product.until_accepted(name, 51).await;
        assert_in_order(&scene.product.accepted(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_nodes_lose_nothing_and_duplicates_have_the_same_id_i37() {
    let scene = Scene::start().await;
    let mut server = scene.node(&[]);
    let names = ["org_a", "org_b", "org_c"];
    let mut installations = Vec::new();
    for name in names {
        installations.push(scene.bind(&server, name).await);
    }
    let mut acknowledged = vec![0; names.len()];
    for round in 0..3 {
        scene.product.answer("org_b", if round == 1 { Answer::Status(503) } else { Answer::Status(200) });
        for number in 0..30 {
            for (at, installation) in installations.iter().enumerate() {
                let guid = format!("{}-{round}-{number}", names[at].replace('_', "-"));
                assert_eq!(scene.push(&server, *installation, &guid).await, Some(202));
                acknowledged[at] += 1;
            }
        }
        // SIGKILL in the middle of sending.
        server.kill();
        scene.expire_leases().await;
        server = scene.node(&[]);
    }
    scene.product.answer("org_b", Answer::Status(200));
    for (name, pushed) in names.iter().zip(acknowledged) {
        scene.product.until_accepted(name, pushed + 1).await;
        let accepted = scene.product.accepted(name);
        assert_in_order(&accepted);
        let sequences: Vec<_> = accepted.iter().map(|message| message.sequence()).collect();
        assert_eq!(sequences, (1..=pushed as u64 + 1).collect::<Vec<_>>(), "{name}");
        // A message that was sent again is the same one.
        for message in scene.product.messages().iter().filter(|message| message.text("organization") == *name)
        {
            let first = accepted.iter().find(|first| first.sequence() == message.sequence()).unwrap();
            assert_eq!(first.text("id"), message.text("id"));
            assert_eq!(first.body, message.body);
        }
    }
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_releases_queues_and_another_node_continues_at_once() {
    let scene = Scene::start().await;
    let first = scene.node(&["--shutdown-grace", "3s"]);
    let acme = scene.bind(&first, "org_acme").await;
    scene.product.until_accepted("org_acme", 1).await;
    scene.product.answer("org_acme", Answer::Never);
    assert_eq!(scene.push(&first, acme, "cut-off").await, Some(202));
    let attempts = scene.product.messages().len();
    while scene.product.messages().len() == attempts {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(first.end(), Some(0));
    assert_eq!(scene.schema.number("select count(lease_until) from $schema.outbox_queues").await, 0);
    scene.product.answer("org_acme", Answer::Status(200));
    let _second = scene.node(&[]);
    scene.product.until_accepted("org_acme", 2).await;
}
