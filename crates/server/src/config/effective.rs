//! The effective value of each option, and its origin.

use std::any::TypeId;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use secrecy::SecretString;

use super::file::{self, Entry};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The environment variable of this name.
    Environment(String),
    /// The configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The option's long name.
        key: String,
    },
    /// The option's default.
    Default,
    /// The option has no value.
    Unset,
}

/// The effective value of an option, for display: secrets are redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The long name, without dashes.
    pub option: String,
    /// The environment variable.
    pub variable: String,
    /// The heading of the option in `--help`.
    pub heading: String,
    /// Whether the option takes several values.
    pub many: bool,
    /// Whether the value is secret.
    pub secret: bool,
    /// The values, redacted.
    pub values: Vec<String>,
    /// Where the values come from.
    pub origin: Origin,
}

/// The effective configuration of a subcommand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EffectiveConfig {
    /// The options, grouped by heading.
    pub settings: Vec<Setting>,
}

impl EffectiveConfig {
    /// Collects the options of the subcommand `leaf`. `file` has the entries that became defaults.
    pub(super) fn new(leaf: &Command, matches: &ArgMatches, file: Option<(&PathBuf, &[Entry])>) -> Self {
        let shown = leaf.get_arguments().filter(|arg| file::accepts(arg) || arg.get_id() == super::FILE);
        let mut settings: Vec<Setting> = shown.filter_map(|arg| setting(arg, matches, file)).collect();
        let headings: Vec<String> = settings.iter().map(|setting| setting.heading.clone()).collect();
        settings.sort_by_key(|setting| headings.iter().position(|heading| *heading == setting.heading));
        Self { settings }
    }

    /// Returns the option with this long name.
    #[must_use]
    pub fn get(&self, option: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.option == option)
    }
}

fn setting(arg: &Arg, matches: &ArgMatches, file: Option<(&PathBuf, &[Entry])>) -> Option<Setting> {
    let option = arg.get_long()?;
    let id = arg.get_id().as_str();
    let variable = arg.get_env().and_then(OsStr::to_str).unwrap_or_default();
    let in_file = file.and_then(|(path, entries)| {
        let entry = entries.iter().find(|entry| entry.key == option)?;
        Some(Origin::File { path: path.clone(), line: entry.line, key: entry.key.clone() })
    });
    let origin = match (in_file, matches.value_source(id)) {
        (Some(origin), _) => origin,
        (None, Some(ValueSource::CommandLine)) => Origin::Flag,
        (None, Some(ValueSource::EnvVariable)) => Origin::Environment(variable.to_owned()),
        (None, Some(_)) => Origin::Default,
        (None, None) => Origin::Unset,
    };
    let secret = is_secret(arg);
    let raw = matches.get_raw(id).map(|values| values.map(OsStr::to_string_lossy).collect::<Vec<_>>());
    let values = raw.unwrap_or_default().iter().map(|value| redacted(option, value, secret)).collect();
    Some(Setting {
        option: option.to_owned(),
        variable: variable.to_owned(),
        heading: arg.get_help_heading().unwrap_or("Options").to_owned(),
        many: matches!(arg.get_action(), clap::ArgAction::Append),
        secret,
        values,
        origin,
    })
}

/// Returns whether an option's value is secret, by its type.
pub(super) fn is_secret(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<SecretString>()
}

const REDACTED: &str = "[redacted]";

/// Returns the value with its secret redacted. In a URL that is the password; if it is uncertain which part that is, the
/// whole value.
pub(crate) fn redacted(option: &str, value: &str, secret: bool) -> String {
    let is_url = option.ends_with("-url");
    match (secret, url_without_password(value)) {
        (true, Some(url)) if is_url => url,
        (true, _) => REDACTED.to_owned(),
        (false, Some(url)) => url,
        (false, None) if value.contains("://") && value.contains('@') => REDACTED.to_owned(),
        (false, None) => value.to_owned(),
    }
}

/// Returns `None` unless the text is a URL whose parts are unambiguous.
fn url_without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme_fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(scheme_fits) || text.chars().any(char::is_whitespace) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    // An unescaped / or ? in a password would end the authority too early.
    if after.contains(['@', '#']) {
        return None;
    }
    let authority = match authority.rsplit_once('@') {
        None => authority.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:{REDACTED}@{host}"),
            None => authority.to_owned(),
        },
    };
    let after = match after.split_once('?') {
        None => after.to_owned(),
        Some((path, query)) => {
            let pairs: Vec<String> = query.split('&').map(parameter).collect();
            format!("{path}?{}", pairs.join("&"))
        }
    };
    Some(format!("{scheme}://{authority}{after}"))
}

/// Redacts the value of a parameter whose name suggests a secret.
fn parameter(pair: &str) -> String {
    let Some((name, _)) = pair.split_once('=') else { return pair.to_owned() };
    let lower = name.to_ascii_lowercase();
    let suspicious = ["pass", "secret", "token", "key", "pwd", "%"].iter().any(|word| lower.contains(word));
    if suspicious { format!("{name}={REDACTED}") } else { pair.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_of_a_url_is_redacted() {
        for (url, expected) in [
            (
                "postgres://u:canary@h:5432/d?sslmode=require",
                "postgres://u:[redacted]@h:5432/d?sslmode=require",
            ),
            ("postgres://u:can@ry@h/d", "postgres://u:[redacted]@h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            (
                "postgres://h/d?password=canary&sslmode=disable",
                "postgres://h/d?password=[redacted]&sslmode=disable",
            ),
            ("postgres://h/d?%70assword=canary", "postgres://h/d?%70assword=[redacted]"),
        ] {
            assert_eq!(redacted("database-url", url, true), expected);
        }
        for ambiguous in [
            "canary",
            "host=h password=canary",
            "postgres://u:1/canary@h/d",
            "postgres://u:1?canary@h/d",
            "postgres://u:1#canary",
            "postgres://u:ca nary@h/d",
            "",
        ] {
            assert_eq!(redacted("database-url", ambiguous, true), REDACTED, "{ambiguous}");
        }
    }

    #[test]
    fn secret_that_looks_like_a_url_is_redacted() {
        assert_eq!(redacted("webhook-secret", "a://b@c", true), REDACTED);
        assert_eq!(redacted("public-url", "https://u:canary@h", false), "https://u:[redacted]@h");
        assert_eq!(redacted("public-url", "https://u:1/canary@h", false), REDACTED);
        assert_eq!(redacted("listen", "127.0.0.1:1", false), "127.0.0.1:1");
    }
}
