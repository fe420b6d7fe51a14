//! The questions about an App that exists at GitHub, and about the API.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use dockline::ports::{Entropy, OsEntropy};
use dockline_github::GithubHost;
use secrecy::SecretString;

use super::Failure;
use super::asker::{Asker, Question};
use super::check::check;
use super::options::InitArgs;
use super::settings::{Settings, Source};
use crate::config::{ConfigError, ConfigErrors};
use crate::serve::{ServeArgs, check_public_url};

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
const APP_ID: Question = required("--github-app-id", "App ID");
const SLUG: Question =
    required("--github-app-slug", "Slug of the App, the last part of its public page's address");
const CLIENT_ID: Question = required("--github-client-id", "Client ID");
const CLIENT_SECRET: Question = Question {
    secret: true,
    ..required(
        "--github-client-secret-file or DOCKLINE_GITHUB_CLIENT_SECRET",
        "Client secret, generated on the settings page",
    )
};
const PRIVATE_KEY: Question = required(
    "--github-private-key-file or DOCKLINE_GITHUB_PRIVATE_KEY",
    "File with the private key (.pem), downloaded from the settings page",
);
const WEBHOOK: Question = Question {
    secret: true,
    default: Some(""),
    ..required(
        "--webhook-secret-file or DOCKLINE_WEBHOOK_SECRET",
        "Webhook secret; press Enter to generate one",
    )
};

const fn required(option: &'static str, text: &'static str) -> Question {
    Question { option, text, default: None, secret: false }
}

/// Asks everything that no option or variable answers.
///
/// # Errors
/// All invalid options and missing answers.
pub(super) fn settings(args: &InitArgs, asker: &mut Asker) -> Result<Settings, Failure> {
    let mut errors = ConfigErrors::default();
    let host = host(args, asker, &mut errors)?.unwrap_or_default();
    eprintln!("The following is on the App's settings page, {}/settings/apps.", host.web());
    let mut text = |question, given: &Option<String>, set: fn(&mut ServeArgs, &str)| {
        answer(asker, &mut errors, question, given.as_deref(), |text| {
            check(question.option, |args| set(args, text)).map(|()| text.to_owned())
        })
    };
    let app_id =
        text(APP_ID, &args.github_app_id, |args, text| args.github.github_app_id = Some(text.to_owned()))?;
    let slug =
        text(SLUG, &args.github_app_slug, |args, text| args.github.github_app_slug = Some(text.to_owned()))?;
    let client_id = text(CLIENT_ID, &args.github_client_id, |args, text| {
        args.github.github_client_id = Some(text.to_owned());
    })?;
    let client_secret = client_secret(args, asker, &mut errors)?;
    let private_key = private_key(args, asker, &mut errors)?;
    let webhook_secret = webhook_secret(args, asker, &mut errors)?;
    let public_url = public_url(args, asker, &mut errors)?;
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
        }),
        _ => Err("an answer is missing; report this as a bug".into()),
    }
}

/// Returns the checked option; asks if it is not set.
fn answer<T>(
    asker: &mut Asker,
    errors: &mut ConfigErrors,
    question: Question,
    given: Option<&str>,
    check: impl Fn(&str) -> Result<T, ConfigError>,
) -> Result<Option<T>, Failure> {
    match given {
        Some(text) => Ok(errors.check(check(text.trim()))),
        None => Ok(asker.ask(question, check)?),
    }
}

/// Returns GitHub's host, by its two options or by an answer.
pub(super) fn host(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<GithubHost>, Failure> {
    let (web, api) = (args.github_web_url.clone(), args.github_api_url.clone());
    if web.is_none() && api.is_none() {
        return Ok(asker.ask(HOST, parse_host)?);
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
pub(super) fn public_url(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<String>, Failure> {
    answer(asker, errors, PUBLIC_URL, args.public_url.as_deref(), |text| {
        Ok(check_public_url(Some(text))?.unwrap_or_default())
    })
}

fn client_secret(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<Source>, Failure> {
    const VARIABLE: &str = "DOCKLINE_GITHUB_CLIENT_SECRET";
    let place = "--github-client-secret";
    let file = args.github_client_secret_file.as_deref().map(absolute);
    if let Some(given) = given(VARIABLE, file.clone().into_iter().collect()) {
        let text = std::env::var(VARIABLE).ok().map(SecretString::from);
        return Ok(errors
            .check(check(place, |args| {
                args.github.github_client_secret = text;
                args.github.github_client_secret_file = file;
            }))
            .map(|()| given));
    }
    Ok(asker.ask(CLIENT_SECRET, |text| {
        check(place, |args| args.github.github_client_secret = Some(text.into()))?;
        Ok(Source::Typed(text.into()))
    })?)
}

fn private_key(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<Source>, Failure> {
    const VARIABLE: &str = "DOCKLINE_GITHUB_PRIVATE_KEY";
    let place = "--github-private-key";
    let file = args.github_private_key_file.as_deref().map(absolute);
    if let Some(given) = given(VARIABLE, file.clone().into_iter().collect()) {
        let text = std::env::var(VARIABLE).ok().map(SecretString::from);
        return Ok(errors
            .check(check(place, |args| {
                args.github.github_private_key = text;
                args.github.github_private_key_file = file;
            }))
            .map(|()| given));
    }
    Ok(asker.ask(PRIVATE_KEY, |text| {
        let path = absolute(&in_home(text));
        check(place, |args| args.github.github_private_key_file = Some(path.clone()))?;
        Ok(Source::Files(vec![path]))
    })?)
}

fn webhook_secret(
    args: &InitArgs,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<Source>, Failure> {
    const VARIABLE: &str = "DOCKLINE_WEBHOOK_SECRET";
    let place = "--webhook-secret";
    let files: Vec<PathBuf> = args.webhook_secret_file.iter().map(|path| absolute(path)).collect();
    if let Some(given) = given(VARIABLE, files.clone()) {
        let text = std::env::var(VARIABLE).ok();
        return Ok(errors
            .check(check(place, |args| {
                args.webhook_secret = text.iter().flat_map(|text| text.split('\n')).map(Into::into).collect();
                args.webhook_secret_file = files;
            }))
            .map(|()| given));
    }
    Ok(asker.ask(WEBHOOK, |text| {
        if text.is_empty() {
            return Ok(Source::Generated(random(32)?.into()));
        }
        check(place, |args| args.webhook_secret = vec![text.into()])?;
        Ok(Source::Typed(text.into()))
    })?)
}

/// Returns where a secret is that an option or a variable gives; `None` if neither is set.
fn given(variable: &'static str, files: Vec<PathBuf>) -> Option<Source> {
    match std::env::var_os(variable) {
        // If both are set, the check of serve refuses them.
        Some(_) => Some(Source::Environment(variable)),
        None if files.is_empty() => None,
        None => Some(Source::Files(files)),
    }
}

/// Returns `bytes` random bytes in hexadecimal.
pub(super) fn random(bytes: usize) -> Result<String, ConfigError> {
    let mut random = vec![0; bytes];
    OsEntropy.fill(&mut random).map_err(|error| {
        ConfigError::new(
            "random generator",
            error.to_string(),
            "check the operating system's random generator",
        )
    })?;
    Ok(HEXLOWER.encode(&random))
}

/// Replaces `~/`, which only a shell does.
fn in_home(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// Returns the absolute path, since `serve` may run in another folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
