//! The questions about an App that exists at GitHub, and about the API.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dockline_github::GithubHost;
use secrecy::{ExposeSecret, SecretString};

use super::Failure;
use super::asker::{Asker, Question};
use super::check::check;
use super::options::InitArgs;
use super::secrets::{self, secret};
use super::settings::Settings;
use crate::config::{ConfigError, ConfigErrors};
use crate::serve::check_public_url;

const HOST: Question = Question {
    option: "--github-web-url",
    text: "Host of GitHub, such as github.example.com for an enterprise server",
    default: Some("github.com"),
    secret: false,
};
const PUBLIC_URL: Question = Question {
    option: "--public-url",
    text: "URL under which browsers reach this API",
    default: Some("http://127.0.0.1:8080"),
    secret: false,
};
const APP_ID: Question = Question::required("--github-app-id", "App ID");
const SLUG: Question =
    Question::required("--github-app-slug", "Slug of the App, the last part of its public page's address");
const CLIENT_ID: Question = Question::required("--github-client-id", "Client ID");

/// Asks everything that no option or variable answers.
///
/// # Errors
/// All invalid options and missing answers.
pub(super) async fn settings(args: &InitArgs, asker: &mut Asker) -> Result<Settings, Failure> {
    let mut errors = ConfigErrors::default();
    let host = host(args, asker, &mut errors).await?.unwrap_or_default();
    writeln!(io::stderr(), "The following is on the App's settings page, {}/settings/apps.", host.web())?;
    let app_id = answer(asker, &mut errors, APP_ID, args.github_app_id.as_deref(), app_id).await?;
    let slug = answer(asker, &mut errors, SLUG, args.github_app_slug.as_deref(), slug).await?;
    let client_id =
        answer(asker, &mut errors, CLIENT_ID, args.github_client_id.as_deref(), client_id).await?;
    let client_secret =
        secret(&secrets::CLIENT_SECRET, files(&args.github_client_secret_file), asker, &mut errors).await?;
    let private_key =
        secret(&secrets::PRIVATE_KEY, files(&args.github_private_key_file), asker, &mut errors).await?;
    let webhook_secret =
        secret(&secrets::WEBHOOK_SECRET, files(&args.webhook_secret_file), asker, &mut errors).await?;
    let public_url = public_url(args, asker, &mut errors).await?;
    asker.finish(errors)?;
    match (app_id, slug, client_id, client_secret, private_key, webhook_secret, public_url) {
        (
            Some(app_id),
            Some(slug),
            Some(client_id),
            Some(client_secret),
            Some(private_key),
            Some(webhook_secret),
            Some(public_url),
        ) => Ok(Settings {
            host,
            proxy_file: args.https_proxy_file.as_deref().map(absolute),
            app_id,
            slug,
            client_id,
            client_secret,
            private_key,
            webhook_secret,
            public_url,
            data_dir: args.file.folder(),
            created: None,
        }),
        _ => Err("an answer is missing; report this as a bug".into()),
    }
}

/// Returns the checked option; asks if it is not set.
async fn answer<T>(
    asker: &mut Asker,
    errors: &mut ConfigErrors,
    question: Question,
    given: Option<&str>,
    check: impl Fn(&str) -> Result<T, ConfigError> + Send,
) -> Result<Option<T>, Failure> {
    match given {
        Some(text) => Ok(errors.check(check(text.trim()))),
        None => {
            let check = move |text: &SecretString| match text.expose_secret() {
                text if text.starts_with("--") => {
                    let cause = "is an option, not an answer";
                    Err(ConfigError::new(question.option, cause, "give options when you start the program"))
                }
                text => check(text),
            };
            Ok(asker.ask(question, check).await?)
        }
    }
}

/// Returns GitHub's host, by its two options or by an answer.
pub(super) async fn host(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<GithubHost>, Failure> {
    let (web, api) = (args.github_web_url.clone(), args.github_api_url.clone());
    if web.is_none() && api.is_none() {
        return answer(asker, errors, HOST, None, parse_host).await;
    }
    for option in ["--github-web-url", "--github-api-url"] {
        let (web, api) = (web.clone(), api.clone());
        errors.check(check(option, |args| {
            args.github.github_web_url = web;
            args.github.github_api_url = api;
        }));
    }
    Ok(GithubHost::at(&web.unwrap_or_default(), &api.unwrap_or_default()).ok())
}

fn parse_host(text: &str) -> Result<GithubHost, ConfigError> {
    text.parse().map_err(|error: dockline_github::ConfigError| {
        ConfigError::new(HOST.option, error.cause(), error.help())
    })
}

/// Returns the public URL.
pub(super) async fn public_url(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<String>, Failure> {
    let check = |text: &str| Ok::<_, ConfigError>(check_public_url(Some(text))?.unwrap_or_default());
    answer(asker, errors, PUBLIC_URL, args.public_url.as_deref(), check).await
}

/// Returns the number without leading zeros, which TOML does not allow.
fn app_id(text: &str) -> Result<String, ConfigError> {
    check(APP_ID.option, |args| args.github.github_app_id = Some(text.to_owned()))?;
    Ok(text.trim_start_matches('0').to_owned())
}

/// Returns the slug, also of the address of a page of the App.
fn slug(text: &str) -> Result<String, ConfigError> {
    let address = ["/apps/", "/github-apps/"].into_iter().find_map(|before| text.split_once(before));
    let slug = address.and_then(|(_, rest)| rest.split(['/', '?', '#']).next()).unwrap_or(text);
    check(SLUG.option, |args| args.github.github_app_slug = Some(slug.to_owned()))?;
    Ok(slug.to_owned())
}

fn client_id(text: &str) -> Result<String, ConfigError> {
    check(CLIENT_ID.option, |args| args.github.github_client_id = Some(text.to_owned()))?;
    Ok(text.to_owned())
}

fn files<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().map(|path| absolute(path)).collect()
}

/// Returns the absolute path, since `serve` may run in another folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
