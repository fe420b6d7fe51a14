//! `dockline init --create-app`.

use dockline_github::{AppManifests, GithubHost, HttpsProxy};
use secrecy::SecretString;

use super::answers::{absolute, host, public_url};
use super::asker::Asker;
use super::check::defaults;
use super::files::Files;
use super::manifest::is_reachable;
use super::options::InitArgs;
use super::settings::{CLIENT_SECRET, PRIVATE_KEY, Settings, Source, WEBHOOK_SECRET};
use super::{Failure, flow};
use crate::config::{ConfigError, ConfigErrors};

/// Creates the App, and returns its settings with the secrets.
///
/// # Errors
/// If an option is invalid, a file exists, or GitHub does not return the App.
pub(super) async fn settings(args: &InitArgs, asker: &mut Asker, files: &Files) -> Result<Settings, Failure> {
    let mut errors = ConfigErrors::default();
    let host = host(args, asker, &mut errors)?.unwrap_or_default();
    let public_url = public_url(args, asker, &mut errors)?.unwrap_or_default();
    for variable in
        ["DOCKLINE_GITHUB_CLIENT_SECRET", "DOCKLINE_GITHUB_PRIVATE_KEY", "DOCKLINE_WEBHOOK_SECRET"]
    {
        if std::env::var_os(variable).is_some() {
            let cause = "is set, but --create-app writes this secret into a file";
            errors.push(ConfigError::new(
                variable,
                cause,
                "remove the variable, which would replace the file",
            ));
        }
    }
    let proxy = proxy(args, &mut errors);
    asker.finish(errors)?;
    // Before the App exists, whose secrets GitHub returns once.
    files.check_absent([CLIENT_SECRET, PRIVATE_KEY, WEBHOOK_SECRET])?;
    let github = manifests(host.clone(), proxy)?;
    let app =
        flow::create_app(github, args.app_owner.as_deref(), args.app_name.as_deref(), &public_url).await?;
    println!("created the App {}: {}", app.name, app.page);
    if !is_reachable(&public_url) {
        println!(
            "It has no webhook, since GitHub cannot reach {public_url}; set one when the API has a public URL \
             (docs/operating.md)"
        );
    }
    Ok(Settings {
        host,
        proxy_file: args.https_proxy_file.as_deref().map(absolute),
        app_id: app.app.to_string(),
        slug: app.slug,
        client_id: app.client_id,
        client_secret: Source::Typed(app.client_secret),
        private_key: Source::Typed(app.private_key_pem),
        webhook_secret: app.webhook_secret.map_or(Source::Absent, Source::Typed),
        public_url,
        data_dir: args.file.folder(),
    })
}

fn manifests(host: GithubHost, proxy: Option<HttpsProxy>) -> Result<AppManifests, ConfigErrors> {
    AppManifests::new(host, proxy)
        .map_err(|error| ConfigErrors::from(ConfigError::new("GitHub", error.cause(), error.help())))
}

/// Returns the proxy, if one is set.
fn proxy(args: &InitArgs, errors: &mut ConfigErrors) -> Option<HttpsProxy> {
    let mut serve = errors.check(defaults())?;
    serve.github.https_proxy = std::env::var("DOCKLINE_HTTPS_PROXY").ok().map(SecretString::from);
    serve.github.https_proxy_file.clone_from(&args.https_proxy_file);
    serve.github.proxy(errors)
}
