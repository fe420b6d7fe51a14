//! Flag, environment, file, default: in this order, and each tells where it comes from.

use std::process::Command;

use crate::program::{Folder, dockline, in_force, ran};

/// The value and its source.
fn of(command: &mut Command, option: &str) -> (String, String, String) {
    let told = in_force(command)[option].clone();
    let text = |member: &str| told[member].as_str().unwrap_or("-").to_owned();
    (text("value"), text("source"), text("from"))
}

fn three(value: &str, source: &str, from: &str) -> (String, String, String) {
    (value.into(), source.into(), from.into())
}

#[test]
fn each_place_wins_over_the_next() {
    let folder = Folder::new();
    let file =
        folder.file("dockline.toml", "# ours\n\nclaim_policy = \"visible\"\n[database]\nconnections = 3\n");
    let command = || dockline(&["config"]);
    let with_file = || {
        let mut command = command();
        command.env("DOCKLINE_CONFIG", &file);
        command
    };
    let option = "claim-policy";
    assert_eq!(of(&mut command(), option), three("controlled", "default", "-"));
    let here = format!("{file}:3: claim-policy");
    assert_eq!(of(&mut with_file(), option), three("visible", "file", &here));
    assert_eq!(of(command().args(["--config", &file]), option), three("visible", "file", &here));
    let variable = "DOCKLINE_CLAIM_POLICY";
    assert_eq!(of(with_file().env(variable, "state"), option), three("state", "environment", variable));
    let flag = &mut with_file();
    flag.env(variable, "state").args(["--claim-policy", "controlled"]);
    assert_eq!(of(flag, option), three("controlled", "flag", "--claim-policy"));
    assert_eq!(
        of(&mut with_file(), "database-connections"),
        three("3", "file", &format!("{file}:5: database-connections"))
    );
    assert_eq!(of(&mut with_file(), "database-url"), three("-", "unset", "-"));
    // The option that names the file, too: the flag wins.
    let other = folder.file("other.toml", "claim-policy = 'state'");
    assert_eq!(of(with_file().args(["--config", &other]), option).0, "state");
}

#[test]
fn a_list_is_a_list_and_is_replaced_as_a_whole() {
    let folder = Folder::new();
    let file = folder.file("c.toml", "webhook-secret-file = ['a', 'b']\n");
    let value = |command: &mut Command| in_force(command)["webhook-secret-file"]["value"].clone();
    assert_eq!(value(&mut dockline(&["config", "--config", &file])), serde_json::json!(["a", "b"]));
    let flag = ["config", "--config", &file, "--webhook-secret-file", "c"];
    assert_eq!(value(&mut dockline(&flag)), serde_json::json!(["c"]));
    let mut environment = dockline(&["config", "--config", &file]);
    assert_eq!(value(environment.env("DOCKLINE_WEBHOOK_SECRET_FILE", "d,e")), serde_json::json!(["d", "e"]));
}

#[test]
fn one_file_serves_all_commands() {
    let folder = Folder::new();
    let file = folder.file(
        "c.toml",
        "public-url = 'https://a.test'\ndatabase-url = 'postgres://u:canary@127.0.0.1:1/x'\n",
    );
    // Not one of migrate's own, and its database is the file's.
    for arguments in [&["migrate"][..], &["keys", "list"], &["keys", "revoke", "00000000000000"]] {
        let (code, _, stderr) = ran(dockline(arguments).args(["--config", &file]));
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("refused") || stderr.contains("connect"), "{stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
    // One that has nothing to configure does not look at it.
    let (code, stdout, _) = ran(dockline(&["man"]).env("DOCKLINE_CONFIG", folder.path("nowhere")));
    assert_eq!((code, stdout.is_empty()), (Some(0), false));
}

#[test]
fn a_positional_argument_that_begins_with_a_dash_stays_one() {
    let folder = Folder::new();
    let file = folder.file("c.toml", "database-url = 'postgres://h/d'\n");
    let (code, _, stderr) = ran(&mut dockline(&["keys", "revoke", "--config", &file, "--", "--json"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("a key id has"), "{stderr}");
}

#[test]
fn help_and_version_need_no_readable_file() {
    for arguments in [&["serve", "--help"][..], &["--version"], &["help", "serve"]] {
        let (code, stdout, stderr) = ran(dockline(arguments).env("DOCKLINE_CONFIG", "/nowhere/at/all"));
        assert_eq!(code, Some(0), "{stderr}");
        assert!(!stdout.is_empty());
    }
}

#[test]
fn what_stands_in_the_environment_is_not_in_the_help() {
    let mut help = dockline(&["serve", "--help"]);
    let (_, stdout, _) =
        ran(help.env("DOCKLINE_PUBLIC_URL", "https://canary.test").env("DOCKLINE_CONFIG", "canary"));
    assert!(!stdout.contains("canary"), "{stdout}");
}

/// What makes a new option need no further work: one name in three spellings, and `config` shows it.
#[test]
fn every_option_has_one_name_in_three_spellings_and_is_shown() {
    fn check(command: &clap::Command) {
        for arg in command.get_arguments() {
            let Some(variable) = arg.get_env().and_then(|name| name.to_str()) else { continue };
            let long = arg.get_long().unwrap();
            assert_eq!(variable, format!("DOCKLINE_{}", long.to_uppercase().replace('-', "_")));
            assert!(arg.get_help().is_some() && arg.get_help_heading() != Some(""), "{long}");
        }
        command.get_subcommands().for_each(check);
    }
    let mut command = dockline_server::cli::command();
    command.build();
    check(&command);
    let serve = command.find_subcommand("serve").unwrap();
    let shown = in_force(&mut dockline(&["config"]));
    for arg in serve.get_arguments().filter(|arg| arg.get_env().is_some()) {
        let told = &shown[arg.get_long().unwrap()];
        let source = if arg.get_default_values().is_empty() { "unset" } else { "default" };
        assert_eq!(told["source"], source, "{arg}");
    }
}

/// Each option that `serve` has reaches it by the file as by a flag, whatever its type is.
#[test]
fn every_option_can_be_given_by_the_file() {
    let folder = Folder::new();
    let command = dockline_server::cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let mut seen = 0;
    let takes = |arg: &&clap::Arg| match arg.get_id().as_str() {
        "config" => false,
        "otel_endpoint" => cfg!(feature = "otel"),
        _ => arg.get_env().is_some(),
    };
    for arg in serve.get_arguments().filter(takes) {
        let long = arg.get_long().unwrap();
        let possible = arg.get_possible_values();
        let default = arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let value = match (possible.last(), default) {
            _ if !arg.get_action().takes_values() => "true".to_owned(),
            (Some(value), _) => format!("'{}'", value.get_name()),
            (None, Some(default)) => format!("'{default}'"),
            (None, None) => match long {
                "metrics-listen" => "'127.0.0.1:9464'".to_owned(),
                "trusted-proxies" => "'10.0.0.0/8'".to_owned(),
                _ => "'something'".to_owned(),
            },
        };
        let file = folder.file("c.toml", &format!("{} = {value}\n", long.replace('-', "_")));
        let told = in_force(&mut dockline(&["config", "--config", &file]))[long].clone();
        assert_eq!((&told["source"], &told["from"]), (&"file".into(), &format!("{file}:1: {long}").into()));
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}
