//! Checks before `serve` serves anything: first those that need no network, then database and GitHub. Reports all errors.

use dockline::WebhookSecrets;

use super::forward::ForwardTarget;
use super::options::{PolicyArg, ServeArgs, check_public_url, check_unsolicited_install_url};
use crate::config::secret::SecretListOptions;
use crate::config::{ConfigError, ConfigErrors};
use crate::github_app::{Configured, Connected, connect};
use crate::storage::Location;

/// The valid values of the options.
pub(crate) struct Local {
    pub(crate) storage: Option<Location>,
    pub(crate) github: Option<Configured>,
    pub(crate) webhook_secrets: Option<WebhookSecrets>,
    pub(crate) public_url: Option<String>,
    pub(crate) unsolicited_install_url: Option<String>,
    pub(crate) forward: Option<ForwardTarget>,
}

/// Everything that `serve` needs, checked.
pub(crate) struct Checked {
    pub(crate) storage: Location,
    pub(crate) github: Connected,
    pub(crate) webhook_secrets: WebhookSecrets,
    pub(crate) public_url: Option<String>,
    pub(crate) unsolicited_install_url: Option<String>,
    pub(crate) forward: Option<ForwardTarget>,
}

/// Checks what needs no network call.
pub(crate) fn local(args: &ServeArgs, errors: &mut ConfigErrors) -> Local {
    let storage = args.database.check(errors);
    let github = args.github.check(errors);
    if args.claim_policy != PolicyArg::State && args.github.github_client_id.is_none() {
        errors.push(ConfigError::new(
            "--claim-policy",
            "needs an OAuth client, and none is configured",
            "set --github-client-id and --github-client-secret-file; --claim-policy state needs none, but read the README \
             before you choose it",
        ));
    }
    let webhook_secrets = webhook_secrets(args, errors);
    let public_url = errors.check(check_public_url(args.public_url.as_deref())).flatten();
    let unsolicited = check_unsolicited_install_url(args.unsolicited_install_url.as_deref());
    let unsolicited_install_url = errors.check(unsolicited).flatten();
    let forward = args.forward.check(errors);
    Local { storage, github, webhook_secrets, public_url, unsolicited_install_url, forward }
}

fn webhook_secrets(args: &ServeArgs, errors: &mut ConfigErrors) -> Option<WebhookSecrets> {
    let before = errors.0.len();
    let options = SecretListOptions {
        name: "webhook-secret",
        texts: &args.webhook_secret,
        files: &args.webhook_secret_file,
    };
    let mut secrets = Vec::new();
    for (place, secret) in options.read(errors) {
        // Checks each by itself, because several may be weak.
        let strong = WebhookSecrets::new([secret.clone()]).map(|_| secret).map_err(|_| {
            ConfigError::new(
                place,
                format!("has fewer than {} bytes, or repeats one byte", WebhookSecrets::SHORTEST),
                "generate one with openssl rand -hex 32, and set it at GitHub, too",
            )
        });
        secrets.extend(errors.check(strong));
    }
    if errors.0.len() > before { None } else { WebhookSecrets::new(secrets).ok() }
}

/// Checks everything: first what needs no network call, then the database and GitHub in parallel, if their options are
/// valid. Changes nothing.
///
/// # Errors
/// All errors that were found.
pub(crate) async fn all(args: &ServeArgs) -> Result<Checked, ConfigErrors> {
    let mut errors = ConfigErrors::default();
    let local = local(args, &mut errors);
    // Only a check, so the socket is closed at once: serve listens when everything else is ready.
    if let Err(error) = dockline_listener::bind(args.listen.0).await {
        errors.push(ConfigError::new("--listen", error.to_string(), error.help()));
    }
    let (checked, github) = tokio::join!(
        async {
            match &local.storage {
                Some(storage) => storage.check(args.migrations).await,
                None => Ok(()),
            }
        },
        async {
            match &local.github {
                Some(configured) => connect(configured).await.map(Some),
                None => Ok(None),
            }
        }
    );
    errors.check(checked);
    if let Some(variable) = local.github.as_ref().and_then(Configured::ignored_proxy) {
        tracing::warn!(
            variable,
            "the proxy of the environment is ignored: GitHub is called directly unless --https-proxy is set"
        );
    }
    let mut github = github.unwrap_or_else(|found| {
        errors.0.extend(found.0);
        None
    });
    if let Some(connected) = &mut github {
        errors.0.append(&mut connected.differences.0);
    }
    let Local { storage, webhook_secrets, public_url, unsolicited_install_url, forward, .. } = local;
    errors.into_result()?;
    match (storage, github, webhook_secrets) {
        (Some(storage), Some(github), Some(webhook_secrets)) => {
            Ok(Checked { storage, github, webhook_secrets, public_url, unsolicited_install_url, forward })
        }
        _ => Err(ConfigError::new("the configuration", "is incomplete", "report this as a bug").into()),
    }
}

/// Returns the texts of an error and its sources, each once.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
