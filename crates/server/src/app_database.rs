//! The App that a command is about.

use std::error::Error;

use clap::Args;

use crate::config::{ConfigError, ConfigErrors};
use crate::database::DatabaseArgs;
use crate::storage::{AppEntry, AppStorage};

/// The database and, if its schema has several Apps, the App.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppDatabaseArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Number of the App, as dockline apps list shows it. Needed if the schema has several Apps in use.
    #[arg(long, value_name = "NUMBER")]
    app: Option<i64>,
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
    pub(crate) async fn open(&self) -> Result<AppStorage, Box<dyn Error + Send + Sync>> {
        let storage = self.database.open().await?;
        let apps = storage.apps().list().await?;
        let chosen = choose(&apps, self.app).map_err(ConfigErrors::from)?;
        // Rows of a version without Apps are those of the first one.
        Ok(chosen.map_or_else(|| storage.first_app(), |app| app.storage.clone()))
    }
}

/// Returns the App with this number; without one, the only one in use. `None` if there is no App.
fn choose(apps: &[AppEntry], wanted: Option<i64>) -> Result<Option<&AppEntry>, ConfigError> {
    let see = "see dockline apps list";
    if let Some(wanted) = wanted {
        let found = apps.iter().find(|app| app.number == wanted);
        let unknown =
            || ConfigError::new("--app", format!("the schema has no App with number {wanted}"), see);
        return found.map(Some).ok_or_else(unknown);
    }
    let mut in_use = apps.iter().filter(|app| app.retired_at.is_none());
    match (in_use.next(), in_use.next()) {
        (Some(only), None) => Ok(Some(only)),
        (Some(_), Some(_)) => {
            Err(ConfigError::new("--app", "is not set, and the schema has several Apps", see))
        }
        (None, _) if apps.is_empty() => Ok(None),
        (None, _) => Err(ConfigError::new("--app", "is not set, and no App of the schema is in use", see)),
    }
}
