//! No output contains a secret.

use std::process::Command;

use clap::builder::ValueParser;
use secrecy::SecretString;

use crate::program::{Folder, dockline, ran};

/// Returns the secret options of all subcommands.
fn secret_options() -> Vec<clap::Arg> {
    fn collect(command: &clap::Command, found: &mut Vec<clap::Arg>) {
        let secret = ValueParser::from(clap::value_parser!(SecretString)).type_id();
        found.extend(
            command.get_arguments().filter(|arg| arg.get_value_parser().type_id() == secret).cloned(),
        );
        command.get_subcommands().for_each(|inner| collect(inner, found));
    }
    let mut command = dockline_server::cli::command();
    command.build();
    let mut found = Vec::new();
    collect(&command, &mut found);
    found.sort_by_key(|arg| arg.get_long().map(str::to_owned));
    found.dedup_by_key(|arg| arg.get_long().map(str::to_owned));
    found
}

#[test]
fn every_secret_has_a_variable_and_a_file() {
    let command = dockline_server::cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let secrets = secret_options();
    assert_eq!(secrets.len(), 6);
    for secret in secrets {
        let (long, variable) = (secret.get_long().unwrap(), secret.get_env().unwrap().to_str().unwrap());
        assert_eq!(variable, format!("DOCKLINE_{}", long.to_uppercase().replace('-', "_")));
        let twin = format!("{long}-file");
        let twin = serve.get_arguments().find(|arg| arg.get_long() == Some(&twin)).unwrap();
        assert_eq!(twin.get_env().unwrap().to_str().unwrap(), format!("{variable}_FILE"));
    }
}

/// Invalid secrets of several forms.
fn canaries() -> [&'static str; 5] {
    [
        "canary0123456789",
        "postgres://u:canary@127.0.0.1:1/d",
        "postgres://127.0.0.1:1/d?password=canary",
        "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
        "canary\u{e9} canary",
    ]
}

fn nowhere(command: &mut Command) {
    let (_, stdout, stderr) = ran(command);
    assert!(!stdout.contains("canary") && !stderr.contains("canary"), "{stdout}\n{stderr}");
    assert!(!stdout.is_empty() || !stderr.is_empty());
}

#[test]
fn secrets_appear_in_no_output() {
    let folder = Folder::new();
    for secret in secret_options() {
        let (long, variable) = (secret.get_long().unwrap(), secret.get_env().unwrap().to_str().unwrap());
        for canary in canaries() {
            let toml = |key: &str| format!("{key} = {}\n", serde_json::to_string(canary).unwrap());
            let file = folder.file("c.toml", &toml(long));
            let held = folder.file("held", canary);
            for arguments in [
                &["config"][..],
                &["config", "--json"],
                &["serve", "--listen", ":0"],
                &["doctor", "--listen", ":0"],
            ] {
                nowhere(dockline(arguments).env(variable, canary));
                nowhere(dockline(arguments).arg(format!("--{long}={canary}")));
                nowhere(dockline(arguments).args(["--config", &file]));
                nowhere(dockline(arguments).arg(format!("--{long}-file={held}")));
            }
            // Errors elsewhere in the file, in the same line, and in the value.
            for text in [
                format!("{}nonsense = 1\n", toml(long)),
                format!("{}{}", toml(long), toml(long)),
                format!("{long} = canary\n"),
                format!("{long} = [{}\n", serde_json::to_string(canary).unwrap()),
                format!("{long} = {{ a = {} }}\n", serde_json::to_string(canary).unwrap()),
                format!("{long} = [[{}]]\n", serde_json::to_string(canary).unwrap()),
            ] {
                let file = folder.file("c.toml", &text);
                nowhere(dockline(&["serve", "--listen", ":0"]).args(["--config", &file]));
            }
        }
    }
}

#[test]
fn config_shows_redacted_secrets_and_where_they_come_from() {
    let secret = "canary-0123456789";
    let (code, stdout, _) =
        ran(dockline(&["config"]).env("DOCKLINE_WEBHOOK_SECRET", format!("{secret}\n{secret}")));
    assert_eq!(code, Some(0));
    let line = stdout.lines().find(|line| line.contains("webhook-secret ")).unwrap();
    assert!(line.contains("[redacted], [redacted]") && line.ends_with("DOCKLINE_WEBHOOK_SECRET"), "{line}");
    let url = "postgres://user:canary@db.example.com/dockline?sslmode=require";
    let (_, stdout, _) = ran(dockline(&["config"]).env("DOCKLINE_DATABASE_URL", url));
    assert!(
        stdout.contains("postgres://user:[redacted]@db.example.com/dockline?sslmode=require"),
        "{stdout}"
    );
}

/// Editors, shells and copied pages add what makes the secret another one.
#[test]
fn a_secret_in_quotes_or_with_an_invisible_character_is_refused_and_a_byte_order_mark_removed() {
    let folder = Folder::new();
    for secret in secret_options() {
        let (long, variable) = (secret.get_long().unwrap(), secret.get_env().unwrap().to_str().unwrap());
        let valid = match long {
            "database-url" => "postgres://u:p@127.0.0.1:1/d",
            "https-proxy" => "http://u:p@proxy.example.com:3128",
            "github-private-key" => include_str!("../../../github/tests/keys/rsa-2048-pkcs1.pem"),
            "forward-secret" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            _ => "0123456789abcdef0123456789abcdef",
        };
        let errors = |variable: &str, value: &str| {
            let (_, _, stderr) = ran(dockline(&["serve", "--listen", ":0"]).env(variable, value));
            stderr
        };
        for (text, cause) in [
            (format!("\"{}\"", valid.trim()), "is in quotes"),
            (format!("{}\u{200B}", valid.trim()), "contains an invisible character"),
        ] {
            let file = folder.file("secret", &text);
            // The lines of a variable with several secrets are separate secrets.
            if long != "webhook-secret" || !text.contains('\n') {
                assert!(errors(variable, &text).contains(&format!("--{long}: {cause}")), "{long}");
            }
            let stderr = errors(&format!("{variable}_FILE"), &file);
            assert!(stderr.contains(&format!("--{long}-file: {file} {cause}")), "{stderr}");
        }
        let marked = folder.file("secret", &format!("\u{FEFF}{valid}\r\n"));
        let stderr = errors(&format!("{variable}_FILE"), &marked);
        assert!(!stderr.contains(&marked) && !stderr.contains(&format!("--{long}-file: ")), "{stderr}");
    }
}
