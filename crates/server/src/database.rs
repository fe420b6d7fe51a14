//! The database's options.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use dockline_postgres::{
    DEFAULT_CONNECTIONS, Database, Migrator, OpenError, Pool, Schema, StatementMode, open_pool,
    open_reloading_pool,
};
use secrecy::SecretString;

use crate::config::secret::{SecretOptions, from_file};
use crate::config::{ConfigError, ConfigErrors};

/// Options of every command that needs the database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// URL of the database, such as postgres://dockline@db.example.com/dockline?sslmode=verify-full.
    ///
    /// If it contains a password, set it by the environment or by a file: other users of the machine can read command lines.
    #[arg(
        long,
        value_name = "URL",
        env = "DOCKLINE_DATABASE_URL",
        help_heading = "Database",
        hide_env_values = true
    )]
    pub database_url: Option<SecretString>,
    /// File that contains the URL of the database. It is read again when connecting fails, so that a changed password needs no
    /// restart.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_DATABASE_URL_FILE", help_heading = "Database")]
    pub database_url_file: Option<PathBuf>,
    /// Schema of Dockline's tables.
    #[arg(
        long,
        value_name = "NAME",
        env = "DOCKLINE_DATABASE_SCHEMA",
        help_heading = "Database",
        default_value = "dockline"
    )]
    pub database_schema: String,
    /// Maximum number of connections. More than 8 per node make writes slower.
    #[arg(long, value_name = "N", env = "DOCKLINE_DATABASE_CONNECTIONS", help_heading = "Database", default_value_t = DEFAULT_CONNECTIONS)]
    pub database_connections: usize,
    /// How statements are sent. `prepared` returns wrong rows behind a pooler in transaction mode that does not support
    /// prepared statements.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "HOW",
        env = "DOCKLINE_DATABASE_STATEMENTS",
        help_heading = "Database"
    )]
    pub database_statements: Statements,
}

/// How statements are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Statements {
    /// Prepared, or unnamed if a pooler is found between this program and the server.
    #[default]
    Auto,
    /// Prepared once per connection (fast).
    Prepared,
    /// Parsed at each call (works behind every pooler).
    Unnamed,
}

impl DatabaseArgs {
    /// Creates the connection pool. Does not connect.
    ///
    /// # Errors
    /// [`ConfigErrors`] if an option is missing or invalid.
    pub fn open(&self) -> Result<Database, Box<dyn Error + Send + Sync>> {
        let mut errors = ConfigErrors::default();
        match self.check(&mut errors) {
            Some(database) => Ok(database),
            None => Err(errors.into()),
        }
    }

    /// Creates another pool of this many connections.
    ///
    /// # Errors
    /// [`ConfigErrors`] if the URL is missing or invalid.
    pub(crate) fn further_pool(&self, connections: usize) -> Result<Pool, ConfigErrors> {
        Ok(self.url().and_then(|url| self.pool(&url, connections))?)
    }

    /// Creates the connection pool; returns `None` if it added to `errors`.
    pub(crate) fn check(&self, errors: &mut ConfigErrors) -> Option<Database> {
        let before = errors.0.len();
        let url = errors.check(self.url());
        let schema = Schema::new(&*self.database_schema);
        if let Err(invalid) = &schema {
            errors.push(ConfigError::new("--database-schema", invalid.to_string(), "choose another name"));
        }
        if self.database_connections == 0 {
            errors.push(open_error("--database-connections", &OpenError::NoConnections));
        }
        // Parses the URL even if the number is invalid, to report both.
        let pool = url.and_then(|url| errors.check(self.pool(&url, self.database_connections.max(1))));
        if errors.0.len() > before {
            return None;
        }
        let mode = match self.database_statements {
            Statements::Auto => StatementMode::Auto,
            Statements::Prepared => StatementMode::Prepared,
            Statements::Unnamed => StatementMode::Unnamed,
        };
        Some(Database::new(pool?).with_schema(schema.ok()?).with_statement_mode(mode))
    }

    fn url(&self) -> Result<SecretString, ConfigError> {
        let options = SecretOptions {
            name: "database-url",
            text: self.database_url.as_ref(),
            file: self.database_url_file.as_ref(),
        };
        options.read()?.ok_or_else(|| {
            ConfigError::new(
                "--database-url",
                "is not set, and this command needs a PostgreSQL database",
                "set --database-url, DOCKLINE_DATABASE_URL or --database-url-file. To try Dockline without a database, run: \
                 cargo run -p dockline-demo -- --walk",
            )
        })
    }

    fn pool(&self, url: &SecretString, connections: usize) -> Result<Pool, ConfigError> {
        let pool = match self.database_url_file.clone() {
            // The file is read again when a login fails: its password may have changed.
            Some(path) => open_reloading_pool(url, connections, move || reread(&path)),
            None => open_pool(url, connections),
        };
        pool.map_err(|error| open_error("--database-url", &error))
    }
}

fn open_error(place: &str, error: &OpenError) -> ConfigError {
    ConfigError::new(place, error.cause(), error.help())
}

fn reread(path: &Path) -> Option<SecretString> {
    match from_file("database-url-file", path) {
        Ok(url) => Some(url),
        Err(error) => {
            tracing::warn!(cause = error.cause, "the file with the database URL cannot be read again");
            None
        }
    }
}

/// Returns the migrator of a database.
#[must_use]
pub fn migrator(database: &Database) -> Migrator {
    Migrator::new(database.pool().clone(), database.schema().clone())
}
