//! `docs/configuration.md` lists every option.

use std::fmt::Write;

const BEGIN: &str = "<!-- options: made from the program's own description; UPDATE_DOCS=1 cargo nextest run -p dockline-server reference -->\n";
const END: &str = "<!-- end of options -->\n";

/// Returns a table per heading, with every option that has a variable.
fn options() -> String {
    let mut command = dockline_server::cli::command();
    command.build();
    let mut rows: Vec<(String, String, String)> = Vec::new();
    collect(&command, &mut rows);
    let mut headings: Vec<String> = Vec::new();
    for (heading, ..) in &rows {
        if !headings.contains(heading) {
            headings.push(heading.clone());
        }
    }
    let mut text = String::new();
    for heading in headings {
        let shown = if heading == "Options" { "General" } else { &heading };
        write!(
            text,
            "### {shown}\n\n| option, key of the file | variable | default | |\n|---|---|---|---|\n"
        )
        .unwrap();
        for (_, _, row) in rows.iter().filter(|row| row.0 == heading) {
            text.push_str(row);
        }
        text.push('\n');
    }
    text
}

/// Collects heading, option and table row.
fn collect(command: &clap::Command, rows: &mut Vec<(String, String, String)>) {
    for arg in command.get_arguments() {
        let (Some(long), Some(variable)) = (arg.get_long(), arg.get_env()) else { continue };
        if rows.iter().any(|row| row.1 == long) {
            continue;
        }
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let default: Vec<_> = arg.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
        let default = if default.is_empty() { String::new() } else { format!("`{}`", default.join(",")) };
        let possible: Vec<_> = arg
            .get_possible_values()
            .iter()
            .map(|it| match it.get_help() {
                Some(help) => format!("`{}`: {help}", it.get_name()),
                None => format!("`{}`", it.get_name()),
            })
            .collect();
        let dot = if help.ends_with('.') { "" } else { "." };
        let possible = if possible.is_empty() { String::new() } else { format!(" {}.", possible.join("; ")) };
        let row =
            format!("| `{long}` | `{}` | {default} | {help}{dot}{possible} |\n", variable.to_string_lossy());
        rows.push((arg.get_help_heading().unwrap_or("Options").to_owned(), long.to_owned(), row));
    }
    for inner in command.get_subcommands() {
        collect(inner, rows);
    }
}

#[test]
fn reference_lists_every_option() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let made = format!("\n{}", options());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, made, "run this test with UPDATE_DOCS=1");
    }
}
