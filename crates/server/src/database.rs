//! The database's options.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use dockline_postgres::{
    DEFAULT_CONNECTIONS, Database, OpenError, Pool, Schema, StatementMode, open_pool, open_reloading_pool,
};
use secrecy::{ExposeSecret, SecretString};

use crate::config::secret::{SecretOptions, from_file};
use crate::config::{ConfigError, ConfigErrors, redacted};
use crate::storage::{Location, Storage};

/// The name of the SQLite file in its folder.
const FILE: &str = "dockline.db";

/// Options of every command that needs the database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// URL of a PostgreSQL database, such as postgres://dockline@db.example.com/dockline?sslmode=verify-full. Without it, the
    /// database is the SQLite file dockline.db in --data-dir.
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

/// The folder of the SQLite file.
#[derive(Debug, Clone, Args)]
pub(crate) struct FileArgs {
    /// Folder of the SQLite file dockline.db, on a local disk. Ignored if a database URL is set. Only serve and migrate create
    /// the file.
    #[arg(
        long,
        value_name = "FOLDER",
        env = "DOCKLINE_DATA_DIR",
        help_heading = "Database",
        default_value = "."
    )]
    data_dir: PathBuf,
}

impl FileArgs {
    /// Returns the folder, absolute if the working directory is known.
    pub(crate) fn folder(&self) -> PathBuf {
        std::path::absolute(&self.data_dir).unwrap_or_else(|_| self.data_dir.clone())
    }

    /// Returns the path of the file, absolute if the working directory is known.
    pub(crate) fn path(&self) -> PathBuf {
        let path = self.data_dir.join(FILE);
        std::path::absolute(&path).unwrap_or(path)
    }
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
    /// Opens the storage for a command. Does not connect to PostgreSQL yet.
    ///
    /// # Errors
    /// [`ConfigErrors`] if an option is invalid, or the file cannot be opened.
    pub(crate) async fn open(&self) -> Result<Storage, Box<dyn Error + Send + Sync>> {
        Ok(self.location()?.open().await?)
    }

    /// Returns where the storage is.
    ///
    /// # Errors
    /// If an option is invalid.
    pub(crate) fn location(&self) -> Result<Location, ConfigErrors> {
        let mut errors = ConfigErrors::default();
        self.check(&mut errors).ok_or(errors)
    }

    /// Returns the PostgreSQL database.
    ///
    /// # Errors
    /// If an option is missing or invalid.
    pub(crate) fn postgres(&self) -> Result<Database, ConfigErrors> {
        match self.location()? {
            Location::Postgres(database) => Ok(database),
            Location::File(_) => Err(no_url().into()),
        }
    }

    /// Returns the PostgreSQL database and schema without the password, for messages.
    pub(crate) fn target(&self) -> String {
        let url = self.url().ok().flatten();
        let url = url.map(|url| redacted("database-url", url.expose_secret(), true)).unwrap_or_default();
        format!("{url}, schema {}", self.database_schema)
    }

    /// Creates another pool of this many connections.
    ///
    /// # Errors
    /// [`ConfigErrors`] if the URL is missing or invalid.
    pub(crate) fn further_pool(&self, connections: usize) -> Result<Pool, ConfigErrors> {
        Ok(self.url()?.ok_or_else(no_url).and_then(|url| self.pool(&url, connections))?)
    }

    /// Checks the options. Returns `None` if it added to `errors`. Neither connects nor opens a file.
    pub(crate) fn check(&self, errors: &mut ConfigErrors) -> Option<Location> {
        let before = errors.0.len();
        let url = match errors.check(self.url()) {
            Some(Some(url)) => Some(url),
            Some(None) => return Some(Location::File(self.file.path())),
            None => None,
        };
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
        let database = Database::new(pool?).with_schema(schema.ok()?).with_statement_mode(mode);
        Some(Location::Postgres(database))
    }

    /// Returns the URL; `None` if it is not set.
    fn url(&self) -> Result<Option<SecretString>, ConfigError> {
        let options = SecretOptions {
            name: "database-url",
            text: self.database_url.as_ref(),
            file: self.database_url_file.as_ref(),
        };
        options.read()
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

fn no_url() -> ConfigError {
    ConfigError::new(
        "--database-url",
        "is not set, and this command needs a PostgreSQL database",
        "set --database-url, DOCKLINE_DATABASE_URL or --database-url-file",
    )
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
