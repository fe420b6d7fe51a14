//! How the commands that need PostgreSQL find it.

use std::error::Error;

use clap::{Args, ValueEnum};
use dockline_postgres::{DEFAULT_CONNECTIONS, Database, Migrator, Schema, StatementMode, open_pool};
use secrecy::SecretString;

/// Options of every command that needs the database.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The database, such as postgres://dockline@db.example.com/dockline?sslmode=verify-full. A password in it is better
    /// given by the environment: other users of a machine can read command lines.
    #[arg(long, value_name = "URL", env = "DOCKLINE_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// The schema that holds Dockline's tables.
    #[arg(long, value_name = "NAME", env = "DOCKLINE_DATABASE_SCHEMA", default_value = "dockline")]
    pub database_schema: String,
    /// Connections at the most; more than eight a node make writes slower, not faster.
    #[arg(long, value_name = "N", env = "DOCKLINE_DATABASE_CONNECTIONS", default_value_t = DEFAULT_CONNECTIONS)]
    pub database_connections: usize,
    /// Behind a pooler that hands out connections by transaction, statements have to be unnamed.
    #[arg(long, value_enum, default_value_t, env = "DOCKLINE_DATABASE_STATEMENTS")]
    pub database_statements: Statements,
}

/// How statements are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Statements {
    /// Prepared once per connection: fast.
    #[default]
    Prepared,
    /// Parsed at each call: works through a transaction-mode pooler.
    Unnamed,
}

impl DatabaseArgs {
    /// The database, not yet connected to.
    ///
    /// # Errors
    /// Where nothing was given, or what was given does not parse; names the mend.
    pub fn open(&self) -> Result<Database, Box<dyn Error + Send + Sync>> {
        let url = self.database_url.as_ref().ok_or(NoDatabase)?;
        let pool = open_pool(url, self.database_connections)?;
        let mode = match self.database_statements {
            Statements::Prepared => StatementMode::Prepared,
            Statements::Unnamed => StatementMode::Unnamed,
        };
        let schema = Schema::new(&*self.database_schema)?;
        Ok(Database::new(pool).with_schema(schema).with_statement_mode(mode))
    }
}

/// The migrations of a database.
#[must_use]
pub fn migrator(database: &Database) -> Migrator {
    Migrator::new(database.pool().clone(), database.schema().clone())
}

/// No database was named.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "this command needs a PostgreSQL database: give --database-url or DOCKLINE_DATABASE_URL. To try Dockline without one, \
     run: dockline demo"
)]
pub struct NoDatabase;
