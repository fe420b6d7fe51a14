//! Errors in the configuration, collected so that all of them are reported at once.

use std::fmt;

/// One error in the configuration. Contains no secret, because it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The subject: an option such as `--public-url`, a line of the file, or a service such as `the database`.
    pub place: String,
    /// What is wrong.
    pub cause: String,
    /// What to do about it; empty if the cause says it.
    pub help: String,
}

impl ConfigError {
    /// Returns an error about `place`.
    pub fn new(place: impl Into<String>, cause: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: place.into(), cause: cause.into(), help: help.into() }
    }
}

/// All errors that were found. Displayed as a numbered list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// The exit code of a program with an invalid configuration, the same as clap's.
    pub const EXIT_CODE: u8 = 2;

    /// Adds an error.
    pub fn push(&mut self, error: ConfigError) {
        self.0.push(error);
    }

    /// Returns the value; adds the error, if it is one.
    pub fn check<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Succeeds if there are no errors.
    ///
    /// # Errors
    /// The list, if it has any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} {}:", if count == 1 { "error" } else { "errors" })?;
        for (index, ConfigError { place, cause, help }) in self.0.iter().enumerate() {
            write!(f, "\n{:>3}. {place}: {cause}", index + 1)?;
            if !help.is_empty() {
                write!(f, "\n     help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_numbered_and_have_their_help() {
        let error = ConfigError::new("--a", "is wrong", "make it right: so");
        let list = ConfigErrors(vec![error, ConfigError::new("--b", "is worse", "")]);
        assert_eq!(
            list.to_string(),
            "the configuration has 2 errors:\n  1. --a: is wrong\n     help: make it right: so\n  2. --b: is worse"
        );
        assert_eq!(ConfigErrors::default().into_result(), Ok(()));
    }
}
