//! The files that `dockline init` writes: the configuration, and the secrets beside it.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::config::{ConfigError, ConfigErrors};

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
    /// If it exists without `force`, or its folder does not exist or cannot be written to.
    pub(super) fn new(config: &Path, force: bool) -> Result<Self, ConfigErrors> {
        let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let folder = config.parent().unwrap_or(Path::new("/")).to_owned();
        let files = Self { config, folder, force };
        files.absent(&files.config)?;
        files.check_writable()?;
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
            errors.check(self.absent(&self.path(name)));
        }
        errors.into_result()
    }

    fn absent(&self, path: &Path) -> Result<(), ConfigError> {
        if self.force || fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        let cause = format!("{} exists", path.display());
        Err(ConfigError::new(
            "--config",
            cause,
            "name a file in another folder, or set --force to overwrite it",
        ))
    }

    /// Creates and removes a file, so that a folder without permission is found before the questions.
    fn check_writable(&self) -> Result<(), ConfigError> {
        let probe = self.path(&format!(".dockline-init-{}", std::process::id()));
        create(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(|error| {
            let cause = format!("{} cannot be written to: {error}", self.folder.display());
            ConfigError::new("--config", cause, "create the folder, or name one that this user can write to")
        })
    }

    /// Writes a secret beside the configuration. Returns its path.
    pub(super) fn write(&self, name: &str, secret: &SecretString) -> Result<PathBuf, ConfigErrors> {
        let text = secret.expose_secret().trim_end();
        self.replace(self.path(name), &format!("{text}\n"))
    }

    /// Writes the configuration. Returns its path.
    pub(super) fn write_config(&self, text: &str) -> Result<PathBuf, ConfigErrors> {
        self.replace(self.config.clone(), text)
    }

    fn replace(&self, path: PathBuf, text: &str) -> Result<PathBuf, ConfigErrors> {
        let removed = if self.force { remove(&path) } else { Ok(()) };
        // Created anew, so that the mode of an old file does not stay.
        match removed.and_then(|()| create(&path, text.as_bytes())) {
            Ok(()) => Ok(path),
            Err(error) => Err(ConfigErrors::from(ConfigError::new(
                "--config",
                format!("{} cannot be written: {error}", path.display()),
                "name a file in a folder that this user can write to",
            ))),
        }
    }
}

/// Removes a file, if it exists.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Creates a file that only its owner can read, and waits until it is on disk: GitHub shows secrets once.
fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
