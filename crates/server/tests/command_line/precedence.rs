//! Precedence of flag, environment, file and default, and the origin of each value.

use std::process::Command;

use crate::program::{Folder, dockline, effective, ran};

/// Returns value and origin of an option.
fn of(command: &mut Command, option: &str) -> (String, String, String) {
    let setting = effective(command)[option].clone();
    let text = |member: &str| setting[member].as_str().unwrap_or("-").to_owned();
    (text("value"), text("source"), text("from"))
}

fn three(value: &str, source: &str, from: &str) -> (String, String, String) {
    (value.into(), source.into(), from.into())
}

#[test]
fn flag_overrides_environment_overrides_file_overrides_default() {
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
    // --config overrides DOCKLINE_CONFIG, too.
    let other = folder.file("other.toml", "claim-policy = 'state'");
    assert_eq!(of(with_file().args(["--config", &other]), option).0, "state");
}

#[test]
fn list_is_replaced_as_a_whole() {
    let folder = Folder::new();
    let file = folder.file("c.toml", "webhook-secret-file = ['a', 'b']\n");
    let value = |command: &mut Command| effective(command)["webhook-secret-file"]["value"].clone();
    assert_eq!(value(&mut dockline(&["config", "--config", &file])), serde_json::json!(["a", "b"]));
    let flag = ["config", "--config", &file, "--webhook-secret-file", "c"];
    assert_eq!(value(&mut dockline(&flag)), serde_json::json!(["c"]));
    let mut environment = dockline(&["config", "--config", &file]);
    assert_eq!(value(environment.env("DOCKLINE_WEBHOOK_SECRET_FILE", "d,e")), serde_json::json!(["d", "e"]));
}

#[test]
fn old_name_of_an_option_works_as_flag_variable_and_key() {
    let folder = Folder::new();
    let option = "auth-failures-per-minute";
    let file = folder.file("c.toml", "guesses_per_minute = 7\n");
    let with_file = || dockline(&["config", "--config", &file]);
    let variable = "DOCKLINE_GUESSES_PER_MINUTE";
    assert_eq!(of(&mut with_file(), option), three("7", "file", &format!("{file}:1: {option}")));
    assert_eq!(of(with_file().env(variable, "8"), option), three("8", "environment", variable));
    let new = "DOCKLINE_AUTH_FAILURES_PER_MINUTE";
    assert_eq!(of(with_file().env(variable, "8").env(new, "9"), option), three("9", "environment", new));
    let flag = ["config", "--config", &file, "--guesses-per-minute", "10"];
    assert_eq!(of(dockline(&flag).env(variable, "8"), option).0, "10");
    // The old name is not shown.
    assert!(!ran(&mut dockline(&["serve", "--help"])).1.contains("guesses"));
}

#[test]
fn invalid_value_is_accepted_if_a_flag_overrides_it_or_the_command_ignores_it() {
    let folder = Folder::new();
    let file = folder.file("c.toml", "claim-policy = 'foo'\ndatabase-url = 'postgres://127.0.0.1:1/x'\n");
    let flag = ["config", "--config", &file, "--claim-policy", "state"];
    assert_eq!(of(&mut dockline(&flag), "claim-policy").0, "state");
    assert_eq!(ran(&mut dockline(&["migrate", "--config", &file])).0, Some(1));
    assert_eq!(ran(&mut dockline(&["config", "--config", &file])).0, Some(2));
}

#[test]
fn one_file_serves_all_commands() {
    let folder = Folder::new();
    let file = folder.file(
        "c.toml",
        "public-url = 'https://a.test'\ndatabase-url = 'postgres://u:canary@127.0.0.1:1/x'\n",
    );
    // public-url is not an option of these commands.
    for arguments in [&["migrate"][..], &["keys", "list"], &["keys", "revoke", "00000000000000"]] {
        let (code, _, stderr) = ran(dockline(arguments).args(["--config", &file]));
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("refused") || stderr.contains("connect"), "{stderr}");
        assert!(!stderr.contains("canary"), "{stderr}");
    }
    // A command without such options does not read the file.
    let (code, stdout, _) = ran(dockline(&["man"]).env("DOCKLINE_CONFIG", folder.path("nowhere")));
    assert_eq!((code, stdout.is_empty()), (Some(0), false));
}

#[test]
fn positional_argument_may_begin_with_a_dash() {
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
fn help_does_not_show_values_of_the_environment() {
    let mut help = dockline(&["serve", "--help"]);
    let (_, stdout, _) =
        ran(help.env("DOCKLINE_PUBLIC_URL", "https://canary.test").env("DOCKLINE_CONFIG", "canary"));
    assert!(!stdout.contains("canary"), "{stdout}");
}

/// A new option needs no further work, because its variable and key follow from its name.
#[test]
fn every_option_has_a_matching_variable_and_is_shown() {
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
    let shown = effective(&mut dockline(&["config"]));
    for arg in serve.get_arguments().filter(|arg| arg.get_env().is_some()) {
        let setting = &shown[arg.get_long().unwrap()];
        let source = if arg.get_default_values().is_empty() { "unset" } else { "default" };
        assert_eq!(setting["source"], source, "{arg}");
    }
}

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
        let setting = effective(&mut dockline(&["config", "--config", &file]))[long].clone();
        assert_eq!(
            (&setting["source"], &setting["from"]),
            (&"file".into(), &format!("{file}:1: {long}").into())
        );
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}
