//! How the commands that need PostgreSQL find it.

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dockline_postgres::{
    DEFAULT_CONNECTIONS, Database, Migrator, OpenError, Schema, StatementMode, open_pool,
};
use secrecy::SecretString;

use crate::mistakes::{Mistake, Mistakes};
use crate::secret::TwoForms;

/// Options of every command that needs the database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// The database, such as postgres://dockline@db.example.com/dockline?sslmode=verify-full.
    ///
    /// A password in it is better given by the environment or by a file: other users of a machine can read command lines.
    #[arg(
        long,
        value_name = "URL",
        env = "DOCKLINE_DATABASE_URL",
        help_heading = "Database",
        hide_env_values = true
    )]
    pub database_url: Option<SecretString>,
    /// File with the database's URL.
    #[arg(long, value_name = "FILE", env = "DOCKLINE_DATABASE_URL_FILE", help_heading = "Database")]
    pub database_url_file: Option<PathBuf>,
    /// The schema that holds Dockline's tables.
    #[arg(
        long,
        value_name = "NAME",
        env = "DOCKLINE_DATABASE_SCHEMA",
        help_heading = "Database",
        default_value = "dockline"
    )]
    pub database_schema: String,
    /// Connections at the most; more than eight a node make writes slower, not faster.
    #[arg(long, value_name = "N", env = "DOCKLINE_DATABASE_CONNECTIONS", help_heading = "Database", default_value_t = DEFAULT_CONNECTIONS)]
    pub database_connections: usize,
    /// How statements are sent: a pooler that hands out connections by transaction may need unnamed ones.
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
    /// [`Mistakes`]: nothing was given, or what was given does not parse.
    pub fn open(&self) -> Result<Database, Box<dyn Error + Send + Sync>> {
        let mut mistakes = Mistakes::default();
        match self.check(&mut mistakes) {
            Some(database) => Ok(database),
            None => Err(mistakes.into()),
        }
    }

    /// That, with what is wrong added to `mistakes`.
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<Database> {
        let before = mistakes.0.len();
        let forms = TwoForms {
            name: "database-url",
            text: self.database_url.as_ref(),
            file: self.database_url_file.as_ref(),
        };
        let url = match forms.read() {
            Ok(Some(url)) => Some(url),
            Ok(None) => {
                mistakes.0.push(Mistake::new(
                    "--database-url",
                    "this command needs a PostgreSQL database",
                    "give --database-url, DOCKLINE_DATABASE_URL or --database-url-file. To try Dockline without a \
                     database, run: cargo run -p dockline-demo -- --walk",
                ));
                None
            }
            Err(mistake) => {
                mistakes.0.push(mistake);
                None
            }
        };
        let schema = Schema::new(&*self.database_schema);
        if let Err(invalid) = &schema {
            mistakes.0.push(Mistake::new("--database-schema", invalid.to_string(), "give such a name"));
        }
        if self.database_connections == 0 {
            mistakes.0.push(Mistake::new(
                "--database-connections",
                OpenError::NoConnections.to_string(),
                "give 1 or more",
            ));
        }
        // Also where the number is wrong: the URL may be, too.
        let pool = url.and_then(|url| match open_pool(&url, self.database_connections.max(1)) {
            Ok(pool) => Some(pool),
            Err(error) => {
                mistakes.0.push(Mistake::told("--database-url", &error));
                None
            }
        });
        if mistakes.0.len() > before {
            return None;
        }
        let mode = match self.database_statements {
            Statements::Prepared => StatementMode::Prepared,
            Statements::Unnamed => StatementMode::Unnamed,
        };
        Some(Database::new(pool?).with_schema(schema.ok()?).with_statement_mode(mode))
    }
}

/// The migrations of a database.
#[must_use]
pub fn migrator(database: &Database) -> Migrator {
    Migrator::new(database.pool().clone(), database.schema().clone())
}
