//! The files that `dockline init` writes: the configuration, and the secrets beside it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use tempfile::{Builder, NamedTempFile};

use crate::config::{ConfigError, ConfigErrors};

/// Bytes that the folder must have space for. The files are smaller.
const SPACE: usize = 64 << 10;

/// The folder of the files, which are readable by their owner only.
pub(super) struct Files {
    config: PathBuf,
    folder: PathBuf,
    force: bool,
}

impl Files {
    /// Checks that the configuration may be written.
    ///
    /// # Errors
    /// If it exists without `force`, or its folder does not exist, cannot be written to or has no space.
    pub(super) fn new(config: &Path, force: bool) -> Result<Self, ConfigErrors> {
        let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let folder = config.parent().unwrap_or(Path::new("/")).to_owned();
        let files = Self { config, folder, force };
        files.may_write(&files.config)?;
        files.check_space()?;
        Ok(files)
    }

    /// Returns the absolute path of the configuration.
    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    /// Returns the path of a file beside the configuration.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Checks that none of these files exists, unless they may be overwritten.
    pub(super) fn check_absent<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), ConfigErrors> {
        let mut errors = ConfigErrors::default();
        for name in names {
            errors.check(self.may_write(&self.path(name)));
        }
        errors.into_result()
    }

    fn may_write(&self, path: &Path) -> Result<(), ConfigError> {
        let (problem, help) = match fs::symlink_metadata(path) {
            Err(_) => return Ok(()),
            Ok(facts) if facts.is_dir() => ("is a folder", "name a file"),
            Ok(_) if self.force => return Ok(()),
            Ok(_) => ("exists", "name a file in another folder, or set --force to overwrite it"),
        };
        Err(ConfigError::new("--config", format!("{} {problem}", path.display()), help))
    }

    /// Writes as much as the files may need, so that a folder without permission or space is found before the questions.
    fn check_space(&self) -> Result<(), ConfigError> {
        self.temporary(&[&vec![b'\n'; SPACE]]).map(drop).map_err(|error| {
            let cause = format!("{} cannot be written to: {error}", self.folder.display());
            let help = "create the folder, or name one that this user can write to, on a disk with space";
            ConfigError::new("--config", cause, help)
        })
    }

    /// Writes the secrets and the configuration. Returns their paths.
    ///
    /// # Errors
    /// If one cannot be written. Then none of them exists, unless the folder changes meanwhile.
    pub(super) fn write(
        &self,
        secrets: Vec<(&'static str, &SecretString)>,
        config: &str,
    ) -> Result<Vec<PathBuf>, ConfigErrors> {
        let mut complete = Vec::new();
        for (name, secret) in secrets {
            let path = self.path(name);
            let parts = [secret.expose_secret().trim_end().as_bytes(), b"\n"];
            complete.push((self.temporary(&parts).map_err(|error| failed(&path, &error))?, path));
        }
        let path = self.config.clone();
        complete.push((self.temporary(&[config.as_bytes()]).map_err(|error| failed(&path, &error))?, path));
        let mut paths = Vec::new();
        for (file, path) in complete {
            let named = if self.force { file.persist(&path) } else { file.persist_noclobber(&path) };
            named.map_err(|error| failed(&path, &error.error))?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// Creates a file that only its owner can read, waits until it is on disk, and removes it when it is dropped.
    fn temporary(&self, parts: &[&[u8]]) -> io::Result<NamedTempFile> {
        let mut file = Builder::new().prefix(".dockline-init-").tempfile_in(&self.folder)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.as_file().sync_all()?;
        Ok(file)
    }
}

fn failed(path: &Path, error: &io::Error) -> ConfigErrors {
    let cause = format!("{} cannot be written: {error}", path.display());
    ConfigError::new("--config", cause, "name a file in a folder that this user can write to").into()
}
