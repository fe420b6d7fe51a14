//! Completions in bash, and the manual in groff.

use std::process::{Command, Stdio};

use crate::program::{Folder, dockline, ran};

/// Returns bash's completions of the last word.
fn completed(script: &str, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!(
        "source '{script}'\nCOMP_WORDS=({}); COMP_CWORD={}; COMP_LINE='{}'; COMP_POINT=${{#COMP_LINE}}\n\
         function=$(complete -p dockline | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
         \"$function\" dockline \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" "),
        words.len() - 1,
        words.join(" "),
    );
    let (code, stdout, stderr) = ran(Command::new("bash").args(["--norc", "--noprofile", "-c", &line]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = Folder::new();
    let (code, script, stderr) = ran(&mut dockline(&["completions", "bash"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let script = folder.file("dockline.bash", &script);
    assert_eq!(completed(&script, &["dockline", "se"]), ["serve"]);
    assert_eq!(completed(&script, &["dockline", "doc"]), ["doctor"]);
    assert_eq!(completed(&script, &["dockline", "keys", "cr"]), ["create"]);
    assert_eq!(completed(&script, &["dockline", "serve", "--github-app-s"]), ["--github-app-slug"]);
    assert_eq!(completed(&script, &["dockline", "serve", "--claim-policy", "vis"]), ["visible"]);
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, _) = ran(&mut dockline(&["completions", shell]));
        assert!(code == Some(0) && script.contains("github-signer-command"), "{shell}");
    }
    assert_eq!(ran(&mut dockline(&["completions", "tcsh"])).0, Some(2));
}

/// Returns all commands as lists of words.
fn commands() -> Vec<Vec<String>> {
    fn collect(command: &clap::Command, path: &[String], found: &mut Vec<Vec<String>>) {
        found.push(path.to_vec());
        for inner in command.get_subcommands() {
            let path: Vec<String> = path.iter().cloned().chain([inner.get_name().to_owned()]).collect();
            collect(inner, &path, found);
        }
    }
    let mut found = Vec::new();
    collect(&dockline_server::cli::command(), &[], &mut found);
    found
}

#[test]
fn every_command_has_a_page_that_renders_without_a_warning() {
    let folder = Folder::new();
    let dir = folder.path("man");
    assert_eq!(ran(&mut dockline(&["man", "--dir", &dir])).0, Some(0));
    let commands = commands();
    assert!(commands.len() > 12);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), commands.len());
    let has_groff = Command::new("groff").arg("--version").stdout(Stdio::null()).status().is_ok();
    for path in commands {
        let name = [&["dockline".to_owned()], &*path].concat().join("-");
        let file = format!("{dir}/{name}.1");
        let page = std::fs::read_to_string(&file).unwrap();
        let arguments: Vec<&str> = ["man"].into_iter().chain(path.iter().map(String::as_str)).collect();
        assert_eq!(ran(&mut dockline(&arguments)).1, page);
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
        if has_groff {
            let (code, text, warnings) =
                ran(Command::new("groff").args(["-k", "-man", "-Tutf8", "-P-cbu", "-ww", &file]));
            assert_eq!((code, warnings.as_str()), (Some(0), ""), "{name}");
            assert!(text.contains("DESCRIPTION"), "{name}");
        }
    }
    let (code, _, stderr) = ran(&mut dockline(&["man", "nonsense"]));
    assert!(code == Some(1) && stderr.contains("nonsense"), "{stderr}");
}

#[test]
fn help_fits_its_terminal() {
    for path in commands() {
        for columns in [80, 120] {
            let mut command = dockline(&path.iter().map(String::as_str).collect::<Vec<_>>());
            let (_, help, _) = ran(command.arg("--help").env("COLUMNS", columns.to_string()));
            // Single words cannot be broken, and clap does not break usage lines.
            let breakable = |line: &&str| line.trim().contains(' ') && !line.starts_with("Usage:");
            let long = help.lines().filter(breakable).find(|line| line.chars().count() > columns);
            assert_eq!(long, None, "{path:?} at {columns}");
            assert!(help.contains("Usage: dockline"), "{path:?}");
        }
    }
}
