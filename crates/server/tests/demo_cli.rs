//! The built program, on real sockets and with real signals.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod program;

use std::net::TcpListener;

use program::{Program, dockline};
use serde_json::Value;

const FREE: [&str; 5] = ["demo", "--listen", "127.0.0.1:0", "--github-listen", ":0"];

fn json_demo() -> (Program, Value) {
    Program::with_json(&[&FREE[..], &["--json"]].concat())
}

#[test]
fn the_walk_is_right_under_every_policy() {
    for (policy, steps) in [("controlled", 28), ("visible", 28), ("state", 25)] {
        let walked = dockline(&["demo", "--walk", "--claim-policy", policy]);
        let (stdout, stderr) = (walked.stdout(), walked.stderr());
        assert_eq!(walked.code(), Some(0), "{policy}: {stdout}\n{stderr}");
        assert_eq!(
            stdout.lines().last(),
            Some(format!("walk: {steps} of {steps} steps as expected").as_str())
        );
        assert!(!stdout.contains('✗'), "{stdout}");
    }
}

#[test]
fn the_walk_shows_no_secret() {
    let stdout = dockline(&["demo", "--walk"]).stdout();
    // What is secret in an answer or a form is at least 20 characters long.
    for name in ["state=", "code=", "ticket=", "\"state\":\""] {
        for shown in stdout.split(name).skip(1) {
            let value: String = shown.chars().take_while(|c| !"&\"\n".contains(*c)).collect();
            // On the way through GitHub's web flow the state carries the installation's number.
            let value = value.replace("%7E", "~");
            let (value, number) = value.split_once('~').unwrap_or((&value, ""));
            assert!(value.ends_with('…') && value.chars().count() == 7, "{name}{value}");
            assert!(number.bytes().all(|byte| byte.is_ascii_digit()), "{name}{number}");
        }
    }
    for shown in stdout.split("Bearer lp_test_").skip(1) {
        let value: String = shown.chars().take_while(|c| *c != '\n' && *c != '"').collect();
        assert!(value.ends_with("_…") && value.chars().count() == 18, "{value}");
    }
}

#[test]
fn the_first_line_is_json_and_the_addresses_answer() {
    let (_demo, line) = json_demo();
    for field in ["api", "github", "product", "apiKey", "organizationId", "returnUrl", "rivalApiKey"] {
        assert!(line[field].as_str().is_some_and(|value| !value.is_empty()), "{field}: {line}");
    }
    assert_eq!(line["organizationId"], "org_acme");
    assert_eq!(line["returnUrl"], format!("{}/connected", line["product"].as_str().unwrap()));
    for (url, expected) in [
        (format!("{}/v1/github/installation", line["api"].as_str().unwrap()), 401),
        (line["product"].as_str().unwrap().to_owned(), 200),
        (format!("{}/login", line["github"].as_str().unwrap()), 200),
    ] {
        assert_eq!(program::get(&url), expected, "{url}");
    }
}

#[test]
fn signals_end_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let (demo, _) = json_demo();
        assert_eq!(demo.end(signal), Some(0), "{signal}");
    }
}

#[test]
fn a_taken_port_is_an_error_that_names_the_flag_and_no_other_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for arguments in [
        ["demo", "--json", "--listen", &address, "--github-listen", ":0"].as_slice(),
        &["demo", "--json", "--listen", ":0", "--github-listen", &address],
        &["github-sim", "--json", "--listen", &address],
    ] {
        let failed = dockline(arguments);
        let stderr = failed.stderr();
        assert_eq!((failed.code(), failed.stdout().as_str()), (Some(1), ""), "{stderr}");
        let flag = arguments[arguments.iter().position(|argument| *argument == address).unwrap() - 1];
        assert!(stderr.contains(&address) && stderr.contains(flag), "{stderr}");
        assert!(stderr.contains("choose another port"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    for arguments in [
        ["demo", "--nonsense"].as_slice(),
        &["demo", "--listen", "nowhere"],
        &["demo", "--listen", "192.0.2.1:80"],
        &["demo", "--json", "--walk"],
        &["demo", "--claim-policy", "none"],
        &["serve", "--nonsense"],
        &[],
    ] {
        assert_eq!(dockline(arguments).code(), Some(2), "{arguments:?}");
    }
    for arguments in [
        ["--help"].as_slice(),
        &["demo", "--help"],
        &["github-sim", "--help"],
        &["serve", "--help"],
        &["--version"],
    ] {
        let helped = dockline(arguments);
        assert_eq!(helped.code(), Some(0), "{arguments:?}");
        assert!(helped.stdout().contains("dockline"), "{arguments:?}");
    }
}

#[test]
fn the_guide_has_real_addresses_and_keys() {
    let (demo, first) = Program::started(&FREE);
    assert_eq!(first, "Dockline's demo is running.");
    let guide = demo.until_line("Ctrl-C ends everything, and nothing is kept.");
    for part in
        ["curl -G http://127.0.0.1:", "Authorization: Bearer lp_test_", "Rival Roasters", "--data-urlencode"]
    {
        assert!(guide.contains(part), "{part}: {guide}");
    }
}

#[test]
fn the_simulator_runs_alone() {
    let callback = "http://127.0.0.1:1/back";
    let (sim, line) = Program::with_json(&[
        "github-sim",
        "--listen",
        ":0",
        "--json",
        "--slug",
        "my-app",
        "--callback-url",
        callback,
    ]);
    for field in ["api", "web", "control", "clientId", "clientSecret", "privateKeyPem", "webhookSecret"] {
        assert!(line[field].as_str().is_some_and(|value| !value.is_empty()), "{field}: {line}");
    }
    assert!(line["appId"].is_u64());
    assert_eq!((&line["slug"], &line["callbackUrl"]), (&"my-app".into(), &callback.into()));
    let web = line["web"].as_str().unwrap();
    assert_eq!(program::get(&format!("{web}/apps/my-app/installations/new")), 200);
    assert_eq!(program::get(&format!("{}/state", line["control"].as_str().unwrap())), 200);
    assert_eq!(sim.end("TERM"), Some(0));
}
