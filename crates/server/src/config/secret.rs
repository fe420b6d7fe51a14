//! Secrets as options: the text itself, or a file that contains it.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::ConfigError;

const MAX_BYTES: u64 = 1 << 20;

/// A secret's two options: `--NAME` with the text and `--NAME-file` with a path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretOptions<'a> {
    /// The long name of the first option, without dashes.
    pub(crate) name: &'a str,
    pub(crate) text: Option<&'a SecretString>,
    pub(crate) file: Option<&'a PathBuf>,
}

impl SecretOptions<'_> {
    /// Returns the secret, trimmed; `None` if neither option is set.
    ///
    /// # Errors
    /// If both options are set, the secret is empty, or the file cannot be read.
    pub(crate) fn read(self) -> Result<Option<SecretString>, ConfigError> {
        let Self { name, text, file } = self;
        match (text, file) {
            (Some(_), Some(_)) => Err(both(name)),
            (Some(text), None) => from_text(name, text).map(Some),
            (None, Some(path)) => from_file(&format!("{name}-file"), path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// Returns the error that both options of a secret are set.
pub(crate) fn both(name: &str) -> ConfigError {
    ConfigError::new(
        format!("--{name}"),
        format!("is set twice: directly, and by --{name}-file"),
        "remove one of the two; dockline config shows where each comes from",
    )
}

/// Reads a secret from its text.
pub(crate) fn from_text(name: &str, text: &SecretString) -> Result<SecretString, ConfigError> {
    match text.expose_secret().trim() {
        "" => Err(ConfigError::new(format!("--{name}"), "is empty", "set the secret, or remove the option")),
        text => Ok(text.into()),
    }
}

/// Reads a secret from the file that `option` names. Errors never quote its content.
pub(crate) fn from_file(option: &str, path: &Path) -> Result<SecretString, ConfigError> {
    let fail = |cause: String, help: &str| ConfigError::new(format!("--{option}"), cause, help);
    let shown = path.display();
    let readable = "name a file that this user can read";
    match fs::metadata(path) {
        Ok(facts) if facts.len() > MAX_BYTES => {
            return Err(fail(
                format!("{shown} is larger than 1 MiB"),
                "name the file that contains only the secret",
            ));
        }
        Ok(_) => {}
        Err(error) => return Err(fail(format!("{shown} cannot be read: {error}"), readable)),
    }
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            Err(fail(format!("{shown} is empty"), "write the secret into it"))
        }
        Ok(text) => Ok(text.trim().into()),
        Err(error) => Err(fail(format!("{shown} cannot be read: {error}"), readable)),
    }
}

/// Returns whether every user of the machine may read the file; `None` if that is unknown.
#[cfg(unix)]
pub(crate) fn readable_by_others(path: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;

    Some(fs::metadata(path).ok()?.permissions().mode() & 0o004 != 0)
}

/// Returns `None`: only Unix has this permission.
#[cfg(not(unix))]
pub(crate) fn readable_by_others(_: &Path) -> Option<bool> {
    None
}
