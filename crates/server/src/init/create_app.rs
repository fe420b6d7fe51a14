//! `dockline init --create-app`.

use std::env;

use dockline_github::{AppManifests, GithubHost, HttpsProxy};
use secrecy::SecretString;

use super::answers::{absolute, host, public_url};
use super::asker::Asker;
use super::check::defaults;
use super::files::Files;
use super::flow::{self, Wanted};
use super::interruption::Signals;
use super::options::InitArgs;
use super::settings::{CLIENT_SECRET, Created, PRIVATE_KEY, Settings, Source, WEBHOOK_SECRET};
use super::{Failure, config_text, secrets};
use crate::config::{ConfigError, ConfigErrors};

/// Creates the App, and returns its settings with the secrets.
///
/// # Errors
/// If an option is invalid, a file exists, or GitHub does not return the App.
pub(super) async fn settings(
    args: &InitArgs,
    asker: &mut Asker,
    files: &Files,
    signals: &mut Signals,
) -> Result<Settings, Failure> {
    let asked = async {
        let mut errors = ConfigErrors::default();
        let host = host(args, asker, &mut errors).await?.unwrap_or_default();
        let public_url = public_url(args, asker, &mut errors).await?.unwrap_or_default();
        for secret in [&secrets::CLIENT_SECRET, &secrets::PRIVATE_KEY, &secrets::WEBHOOK_SECRET] {
            if env::var_os(secret.variable).is_some() {
                let cause = "is set, but --create-app writes this secret into a file";
                let help = "remove the variable, which would replace the file";
                errors.push(ConfigError::new(secret.variable, cause, help));
            }
        }
        let proxy = proxy(args, &mut errors);
        asker.finish(errors)?;
        Ok::<_, Failure>((host, public_url, proxy))
    };
    let (host, public_url, proxy) = signals.or("nothing was written", asked).await??;
    // Before the App exists, whose secrets GitHub returns once.
    files.check_absent([CLIENT_SECRET, PRIVATE_KEY, WEBHOOK_SECRET])?;
    let mut settings = Settings {
        host: host.clone(),
        proxy_file: args.https_proxy_file.as_deref().map(absolute),
        app_id: String::new(),
        slug: String::new(),
        client_id: String::new(),
        client_secret: Source::Typed(SecretString::default()),
        private_key: Source::Typed(SecretString::default()),
        webhook_secret: Source::Typed(SecretString::default()),
        public_url,
        data_dir: args.file.folder(),
        created: None,
    };
    // Fails if a path cannot be written into it.
    config_text::render(&settings, files)?;
    let wanted = Wanted {
        owner: args.app_owner.as_deref(),
        name: args.app_name.as_deref(),
        public_url: &settings.public_url,
        web: host.web(),
        timeout: args.create_app_timeout.non_zero(),
    };
    let app = flow::create_app(manifests(host.clone(), proxy)?, &wanted, signals).await?;
    settings.app_id = app.app.to_string();
    settings.slug = app.slug;
    settings.client_id = app.client_id;
    settings.client_secret = Source::Typed(app.client_secret);
    settings.private_key = Source::Typed(app.private_key_pem);
    settings.webhook_secret = app.webhook_secret.map_or(Source::Absent, Source::Typed);
    settings.created = Some(Created { name: app.name, page: app.page });
    Ok(settings)
}

fn manifests(host: GithubHost, proxy: Option<HttpsProxy>) -> Result<AppManifests, ConfigErrors> {
    AppManifests::new(host, proxy)
        .map_err(|error| ConfigErrors::from(ConfigError::new("GitHub", error.cause(), error.help())))
}

/// Returns the proxy, if one is set.
fn proxy(args: &InitArgs, errors: &mut ConfigErrors) -> Option<HttpsProxy> {
    let mut serve = errors.check(defaults())?;
    serve.github.https_proxy = env::var("DOCKLINE_HTTPS_PROXY").ok().map(SecretString::from);
    serve.github.https_proxy_file.clone_from(&args.https_proxy_file);
    serve.github.proxy(errors)
}
