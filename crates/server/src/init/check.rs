//! Checks of one answer, by the checks of `serve`.

use clap::{Args, Command, FromArgMatches};

use crate::config::{ConfigError, ConfigErrors};
use crate::serve::{ServeArgs, checks};

/// Returns the options of `serve` with their defaults, whatever the environment has.
pub(super) fn defaults() -> Result<ServeArgs, ConfigError> {
    let command = ServeArgs::augment_args(Command::new("serve").no_binary_name(true));
    let command = command.mut_args(|arg| arg.env(None::<&'static str>));
    let matches = command.try_get_matches_from([] as [&str; 0]);
    let args = matches.and_then(|matches| ServeArgs::from_arg_matches(&matches));
    args.map_err(|error| ConfigError::new("serve", error.to_string(), "report this as a bug"))
}

/// Checks one option, set by `set`: returns the first error of `serve` whose place begins with `option`.
pub(super) fn check(option: &str, set: impl FnOnce(&mut ServeArgs)) -> Result<(), ConfigError> {
    let mut args = defaults()?;
    // Client id and secret are valid only together.
    args.github.github_client_id = Some("Iv1.0".to_owned());
    args.github.github_client_secret = Some("0".into());
    set(&mut args);
    let mut errors = ConfigErrors::default();
    checks::local(&args, &mut errors);
    match errors.0.into_iter().find(|error| error.place.starts_with(option)) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
