//! The configuration: flags, then the environment, then a TOML file, then defaults.
//!
//! Everything here derives from clap's description of the options, so that a new option needs no code here. The file may set
//! each option that has a variable `DOCKLINE_…`; its key is the option's long name.

mod duration;
mod effective;
mod error;
mod file;
mod report;
pub(crate) mod secret;

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, ValueHint};

use file::Entry;

pub use duration::DurationArg;
pub(crate) use effective::redacted;
pub use effective::{EffectiveConfig, Origin, Setting};
pub use error::{ConfigError, ConfigErrors};
pub use report::{human, json};

/// The option that names the file.
pub const FILE: &str = "config";

/// The command line or the configuration file is invalid.
#[derive(Debug, thiserror::Error)]
pub enum CommandLineError {
    /// clap's error about a flag or a variable, or its answer to `--help` and `--version`.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// All errors in the file.
    #[error(transparent)]
    File(#[from] ConfigErrors),
}

/// Adds the option `--config` to each subcommand that has an option to read from the file.
#[must_use]
pub fn with_file_option(command: Command) -> Command {
    // Help is often shown to others, and values of the environment may be secret; `dockline config` shows them redacted.
    let command = command.mut_subcommands(with_file_option).mut_args(|arg| arg.hide_env_values(true));
    // init writes the file, and does not read it.
    let has_own = command.get_arguments().any(|arg| arg.get_long() == Some(FILE));
    if has_own || !command.get_arguments().any(file::accepts) {
        return command;
    }
    command.arg(
        Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .env("DOCKLINE_CONFIG")
            .hide_env_values(true)
            .value_hint(ValueHint::FilePath)
            .display_order(0)
            .value_parser(clap::value_parser!(PathBuf))
            .help("TOML file that sets options by their long names; flags and the environment override it"),
    )
}

/// Reads the command line, the environment and the file.
///
/// The values of the file become defaults of the subcommand's options, so that flags and the environment override them.
///
/// # Errors
/// If the command line or the file is invalid.
pub fn read(command: Command, args: &[OsString]) -> Result<(ArgMatches, EffectiveConfig), CommandLineError> {
    let command = with_old_variables(command);
    let matches = command.clone().try_get_matches_from(args)?;
    let (leaf, given) = leaf(&command, &matches);
    let path = leaf.get_arguments().any(|arg| arg.get_id() == FILE).then(|| given.get_one::<PathBuf>(FILE));
    let Some(path) = path.flatten().cloned() else {
        let effective = EffectiveConfig::new(leaf, given, None);
        return Ok((matches, effective));
    };
    let (entries, mut errors) = file::read(&path, &file::options(&command)).map_err(ConfigErrors::from)?;
    let mut used = Vec::new();
    for entry in entries {
        // The options of other subcommands are not checked, nor are values that something overrides.
        if let Some(arg) = leaf.get_arguments().find(|arg| {
            let source = given.value_source(arg.get_id().as_str());
            arg.get_long() == Some(&entry.key) && matches!(source, None | Some(ValueSource::DefaultValue))
        }) && errors.check(validate(arg, &entry, &path)).is_some()
        {
            used.push(entry);
        }
    }
    errors.into_result()?;
    let with_file = with_defaults(command.clone(), Some(&matches), &used);
    let matches = with_file.try_get_matches_from(args)?;
    let (leaf, given) = self::leaf(&command, &matches);
    let effective = EffectiveConfig::new(leaf, given, Some((&path, &used)));
    Ok((matches, effective))
}

/// Returns the innermost subcommand that was named, and its matches.
fn leaf<'a>(command: &'a Command, matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    match matches.subcommand() {
        Some((name, inner)) => match command.find_subcommand(name) {
            Some(subcommand) => leaf(subcommand, inner),
            None => (command, matches),
        },
        None => (command, matches),
    }
}

/// Accepts the variable of an option's alias, if it is set and the option's own variable is not.
fn with_old_variables(command: Command) -> Command {
    command.mut_subcommands(with_old_variables).mut_args(|arg| {
        let is_set = |name: &OsString| std::env::var_os(name).is_some();
        if !file::accepts(&arg) || arg.get_env().map(OsString::from).is_some_and(|name| is_set(&name)) {
            return arg;
        }
        let aliases = arg.get_all_aliases().unwrap_or_default().into_iter();
        let variables = aliases.map(|alias| format!("DOCKLINE_{}", alias.to_uppercase().replace('-', "_")));
        match variables.map(OsString::from).find(is_set).and_then(|name| name.into_string().ok()) {
            Some(variable) => arg.env(variable),
            None => arg,
        }
    })
}

/// Makes the file's values the defaults of the subcommand that `matches` names.
fn with_defaults(command: Command, matches: Option<&ArgMatches>, entries: &[Entry]) -> Command {
    if let Some((name, inner)) = matches.and_then(ArgMatches::subcommand) {
        return command.mut_subcommand(name, |subcommand| with_defaults(subcommand, Some(inner), entries));
    }
    command.mut_args(|arg| match entries.iter().find(|entry| arg.get_long() == Some(&entry.key)) {
        Some(entry) => arg.default_values(entry.values.clone()),
        None => arg,
    })
}

/// Checks the values of an entry with the option's own parser.
fn validate(arg: &Arg, entry: &Entry, path: &Path) -> Result<(), ConfigError> {
    if !arg.get_action().takes_values() {
        return Ok(());
    }
    let flags = entry.values.iter().map(|value| format!("--{}={value}", entry.key));
    let command = Command::new("file").no_binary_name(true).arg(arg.clone());
    let Err(error) = command.try_get_matches_from(flags) else { return Ok(()) };
    let secret = effective::is_secret(arg);
    let value = if secret { String::new() } else { format!(" {:?}", entry.values.join(",")) };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let possible: Vec<_> = arg.get_possible_values().iter().map(|it| it.get_name().to_owned()).collect();
    let help = if possible.is_empty() {
        format!("docs/configuration.md explains {}", entry.key)
    } else {
        format!("give one of: {}", possible.join(", "))
    };
    Err(ConfigError::new(entry.place(path), format!("the value{value} is not accepted{cause}"), help))
}
