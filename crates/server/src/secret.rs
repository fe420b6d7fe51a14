//! Secrets as options: the text itself, best by the environment, or a file that holds it.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::mistakes::Mistake;

/// More is no secret.
const LARGEST: u64 = 1 << 20;

/// One secret in its two forms: `--NAME` and `--NAME-file`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwoForms<'a> {
    /// The long name without dashes.
    pub(crate) name: &'a str,
    pub(crate) text: Option<&'a SecretString>,
    pub(crate) file: Option<&'a PathBuf>,
}

impl TwoForms<'_> {
    /// The secret without blanks around it; `None` where neither form was given.
    pub(crate) fn read(self) -> Result<Option<SecretString>, Mistake> {
        let Self { name, text, file } = self;
        match (text, file) {
            (Some(_), Some(_)) => Err(both(name)),
            (Some(text), None) => typed(name, text).map(Some),
            (None, Some(path)) => from_file(&format!("{name}-file"), path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// Both forms of one secret were given.
pub(crate) fn both(name: &str) -> Mistake {
    Mistake::new(
        format!("--{name}"),
        format!("was given twice: itself, and by --{name}-file"),
        "keep one of the two; dockline config tells where each came from",
    )
}

/// A secret that was given itself.
pub(crate) fn typed(name: &str, text: &SecretString) -> Result<SecretString, Mistake> {
    match text.expose_secret().trim() {
        "" => Err(Mistake::new(format!("--{name}"), "is empty", "give the secret, or leave the option out")),
        text => Ok(text.into()),
    }
}

/// Reads a secret from a file, which `option` named; what it holds is never told.
pub(crate) fn from_file(option: &str, path: &Path) -> Result<SecretString, Mistake> {
    let mistake = |cause: String, mend: &str| Mistake::new(format!("--{option}"), cause, mend);
    let shown = path.display();
    let readable = "name a file that this user can read";
    match fs::metadata(path) {
        Ok(facts) if facts.len() > LARGEST => {
            return Err(mistake(
                format!("{shown} has more than 1 MiB"),
                "name the file that holds the secret alone",
            ));
        }
        Ok(_) => {}
        Err(error) => return Err(mistake(format!("{shown} cannot be read: {error}"), readable)),
    }
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            Err(mistake(format!("{shown} is empty"), "write the secret into it"))
        }
        Ok(text) => Ok(text.trim().into()),
        Err(error) => Err(mistake(format!("{shown} cannot be read: {error}"), readable)),
    }
}

/// Whether any user of the machine may read the file. `None` where that cannot be told.
#[cfg(unix)]
pub(crate) fn readable_by_others(path: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;

    Some(fs::metadata(path).ok()?.permissions().mode() & 0o004 != 0)
}

/// Elsewhere than on Unix it cannot.
#[cfg(not(unix))]
pub(crate) fn readable_by_others(_: &Path) -> Option<bool> {
    None
}
