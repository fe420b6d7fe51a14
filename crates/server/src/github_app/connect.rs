//! The first call to GitHub: checks the App's credential, and that the configured values belong to one App.

use std::error::Error;

use dockline::{AppId, PortError, PortErrorKind};
use dockline_github::{AppSettings, CallError, ConfigError as GithubConfigError, GithubApp};

use super::Configured;
use crate::config::{ConfigError, ConfigErrors};

/// The gateway, and the App's settings at GitHub; or the error, if GitHub is temporarily unavailable.
pub(crate) struct Connected {
    pub(crate) github: GithubApp,
    pub(crate) settings: Result<AppSettings, PortError>,
    /// Where the configuration names another App than GitHub's settings.
    pub(crate) differences: ConfigErrors,
}

impl Connected {
    /// Returns the App's slug at GitHub if it is not the configured one: the App was renamed.
    pub(crate) fn renamed(&self, configured: &Configured) -> Option<&str> {
        let settings = self.settings.as_ref().ok()?;
        let is_ours = configured.app.is_none_or(|app| app == settings.app);
        (is_ours && settings.slug != configured.slug).then_some(&*settings.slug)
    }
}

/// Fetches the App's settings. An unavailable GitHub is an error only if the App id is not configured.
pub(crate) async fn connect(configured: &Configured) -> Result<Connected, ConfigErrors> {
    // Without an App id any number will do, because the JWT's issuer is the client id.
    let app =
        configured.app.map_or_else(|| AppId::new(1), Ok).map_err(|_| invalid(&GithubConfigError::AppId))?;
    let github = gateway(configured, app)?;
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
            return Err(failed(&error));
        }
    };
    let differences = differences(configured, &settings);
    let github = match configured.app {
        Some(_) => github,
        None => {
            let github = gateway(configured, settings.app)?;
            // Only now does the gateway know that the slug at GitHub is that of its own App.
            if configured.slug != settings.slug {
                github.settings().await.map_err(|error| failed(&error))?;
            }
            github
        }
    };
    Ok(Connected { github, settings: Ok(settings), differences })
}

/// Returns the gateway. Makes a call only if the App id is not configured.
pub(crate) async fn open(configured: &Configured) -> Result<GithubApp, ConfigErrors> {
    if let Some(app) = configured.app {
        return gateway(configured, app);
    }
    let Connected { github, differences, .. } = connect(configured).await?;
    differences.into_result()?;
    Ok(github)
}

fn gateway(configured: &Configured, app: AppId) -> Result<GithubApp, ConfigErrors> {
    GithubApp::new(configured.gateway_config(app)).map_err(|error| invalid(&error))
}

fn invalid(error: &GithubConfigError) -> ConfigErrors {
    ConfigError::new("GitHub", error.cause(), error.help()).into()
}

fn failed(error: &PortError) -> ConfigErrors {
    let (cause, help) = cause_and_help(error);
    ConfigError::new("GitHub", cause, help).into()
}

/// Compares the configuration with GitHub's settings. The slug is no identity: the App's owner can change it.
fn differences(configured: &Configured, settings: &AppSettings) -> ConfigErrors {
    let mut errors = ConfigErrors::default();
    let mut differs = |place: &str, ours: &str, theirs: &str| {
        errors.push(ConfigError::new(
            place,
            format!("is {ours}, but at GitHub the App with this key has {theirs}"),
            "set the App id, client id and key of one App",
        ));
    };
    if let Some(app) = configured.app.filter(|app| *app != settings.app) {
        differs("--github-app-id", &app.to_string(), &settings.app.to_string());
    }
    if let (Some(ours), Some(theirs)) = (&configured.client_id, &settings.client_id)
        && ours != theirs
    {
        differs("--github-client-id", ours, theirs);
    }
    errors
}

/// Returns whether a later call may succeed.
pub(crate) fn is_temporary(error: &PortError) -> bool {
    matches!(error.kind(), PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. })
}

/// Returns cause and remedy of a failed call to GitHub.
pub(crate) fn cause_and_help(error: &PortError) -> (String, &'static str) {
    match error.source().and_then(|source| source.downcast_ref::<CallError>()) {
        Some(call) => (call.cause(), call.help()),
        None => (error.to_string(), "check GitHub's status page and the network"),
    }
}
