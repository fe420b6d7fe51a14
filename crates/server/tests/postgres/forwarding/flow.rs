//! Messages on their way from GitHub to the product.

use serde_json::json;

use super::scene::{Scene, assert_in_order, types};

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_and_events_reach_the_product_signed_with_their_organization_i38() {
    let scene = Scene::start().await;
    let server = scene.node(&[]);
    let acme = scene.bind(&server, "org_acme").await;
    let other = scene.bind(&server, "org_other").await;
    for number in 0..20 {
        for (installation, name) in [(acme, "acme"), (other, "other")] {
            assert_eq!(scene.push(&server, installation, &format!("{name}-{number}")).await, Some(202));
        }
    }
    for (organization, installation) in [("org_acme", acme), ("org_other", other)] {
        // One event, and the pushes.
        scene.product.until_accepted(organization, 21).await;
        let messages = scene.product.accepted(organization);
        assert_in_order(&messages);
        assert_eq!(messages[0].text("type"), "installation.registered");
        assert!(messages[0].text("id").starts_with("ev_"), "{:?}", messages[0].envelope);
        assert_eq!(types(&messages)["push"], 20);
        let sequences: Vec<_> = messages.iter().map(|message| message.sequence()).collect();
        assert_eq!(sequences, (1..=21).collect::<Vec<_>>());
        let name = organization.strip_prefix("org_").unwrap();
        for (number, message) in messages[1..].iter().enumerate() {
            let app = scene.github.app.app_id;
            let guid = format!("{name}-{number}");
            assert_eq!(message.text("id"), format!("gh_{app}_{guid}"));
            assert_eq!(message.envelope["app"], app);
            assert_eq!(message.envelope["installation"], installation);
            assert_eq!(message.envelope["payload"]["after"], guid);
            assert!(message.text("receivedAt").ends_with("+00:00"));
            assert_eq!(message.headers["webhook-id"], message.text("id"));
            assert_eq!(message.headers["dockline-organization"], organization);
            assert_eq!(message.headers["dockline-event"], "push");
            assert!(!message.headers.keys().any(|name| name.as_str().starts_with("x-")));
            // The payload's bytes are GitHub's.
            let text = std::str::from_utf8(&message.body).unwrap();
            assert!(text.contains(r#""size":1.5"#), "{text}");
        }
    }
    assert_eq!(server.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_of_an_unbound_installation_is_not_forwarded_and_a_repeated_one_is_sent_once_c_80_c_81() {
    let scene = Scene::start().await;
    let server = scene.node(&[]);
    let stranger = scene.github.install("stranger");
    assert_eq!(scene.push(&server, stranger, "before").await, Some(202));
    let acme = scene.bind(&server, "org_acme").await;
    for _ in 0..3 {
        assert_eq!(scene.push(&server, acme, "repeated").await, Some(202));
    }
    scene.product.until_accepted("org_acme", 2).await;
    assert_eq!(scene.push(&server, acme, "repeated").await, Some(202));
    assert_eq!(scene.push(&server, acme, "last").await, Some(202));
    scene.product.until_accepted("org_acme", 3).await;
    let messages = scene.product.messages();
    let ids: Vec<_> = messages.iter().map(|message| message.text("id").to_owned()).collect();
    let app = scene.github.app.app_id;
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(ids[1..], [format!("gh_{app}_repeated"), format!("gh_{app}_last")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn push_at_github_reaches_the_product() {
    let scene = Scene::start().await;
    let server = scene.node(&[]);
    let acme = scene.bind(&server, "org_acme").await;
    let sim = scene.github.sim.sim();
    sim.set_webhook_url(scene.github.app.app_id, Some(&format!("{}/v1/github/webhooks", server.api)))
        .unwrap();
    let payload = json!({ "ref": "refs/heads/main", "repository": { "full_name": "org-acme/beans" } });
    sim.send_event(acme, "push", payload.as_object().unwrap().clone()).unwrap();
    sim.settled().await;
    // The event of the binding, and the push. The ping of the App itself has no organization.
    scene.product.until_accepted("org_acme", 2).await;
    let push = scene.product.accepted("org_acme").pop().unwrap();
    assert_eq!((push.text("type"), &push.envelope["payload"]["ref"]), ("push", &"refs/heads/main".into()));
    scene.product.until_accepted("", 1).await;
    let ping = scene.product.accepted("").pop().unwrap();
    assert_eq!((ping.text("type"), &ping.envelope["installation"]), ("ping", &serde_json::Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_payload_arrives_whole() {
    let scene = Scene::start().await;
    let server = scene.node(&[]);
    let acme = scene.bind(&server, "org_acme").await;
    let payload = json!({ "installation": { "id": acme }, "data": "x".repeat(20 << 20) }).to_string();
    // A busy machine may take longer than the five seconds in which a delivery must be stored. Then GitHub shows a failure, and
    // the delivery is sent again.
    let mut attempts = 0;
    while scene.deliver(&server, "push", "large", payload.clone()).await != Some(202) {
        attempts += 1;
        assert!(attempts < 10, "no delivery was taken");
    }
    scene.product.until_accepted("org_acme", 2).await;
    let message = scene.product.accepted("org_acme").pop().unwrap();
    assert!(message.body.ends_with(format!("\"payload\":{payload}}}").as_bytes()));
}
