//! The first call: whether GitHub accepts the App's credential, and whether what is configured is that App.

use std::error::Error;

use dockline::{AppId, PortError, PortErrorKind};
use dockline_github::{AppSettings, GithubApp};

use super::Configured;
use crate::mistakes::{Mistake, Mistakes};

/// The gateway, and what GitHub said of the App; or why it said nothing, where that is no reason not to go on.
pub(crate) struct Connected {
    pub(crate) github: GithubApp,
    pub(crate) settings: Result<AppSettings, PortError>,
    /// Where what is configured is not what GitHub said.
    pub(crate) differences: Mistakes,
}

/// Asks GitHub who we are. A GitHub that is down or limits us is no mistake of the configuration where the App's number
/// is known without it.
pub(crate) async fn connect(configured: &Configured) -> Result<Connected, Mistakes> {
    let told = |error: &dyn std::fmt::Display| Mistakes::from(Mistake::told("GitHub", error));
    // Any number will do to ask by: where there is none, what is signed names the client id.
    let app = configured.app.map_or_else(|| AppId::new(1), Ok).map_err(|error| told(&error))?;
    let github = GithubApp::new(configured.as_app(app)).map_err(|error| told(&error))?;
    let settings = match github.settings().await {
        Ok(settings) => settings,
        Err(error) if configured.app.is_some() && is_passing(&error) => {
            return Ok(Connected { github, settings: Err(error), differences: Mistakes::default() });
        }
        Err(error) if configured.app.is_none() => {
            let (cause, mend) = about(&error);
            let asked = format!("was asked for the App's number, but: {cause}");
            return Err(Mistake::new(
                "GitHub",
                asked,
                format!("{mend}. With --github-app-id GitHub may be down at the start"),
            )
            .into());
        }
        Err(error) => {
            let (cause, mend) = about(&error);
            return Err(Mistake::new("GitHub", cause, mend).into());
        }
    };
    let differences = differences(configured, &settings);
    let github = match configured.app {
        Some(_) => github,
        None => GithubApp::new(configured.as_app(settings.app)).map_err(|error| told(&error))?,
    };
    Ok(Connected { github, settings: Ok(settings), differences })
}

/// The gateway alone: GitHub is asked only where it has to tell the App's number.
pub(crate) async fn open(configured: &Configured) -> Result<GithubApp, Mistakes> {
    if let Some(app) = configured.app {
        return GithubApp::new(configured.as_app(app))
            .map_err(|error| Mistake::told("GitHub", &error).into());
    }
    let Connected { github, differences, .. } = connect(configured).await?;
    differences.none()?;
    Ok(github)
}

/// Where what is configured is not what GitHub says.
fn differences(configured: &Configured, settings: &AppSettings) -> Mistakes {
    let mut mistakes = Mistakes::default();
    let mut differs = |place: &str, ours: &str, theirs: &str| {
        mistakes.0.push(Mistake::new(
            place,
            format!("is {ours}, but GitHub says that the App with this key is {theirs}"),
            "give what belongs together, all of one App",
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
    mistakes
}

fn is_passing(error: &PortError) -> bool {
    matches!(error.kind(), PortErrorKind::Unavailable | PortErrorKind::RateLimited { .. })
}

/// Cause and mend of trouble with GitHub, which its innermost text has both of.
pub(crate) fn about(error: &PortError) -> (String, String) {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    match text.split_once(": ") {
        Some((cause, mend)) => (cause.to_owned(), mend.to_owned()),
        None => (text, "see what GitHub and the network on the way to it say".to_owned()),
    }
}
