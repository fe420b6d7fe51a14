//! What is in force: flags, then the environment, then a TOML file, then defaults.
//!
//! Everything here is made from clap's own description of the options, so that a new option needs nothing more. An option
//! that can be given by a variable `DOCKLINE_…` can be given by the file, too; its long name is its key.

mod file;
mod keys;
mod origin;
mod report;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, ValueHint};

use crate::mistakes::{Mistake, Mistakes};
use file::{Entry, read};
use keys::{can_be_in_file, options_of};

pub use origin::{InForce, Origin, Setting};
pub use report::{human, json};

/// The option that names the file.
pub const FILE: &str = "config";
const VARIABLE: &str = "DOCKLINE_CONFIG";

/// What was typed is not what can be typed, or the file is not what can be in it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// clap's own, which also stands for `--help`.
    #[error(transparent)]
    Typed(#[from] clap::Error),
    /// All mistakes in the file.
    #[error(transparent)]
    File(#[from] Mistakes),
}

/// `command`, with the option that names the file wherever there is something to read from it.
#[must_use]
pub fn with_file_option(command: Command) -> Command {
    // What stands in the environment may be a secret, and help is often shown to others; `dockline config` tells it.
    let command = command.mut_subcommands(with_file_option).mut_args(|arg| arg.hide_env_values(true));
    if !command.get_arguments().any(can_be_in_file) {
        return command;
    }
    command.arg(
        Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .env(VARIABLE)
            .hide_env_values(true)
            .value_hint(ValueHint::FilePath)
            .display_order(0)
            .value_parser(clap::value_parser!(PathBuf))
            .help("File in TOML with options by their long names, without the dashes; flags and environment win over it"),
    )
}

/// Reads what was typed, the environment and the file.
///
/// # Errors
/// [`Refused`].
pub fn matches(command: &Command, typed: Vec<OsString>) -> Result<(ArgMatches, InForce), Refused> {
    let mut whole = command.clone();
    whole.build();
    // What is missing here may be in the file, and what is wrong is told when it is read in earnest.
    let glance = command.clone().ignore_errors(true).try_get_matches_from(&typed);
    let Ok(glance) = glance else { return plainly(command, typed, &whole) };
    let (leaf, seen) = leaf(&whole, &glance);
    let path =
        leaf.get_arguments().any(|arg| arg.get_id() == FILE).then(|| seen.get_one::<PathBuf>(FILE).cloned());
    let Some(path) = path.flatten() else { return plainly(command, typed, &whole) };
    let (entries, mut mistakes) = read(&path, &options_of(&whole))?;
    let given = |arg: &Arg| {
        let source = seen.value_source(arg.get_id().as_str());
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    };
    let wanted = |entry: &Entry| {
        leaf.get_arguments()
            .any(|arg| can_be_in_file(arg) && arg.get_long() == Some(&entry.key) && !given(arg))
    };
    let mut used: Vec<Entry> = entries.into_iter().filter(wanted).collect();
    loop {
        let all = with_entries(&typed, &used);
        match command.clone().try_get_matches_from(all) {
            Ok(matches) if mistakes.0.is_empty() => {
                let in_force = InForce::of(&whole, &matches, Some((&path, &used)));
                return Ok((matches, in_force));
            }
            Ok(_) => return Err(mistakes.into()),
            Err(error) => match blamed(&error, &used) {
                // Told with its place, and left out, so that what else is wrong is found, too.
                Some(index) => {
                    let entry = used.remove(index);
                    mistakes.0.push(refused(&path, &entry, &error, leaf));
                }
                None if mistakes.0.is_empty() => return Err(error.into()),
                None => return Err(mistakes.into()),
            },
        }
    }
}

/// Without a file.
fn plainly(
    command: &Command,
    typed: Vec<OsString>,
    whole: &Command,
) -> Result<(ArgMatches, InForce), Refused> {
    let matches = command.clone().try_get_matches_from(typed)?;
    let in_force = InForce::of(whole, &matches, None);
    Ok((matches, in_force))
}

/// The innermost subcommand that was named, and what was read for it.
pub(crate) fn leaf<'a>(command: &'a Command, matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    let (mut command, mut matches) = (command, matches);
    while let Some((name, inner)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else { break };
        (command, matches) = (found, inner);
    }
    (command, matches)
}

/// What was typed, with the file's values as if they had been typed after it.
fn with_entries(typed: &[OsString], entries: &[Entry]) -> Vec<OsString> {
    let end = typed.iter().position(|word| word == "--").unwrap_or(typed.len());
    let (before, after) = typed.split_at(end);
    let added = entries.iter().flat_map(Entry::words);
    before.iter().cloned().chain(added).chain(after.iter().cloned()).collect()
}

/// Whose value clap does not take.
fn blamed(error: &clap::Error, used: &[Entry]) -> Option<usize> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};

    let about_a_value = [ErrorKind::InvalidValue, ErrorKind::ValueValidation, ErrorKind::TooManyValues];
    if !about_a_value.contains(&error.kind()) {
        return None;
    }
    let ContextValue::String(arg) = error.get(ContextKind::InvalidArg)? else { return None };
    let long = arg.strip_prefix("--")?.split([' ', '=', '[', '<']).next()?;
    used.iter().position(|entry| entry.key == long)
}

fn refused(path: &std::path::Path, entry: &Entry, error: &clap::Error, leaf: &Command) -> Mistake {
    use std::error::Error;

    let arg = leaf.get_arguments().find(|arg| arg.get_long() == Some(&entry.key));
    let possible: Vec<String> = arg
        .filter(|arg| arg.get_action().takes_values())
        .map(|arg| arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect())
        .unwrap_or_default();
    let (cause, mend) = match error.source() {
        Some(cause) => (format!(": {cause}"), format!("docs/configuration.md explains {}", entry.key)),
        None if possible.is_empty() => {
            (String::new(), format!("docs/configuration.md explains {}", entry.key))
        }
        None => (String::new(), format!("give one of: {}", possible.join(", "))),
    };
    let secret = arg.is_some_and(origin::is_secret);
    let value = if secret { String::new() } else { format!(" {:?}", entry.values.join(",")) };
    Mistake::new(entry.place(path), format!("the value{value} is not accepted{cause}"), mend)
}
