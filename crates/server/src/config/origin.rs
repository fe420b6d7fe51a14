//! Which value is in force for each option, and where it came from.

use std::any::TypeId;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use secrecy::SecretString;

use super::file::Entry;
use super::keys::can_be_in_file;
use super::leaf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was typed.
    Flag,
    /// Of that variable.
    Environment(String),
    /// Of that file, line and key.
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The option's long name.
        key: String,
    },
    /// Nobody gave one, and there is one nevertheless.
    Default,
    /// There is none.
    Unset,
}

/// One option as it is in force. Its secrets are gone: it is there to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The long name, without dashes.
    pub option: String,
    /// The variable.
    pub variable: String,
    /// As `--help` groups it.
    pub heading: String,
    /// Whether it takes several values.
    pub many: bool,
    /// Whether it holds a secret.
    pub secret: bool,
    /// The values, with secrets redacted.
    pub values: Vec<String>,
    /// Where they came from.
    pub origin: Origin,
}

/// All options of the subcommand that was named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InForce {
    /// In the order of `--help`.
    pub settings: Vec<Setting>,
}

impl InForce {
    /// Of `matches`, which were made with a file's entries.
    pub(super) fn of(command: &Command, matches: &ArgMatches, file: Option<(&PathBuf, &[Entry])>) -> Self {
        let (leaf, matches) = leaf(command, matches);
        let shown = leaf.get_arguments().filter(|arg| can_be_in_file(arg) || arg.get_id() == super::FILE);
        let mut settings: Vec<Setting> = shown.filter_map(|arg| setting(arg, matches, file)).collect();
        let headings: Vec<String> = settings.iter().map(|setting| setting.heading.clone()).collect();
        settings.sort_by_key(|setting| headings.iter().position(|heading| *heading == setting.heading));
        Self { settings }
    }

    /// The option of that long name.
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
    let values = raw.unwrap_or_default().iter().map(|value| shown(option, value, secret)).collect();
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

/// Whether an option's value is a secret, which its type says.
pub(super) fn is_secret(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<SecretString>()
}

const REDACTED: &str = "[redacted]";

/// A value that may be looked at. Of a URL the password alone is a secret; but where it is not certain which part that is,
/// nothing is shown.
fn shown(option: &str, value: &str, secret: bool) -> String {
    let is_url = option.ends_with("-url");
    match (secret, url_without_password(value)) {
        (true, Some(url)) if is_url => url,
        (true, _) => REDACTED.to_owned(),
        (false, Some(url)) => url,
        (false, None) if value.contains("://") && value.contains('@') => REDACTED.to_owned(),
        (false, None) => value.to_owned(),
    }
}

/// `None` where it is no URL that can be taken apart without doubt.
fn url_without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme_fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(scheme_fits) || text.chars().any(char::is_whitespace) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    // A password with an unescaped / or ? would go on here.
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

/// A parameter whose name speaks of a secret loses its value.
fn parameter(pair: &str) -> String {
    let Some((name, _)) = pair.split_once('=') else { return pair.to_owned() };
    let lower = name.to_ascii_lowercase();
    let speaks = ["pass", "secret", "token", "key", "pwd", "%"].iter().any(|word| lower.contains(word));
    if speaks { format!("{name}={REDACTED}") } else { pair.to_owned() }
}

/// A path as it is told.
pub(super) fn told(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_only_the_password_is_hidden() {
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
            assert_eq!(shown("database-url", url, true), expected);
        }
        for doubtful in [
            "canary",
            "host=h password=canary",
            "postgres://u:1/canary@h/d",
            "postgres://u:1?canary@h/d",
            "postgres://u:1#canary",
            "postgres://u:ca nary@h/d",
            "",
        ] {
            assert_eq!(shown("database-url", doubtful, true), REDACTED, "{doubtful}");
        }
    }

    #[test]
    fn a_secret_that_looks_like_a_url_is_a_secret() {
        assert_eq!(shown("webhook-secret", "a://b@c", true), REDACTED);
        assert_eq!(shown("public-url", "https://u:canary@h", false), "https://u:[redacted]@h");
        assert_eq!(shown("public-url", "https://u:1/canary@h", false), REDACTED);
        assert_eq!(shown("listen", "127.0.0.1:1", false), "127.0.0.1:1");
    }
}
