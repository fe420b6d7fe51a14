//! The first call to GitHub: checks the App's credential, and that the configured values belong to one App.

use std::error::Error;

use dockline::{AppId, PortError, PortErrorKind};
use dockline_github::{AppSettings, GithubApp};

use super::Configured;
use crate::config::{ConfigError, ConfigErrors};

/// The gateway, and the App's settings at GitHub; or the error, if GitHub is temporarily unavailable.
pub(crate) struct Connected {
    pub(crate) github: GithubApp,
    pub(crate) settings: Result<AppSettings, PortError>,
    /// Where the configuration differs from GitHub's settings.
    pub(crate) differences: ConfigErrors,
}

/// Fetches the App's settings. An unavailable GitHub is an error only if the App id is not configured.
pub(crate) async fn connect(configured: &Configured) -> Result<Connected, ConfigErrors> {
    let failed = |error: &dyn std::fmt::Display| ConfigErrors::from(ConfigError::from_error("GitHub", error));
    // Without an App id any number will do, because the JWT's issuer is the client id.
    let app = configured.app.map_or_else(|| AppId::new(1), Ok).map_err(|error| failed(&error))?;
    let github = GithubApp::new(configured.gateway_config(app)).map_err(|error| failed(&error))?;
    let settings = match github.settings().await {
        Ok(settings) => settings,
        Err(error) if configured.app.is_some() && is_temporary(&error) => {
            return Ok(Connected { github, settings: Err(error), differences: ConfigErrors::default() });
        }
        Err(error) if configured.app.is_none() => {
            let (cause, help) = cause_and_help(&error);
            let cause = format!("cannot be asked for the App id: {cause}");
            return Err(ConfigError::new(
                "GitHub",
                cause,
                format!("{help}. If --github-app-id is set, GitHub may be down at the start"),
            )
            .into());
        }
        Err(error) => {
            let (cause, help) = cause_and_help(&error);
            return Err(ConfigError::new("GitHub", cause, help).into());
        }
    };
    let differences = differences(configured, &settings);
    let github = match configured.app {
        Some(_) => github,
        None => GithubApp::new(configured.gateway_config(settings.app)).map_err(|error| failed(&error))?,
    };
    Ok(Connected { github, settings: Ok(settings), differences })
}

/// Returns the gateway. Makes a call only if the App id is not configured.
pub(crate) async fn open(configured: &Configured) -> Result<GithubApp, ConfigErrors> {
    if let Some(app) = configured.app {
        return GithubApp::new(configured.gateway_config(app))
            .map_err(|error| ConfigError::from_error("GitHub", &error).into());
    }
    let Connected { github, differences, .. } = connect(configured).await?;
    differences.into_result()?;
    Ok(github)
}

/// Compares the configuration with GitHub's settings.
fn differences(configured: &Configured, settings: &AppSettings) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    let mut differs = |place: &str, ours: &str, theirs: &str| {
        errors.push(ConfigError::new(
            place,
            format!("is {ours}, but at GitHub the App with this key has {theirs}"),
            "set the App id, slug, client id and key of one App",
        ));
    };
    if let Some(app) = configured.app.filter(|app| *app != settings.app) {
        differs("--github-app-id", &app.to_string(), &settings.app.to_string());
    }
    if configured.slug != settings.slug {
        differs("--github-app-slug", &configured.slug, &settings.slug);
    }
    if let (Some(ours), Some(theirs)) = (&configured.client_id, &settings.client_id)
        && ours != theirs
    {
        differs("--github-client-id", ours, theirs);
    }
    errors
}

fn is_temporary(error: &PortError) -> bool {
    matches!(error.kind(), PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. })
}

/// Returns cause and remedy of a failed call, whose source has the text `cause: help` by convention.
pub(crate) fn cause_and_help(error: &PortError) -> (String, String) {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    match text.split_once(": ") {
        Some((cause, help)) => (cause.to_owned(), help.to_owned()),
        None => (text, "check GitHub's status page and the network".to_owned()),
    }
}
