//! The App that a command is about.

use std::error::Error;

use clap::Args;
use dockline_postgres::{AppDatabase, AppEntry, AppNumber, PgApps};

use crate::config::{ConfigError, ConfigErrors};
use crate::database::DatabaseArgs;

/// The database and, if its schema has several Apps, the App.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppDatabaseArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Number of the App, as dockline apps list shows it. Needed if the schema has several Apps in use.
    #[arg(long, value_name = "NUMBER")]
    app: Option<i32>,
}

impl AppDatabaseArgs {
    /// Returns the options of the database, for a command that gets its App from GitHub's options.
    pub(crate) const fn all_apps(&self) -> &DatabaseArgs {
        &self.database
    }

    /// Opens the database, restricted to the App.
    ///
    /// # Errors
    /// If the configuration is invalid, the database cannot be reached, or the App is not clear.
    pub(crate) async fn open(&self) -> Result<AppDatabase, Box<dyn Error + Send + Sync>> {
        let database = self.database.open()?;
        let apps = PgApps::new(&database).list().await?;
        let number = choose(&apps, self.app).map_err(ConfigErrors::from)?;
        Ok(database.with_app(number))
    }
}

/// Returns the App with this number; without one, the only one in use.
fn choose(apps: &[AppEntry], wanted: Option<i32>) -> Result<AppNumber, ConfigError> {
    let see = "see dockline apps list";
    if let Some(wanted) = wanted {
        let found = apps.iter().find(|app| app.number.get() == wanted);
        let unknown =
            || ConfigError::new("--app", format!("the schema has no App with number {wanted}"), see);
        return found.map(|app| app.number).ok_or_else(unknown);
    }
    let mut in_use = apps.iter().filter(|app| app.retired_at.is_none());
    match (in_use.next(), in_use.next()) {
        (Some(only), None) => Ok(only.number),
        (Some(_), Some(_)) => {
            Err(ConfigError::new("--app", "is not set, and the schema has several Apps", see))
        }
        // Rows of a version without Apps are those of the first one.
        (None, _) if apps.is_empty() => Ok(AppNumber::FIRST),
        (None, _) => Err(ConfigError::new("--app", "is not set, and no App of the schema is in use", see)),
    }
}
