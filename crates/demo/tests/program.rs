//! The binary, on real sockets and with real signals.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use dockline_demo::http_client::loopback;
use serde_json::Value;

const FREE_PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--github-listen", ":0"];

/// A running demo; killed when dropped.
struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Program {
    fn start(options: &[&str]) -> Self {
        let mut command = command(&[&FREE_PORTS, options].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn json(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a signal and returns the exit code.
    fn signal(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockline-demo"));
    command.args(options).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs the program to its end. Returns exit code, stdout and stderr.
fn run(options: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(options).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn scenario_succeeds_with_every_policy() {
    for (policy, steps) in [("controlled", 28), ("visible", 28), ("state", 25)] {
        let (code, stdout, stderr) = run(&["--walk", "--claim-policy", policy]);
        assert_eq!(code, Some(0), "{policy}: {stdout}\n{stderr}");
        assert_eq!(
            stdout.lines().last(),
            Some(format!("walk: {steps} of {steps} steps as expected").as_str())
        );
        assert!(!stdout.contains('✗'), "{stdout}");
    }
}

#[test]
fn transcript_shows_no_secret() {
    let (_, stdout, _) = run(&["--walk"]);
    // Secrets are at least 20 characters long; the transcript keeps 6 of them.
    let mut found = 0;
    for name in ["state=", "code=", "ticket=", "\"state\":\""] {
        for shown in stdout.split(name).skip(1) {
            let value: String = shown.chars().take_while(|c| !"&\"\n".contains(*c)).collect();
            // Between GitHub's pages, the number of the flow's cookie, the installation id and the kind of the visit
            // follow the state.
            let value = value.replace("%7E", "~");
            let mut parts = value.split('~');
            let state = parts.next().unwrap_or_default();
            assert!(state.ends_with('…') && state.chars().count() == 7, "{name}{value}");
            let rest: Vec<&str> = parts.collect();
            match *rest {
                [] => {}
                [nonce, id, kind] => {
                    assert!(
                        nonce.len() == 17
                            && nonce
                                .bytes()
                                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
                        "{value}"
                    );
                    assert!(id == "-" || id.bytes().all(|byte| byte.is_ascii_digit()), "{value}");
                    assert!(matches!(kind, "i" | "u"), "{value}");
                }
                _ => panic!("{name}{value}"),
            }
            found += 1;
        }
    }
    for shown in stdout.split("Bearer lp_test_").skip(1) {
        let value: String = shown.chars().take_while(|c| *c != '\n' && *c != '"').collect();
        assert!(value.ends_with("_…") && value.chars().count() == 18, "{value}");
        found += 1;
    }
    assert!(found > 20, "{stdout}");
}

#[tokio::test]
async fn json_line_comes_first_and_its_addresses_respond() {
    let mut demo = Program::start(&["--json"]);
    let line = demo.json();
    for field in ["api", "github", "product", "apiKey", "organizationId", "returnUrl", "rivalApiKey"] {
        assert!(line[field].as_str().is_some_and(|value| !value.is_empty()), "{field}: {line}");
    }
    assert_eq!(line["organizationId"], "org_acme");
    assert_eq!(line["returnUrl"], format!("{}/connected", line["product"].as_str().unwrap()));
    let client = loopback().build().unwrap();
    for (url, expected) in [
        (format!("{}/v1/github/installation", line["api"].as_str().unwrap()), 401),
        (line["product"].as_str().unwrap().to_owned(), 200),
        (format!("{}/login", line["github"].as_str().unwrap()), 200),
    ] {
        assert_eq!(client.get(&url).send().await.unwrap().status(), expected, "{url}");
    }
}

#[test]
fn signals_stop_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let mut demo = Program::start(&["--json"]);
        demo.json();
        assert_eq!(demo.signal(signal), Some(0), "{signal}");
    }
}

#[test]
fn taken_port_is_an_error_that_names_the_option() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (option, options) in [
        ("--listen", ["--json", "--listen", &address, "--github-listen", ":0"]),
        ("--github-listen", ["--json", "--listen", ":0", "--github-listen", &address]),
    ] {
        let (code, stdout, stderr) = run(&options);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains(&address) && stderr.contains(option), "{stderr}");
        assert!(stderr.contains("choose another port"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn invalid_options_exit_with_2_and_help_with_0() {
    for options in [
        ["--nonsense"].as_slice(),
        &["--listen", "nowhere"],
        &["--listen", "192.0.2.1:80"],
        &["--json", "--walk"],
        &["--claim-policy", "none"],
    ] {
        assert_eq!(run(options).0, Some(2), "{options:?}");
    }
    for option in ["--help", "--version"] {
        let (code, stdout, _) = run(&[option]);
        assert_eq!(code, Some(0), "{option}");
        assert!(stdout.contains("dockline"), "{option}");
    }
}

#[test]
fn guide_has_real_addresses_and_keys() {
    let mut demo = Program::start(&[]);
    let mut guide = String::new();
    while !guide.ends_with("Press Ctrl-C to stop. Nothing is stored.\n") {
        assert_ne!(demo.stdout.read_line(&mut guide).unwrap(), 0, "{guide}");
    }
    assert!(guide.starts_with("Dockline's demo is running.\n"), "{guide}");
    for part in
        ["curl -G http://127.0.0.1:", "Authorization: Bearer lp_test_", "Rival Roasters", "--data-urlencode"]
    {
        assert!(guide.contains(part), "{part}: {guide}");
    }
}

#[tokio::test]
async fn first_step_of_the_first_hour_opens_a_page_with_the_named_button() {
    let page = include_str!("../../../docs/first-hour.md");
    let (command, address, button) =
        (concat!("cargo run -p ", env!("CARGO_PKG_NAME"), "\n"), "127.0.0.1:8080", "Connect GitHub");
    for part in [command, &format!("<http://{address}/product>"), &format!("press *{button}*")] {
        assert!(page.contains(part), "{part}");
    }
    let help = run(&["--help"]).1.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&format!("[default: {address};")), "{help}");
    let mut demo = Program::start(&["--json"]);
    let product = demo.json()["product"].as_str().unwrap().to_owned();
    assert!(product.ends_with("/product"), "{product}");
    let shown = loopback().build().unwrap().get(product).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains(button), "{shown}");
}
