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
