//! `dockline deliveries` and `dockline doctor`, beside a running server.

use std::process::Output;

use serde_json::Value;

use super::product::Answer;
use super::scene::Scene;
use crate::schema::TestSchema;
use crate::server::{Server, dockline, run};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(schema: &TestSchema, arguments: &[&str]) -> Value {
    let output = run(schema, arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_shown_and_sent_again() {
    let scene = Scene::start().await;
    let schema = &scene.schema;
    let server = scene.node(&[]);
    let acme = scene.bind(&server, "org_acme").await;
    let bad = scene.bind(&server, "org_bad").await;
    scene.product.until_accepted("org_acme", 1).await;
    scene.product.until_accepted("org_bad", 1).await;
    scene.product.answer("org_bad", Answer::Status(410));
    assert_eq!(scene.push(&server, acme, "one").await, Some(202));
    assert_eq!(scene.push(&server, bad, "two").await, Some(202));
    scene.product.until_accepted("org_acme", 2).await;
    // Refused five times.
    let aside = "select count(*) from $schema.outbox_entries where status = 'set_aside'";
    while schema.number(aside).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let all = json(schema, &["deliveries", "list", "--json"]);
    assert_eq!(all["deliveries"].as_array().unwrap().len(), 4);
    assert_eq!(all["next"], Value::Null);
    let id = format!("gh_{}_two", scene.github.app.app_id);
    let listed = json(schema, &["deliveries", "list", "--json", "--status", "set_aside"]);
    let entry = &listed["deliveries"][0];
    assert_eq!((&entry["id"], &entry["organization"]), (&Value::from(&*id), &Value::from("org_bad")));
    assert_eq!((&entry["type"], &entry["status"]), (&"push".into(), &"set_aside".into()));
    assert_eq!(entry["failures"]["lastCause"], "answered 410");
    assert_eq!((&entry["failures"]["attempts"], &entry["failures"]["refusals"]), (&5.into(), &5.into()));
    let table = run(schema, &["deliveries", "list", "--organization", "org_bad"]);
    let table = stdout(&table);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.starts_with("ID ") && table.contains("answered 410"), "{table}");
    // Page by page.
    let first = json(schema, &["deliveries", "list", "--json", "--limit", "3"]);
    let next = first["next"].as_str().unwrap();
    let last = json(schema, &["deliveries", "list", "--json", "--after", next]);
    assert_eq!(last["deliveries"].as_array().unwrap().len(), 1);
    assert_ne!(first["deliveries"][2]["id"], last["deliveries"][0]["id"]);

    let shown = json(schema, &["deliveries", "show", &id, "--json"]);
    assert_eq!(shown["payload"]["after"], "two");
    assert_eq!(shown["sequence"], 2);
    let text = stdout(&run(schema, &["deliveries", "show", &id]));
    assert!(
        text.contains("set_aside") && text.contains("answered 410") && !text.contains("refs/heads"),
        "{text}"
    );

    scene.product.answer("org_bad", Answer::Status(200));
    let retried = json(schema, &["deliveries", "retry", "--json", &id]);
    assert_eq!((&retried["id"], &retried["outcome"]), (&Value::from(&*id), &"queued".into()));
    scene.product.until_accepted("org_bad", 2).await;
    // All with a status, and one that was accepted.
    let none = run(schema, &["deliveries", "retry", "--status", "dead"]);
    assert_eq!((none.status.code(), stdout(&none)), (Some(0), String::new()));
    let attempts = scene.product.messages().len();
    assert!(run(schema, &["deliveries", "retry", &id]).status.success());
    while scene.product.messages().len() == attempts {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(scene.product.messages().pop().unwrap().text("id"), id);

    for (arguments, code, text) in [
        (&["deliveries", "show", "gh_7_none"][..], 1, "there is no message gh_7_none"),
        (&["deliveries", "retry", "gh_7_none"], 1, ""),
        (&["deliveries", "retry"], 2, "required"),
        (&["deliveries", "retry", "--status", "done"], 1, "--status done needs --organization"),
        (&["deliveries", "show", "nonsense"], 2, "not the id of a message"),
        (&["deliveries", "list", "--status", "lost"], 2, "lost"),
        (&["deliveries", "list", "--app", "9"], 2, "no App with number 9"),
    ] {
        let output = run(schema, arguments);
        let stderr = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
        assert!(stderr.contains(text), "{arguments:?} {stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn close_deletes_the_messages_and_no_more_events_are_stored() {
    let scene = Scene::start().await;
    let schema = &scene.schema;
    let server = scene.node(&[]);
    let acme = scene.bind(&server, "org_acme").await;
    scene.product.until_accepted("org_acme", 1).await;
    scene.product.answer("org_acme", Answer::Status(500));
    assert_eq!(scene.push(&server, acme, "one").await, Some(202));
    assert_eq!(server.end(), Some(0));

    // A queue that a consumer holds is noticed.
    schema.execute("update $schema.outbox_queues set lease_until = now() + interval '1 minute'").await;
    let leased = run(schema, &["deliveries", "close", "--yes"]);
    let stderr = String::from_utf8(leased.stderr).unwrap();
    assert!(leased.status.code() == Some(1) && stderr.contains("a consumer is sending"), "{stderr}");
    schema.execute("update $schema.outbox_queues set lease_until = null").await;
    let asked = run(schema, &["deliveries", "close"]);
    assert_eq!(asked.status.code(), Some(2), "{asked:?}");
    let closed = json(schema, &["deliveries", "close", "--yes", "--json"]);
    assert_eq!(closed["wasOpen"], true);
    let deleted = &closed["deleted"];
    assert_eq!(
        (&deleted["waiting"], &deleted["setAside"], &deleted["dead"]),
        (&1.into(), &0.into(), &0.into())
    );
    let rows = "select (select count(*) from $schema.outbox_queues) + (select count(*) from $schema.outbox_entries) \
        + (select count(*) from $schema.outbox_bodies)";
    assert_eq!(schema.number(rows).await, 0);
    let again = run(schema, &["deliveries", "close", "--yes"]);
    assert!(stdout(&again).starts_with("the outbox was closed before"), "{again:?}");

    // The binding stays, and its release stores nothing.
    let history = json(schema, &["bindings", "history", "org_acme", "--json"]);
    assert_eq!(history[0]["releasedAt"], Value::Null);
    assert!(run(schema, &["bindings", "detach", "org_acme", "--yes"]).status.success());
    assert_eq!(schema.number(rows).await, 0);
    // Forwarding opens it again, and positions start at 1. The event names who released a binding.
    scene.product.answer("org_acme", Answer::Status(200));
    let server = scene.node(&[]);
    scene.bind(&server, "org_other").await;
    scene.product.until_accepted("org_other", 1).await;
    let detached = run(schema, &["bindings", "detach", "org_other", "--yes", "--actor", "ops:eve"]);
    assert!(detached.status.success(), "{detached:?}");
    scene.product.until_accepted("org_other", 2).await;
    let messages = scene.product.accepted("org_other");
    assert_eq!(messages[0].sequence(), 1);
    assert!(messages[0].envelope["payload"]["actor"].as_str().unwrap().starts_with("key:"));
    assert_eq!(
        (messages[1].text("type"), &messages[1].envelope["payload"]["actor"]),
        ("installation.detached", &"ops:eve".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nothing_consumes_are_reported_by_serve_and_doctor() {
    let scene = Scene::start().await;
    let schema = &scene.schema;
    let doctor = || {
        let app = scene.github.app.app_id.to_string();
        let command = Server::command(schema, &scene.github, "127.0.0.1:0", &["--github-app-id", &app]);
        let arguments: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
        let output = dockline(schema, &["doctor"]).args(arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        let check = checks.into_iter().find(|check| check["check"] == "messages for the product").unwrap();
        (check["verdict"].as_str().unwrap().to_owned(), check["said"].as_str().unwrap().to_owned())
    };
    assert_eq!(doctor(), ("ok".to_owned(), "none waits".to_owned()));
    let server = scene.node(&[]);
    scene.product.answer("org_acme", Answer::Status(500));
    scene.bind(&server, "org_acme").await;
    assert_eq!(server.end(), Some(0));
    let (verdict, said) = doctor();
    assert!(verdict == "ok" && said.contains("another program has to consume them"), "{verdict} {said}");
    schema.execute("update $schema.outbox_entries set received_at = received_at - interval '25 hours'").await;
    let (verdict, said) = doctor();
    assert!(verdict == "warn" && said.contains("for more than a day"), "{verdict} {said}");

    // serve without --forward-to measures the backlog, so that the alert on its age sounds.
    let log = scene.github.files.path("serve.log");
    let file = std::fs::File::create(&log).unwrap();
    let server = Server::spawn_logging(schema, &scene.github, &[], file).listening();
    let url = server.metrics.clone().unwrap();
    let http = crate::http_client::loopback();
    let age = async || {
        let text = http.get(&url).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("dockline_outbox_oldest_seconds "));
        line.map(|age| age.parse::<f64>().unwrap())
    };
    let age = loop {
        if let Some(age) = age().await {
            break age;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(age > 86_400.0, "{age}");
    assert_eq!(server.end(), Some(0));
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("--forward-to is not set") && log.contains("dockline deliveries close"), "{log}");
    assert!(log.contains("waited for more than a day"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_and_config_check_the_product() {
    let scene = Scene::start().await;
    let schema = &scene.schema;
    scene.github.files.write("old-secret", "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=");
    let (secret, old) = (scene.github.files.path("forward-secret"), scene.github.files.path("old-secret"));
    let doctor = |url: &str| {
        let further =
            ["--forward-to", url, "--forward-secret-file", &*secret, "--forward-secret-file", &*old];
        let mut command = Server::command(schema, &scene.github, "127.0.0.1:0", &further);
        let arguments: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
        command = dockline(schema, &["doctor"]);
        let output = command.args(arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        move |name: &str| {
            let found = checks.iter().find(|check| check["check"] == name);
            found.map(|check| (check["verdict"].clone(), check["said"].as_str().unwrap().to_owned())).unwrap()
        }
    };
    let url = format!("{}?token=canary", scene.product.url);
    let check = doctor(&url);
    assert_eq!(check("forwarding"), ("ok".into(), format!("{} can be reached", scene.product.url)));
    assert!(check("forward secret").1.contains("2 are set"));
    assert!(scene.product.messages().is_empty());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/hook", listener.local_addr().unwrap());
    drop(listener);
    let (verdict, said) = doctor(&dead)("forwarding");
    assert_eq!(verdict, "fail");
    assert!(said.contains("refused"), "{said}");
}
