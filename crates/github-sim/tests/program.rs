//! The binary, on real sockets and with real signals.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A running simulator; killed when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dockline-github-sim"));
    command.args(options).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

#[tokio::test]
async fn it_serves_until_a_signal_and_prints_addresses_and_credentials_first() {
    let callback = "http://127.0.0.1:1/back";
    let options = ["--listen", ":0", "--json", "--slug", "my-app", "--callback-url", callback];
    for signal in ["TERM", "INT"] {
        let mut child = command(&options).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut sim = Program(child);
        let line: Value = serde_json::from_str(&line).unwrap();
        for field in ["api", "web", "control", "clientId", "clientSecret", "privateKeyPem", "webhookSecret"] {
            assert!(line[field].as_str().is_some_and(|value| !value.is_empty()), "{field}: {line}");
        }
        assert!(line["appId"].is_u64());
        assert_eq!((&line["slug"], &line["callbackUrl"]), (&"my-app".into(), &callback.into()));

        drop(rustls::crypto::ring::default_provider().install_default());
        let web = line["web"].as_str().unwrap();
        let control = line["control"].as_str().unwrap();
        for url in [format!("{web}/apps/my-app/installations/new"), format!("{control}/state")] {
            assert_eq!(reqwest::get(&url).await.unwrap().status(), 200, "{url}");
        }
        let id = sim.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(sim.0.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn taken_port_is_an_error_that_names_the_option() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&["--json", "--listen", &address]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()), "{stderr}");
    for part in [&address, "--listen", "choose another port"] {
        assert!(stderr.contains(part), "{stderr}");
    }
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn invalid_options_exit_with_2_and_help_with_0() {
    for (option, code) in [("--nonsense", 2), ("--listen", 2), ("--help", 0), ("--version", 0)] {
        assert_eq!(command(&[option]).output().unwrap().status.code(), Some(code), "{option}");
    }
}
