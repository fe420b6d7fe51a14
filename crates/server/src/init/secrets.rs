//! The secrets of an App: each in a file, in a variable, or typed.

use std::env::{self, VarError};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use dockline::ports::{Entropy, OsEntropy};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::Failure;
use super::answers::absolute;
use super::asker::{Asker, Question};
use super::check::check;
use super::settings::Source;
use crate::config::{ConfigError, ConfigErrors};
use crate::serve::ServeArgs;

/// A secret, and the places that it may be in.
pub(super) struct Secret {
    question: Question,
    /// The variable that contains it.
    pub(super) variable: &'static str,
    /// The beginning of the names of its options.
    option: &'static str,
    set: fn(&mut ServeArgs, Option<SecretString>, Vec<PathBuf>),
    typed: fn(&SecretString) -> Result<Source, ConfigError>,
}

pub(super) const CLIENT_SECRET: Secret = Secret {
    question: Question {
        secret: true,
        ..Question::required(
            "--github-client-secret-file or DOCKLINE_GITHUB_CLIENT_SECRET",
            "Client secret, generated on the settings page",
        )
    },
    variable: "DOCKLINE_GITHUB_CLIENT_SECRET",
    option: "--github-client-secret",
    set: |args, text, files| {
        args.github.github_client_secret = text;
        args.github.github_client_secret_file = files.into_iter().next();
    },
    typed: |text| {
        check("--github-client-secret", |args| args.github.github_client_secret = Some(text.clone()))?;
        Ok(Source::Typed(text.clone()))
    },
};

pub(super) const PRIVATE_KEY: Secret = Secret {
    question: Question::required(
        "--github-private-key-file or DOCKLINE_GITHUB_PRIVATE_KEY",
        "File with the private key (.pem), downloaded from the settings page",
    ),
    variable: "DOCKLINE_GITHUB_PRIVATE_KEY",
    option: "--github-private-key",
    set: |args, text, files| {
        args.github.github_private_key = text;
        args.github.github_private_key_file = files.into_iter().next();
    },
    typed: |text| key_file(text.expose_secret()),
};

pub(super) const WEBHOOK_SECRET: Secret = Secret {
    question: Question {
        secret: true,
        default: Some(""),
        ..Question::required(
            "--webhook-secret-file or DOCKLINE_WEBHOOK_SECRET",
            "Webhook secret; press Enter to generate one",
        )
    },
    variable: "DOCKLINE_WEBHOOK_SECRET",
    option: "--webhook-secret",
    set: |args, text, files| {
        let lines = text.iter().flat_map(|text| text.expose_secret().split('\n'));
        args.webhook_secret = lines.map(SecretString::from).collect();
        args.webhook_secret_file = files;
    },
    typed: |text| {
        if text.expose_secret().is_empty() {
            return Ok(Source::Generated(random(32)?));
        }
        check("--webhook-secret", |args| args.webhook_secret = vec![text.clone()])?;
        Ok(Source::Typed(text.clone()))
    },
};

/// Returns the file that an answer names, if it contains a key.
fn key_file(answer: &str) -> Result<Source, ConfigError> {
    if answer.is_empty() || answer.starts_with("-----BEGIN") {
        return Err(ConfigError::new(
            "--github-private-key-file",
            "is not the path of a file",
            "save the key in a file that only you can read, and type its path",
        ));
    }
    let path = absolute(&in_home(answer));
    check("--github-private-key", |args| args.github.github_private_key_file = Some(path.clone()))?;
    Ok(Source::Files(vec![path]))
}

/// Returns where the secret is: in its variable, in `files`, or in an answer.
pub(super) async fn secret(
    secret: &Secret,
    files: Vec<PathBuf>,
    asker: &mut Asker,
    errors: &mut ConfigErrors,
) -> Result<Option<Source>, Failure> {
    let variable = match env::var(secret.variable) {
        Ok(text) => Some(SecretString::from(text)),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(_)) => {
            errors.push(ConfigError::new(
                secret.variable,
                "is not UTF-8 text",
                "set it again, or name a file",
            ));
            return Ok(None);
        }
    };
    let source = match &variable {
        // If both are set, the check of serve refuses them.
        Some(_) => Source::Environment(secret.variable),
        None if files.is_empty() => return Ok(asker.ask(secret.question, secret.typed).await?),
        None => Source::Files(files.clone()),
    };
    Ok(errors.check(check(secret.option, |args| (secret.set)(args, variable, files))).map(|()| source))
}

/// Returns `bytes` random bytes in hexadecimal.
pub(super) fn random(bytes: usize) -> Result<SecretString, ConfigError> {
    let mut random = Zeroizing::new(vec![0; bytes]);
    OsEntropy.fill(&mut random).map_err(|error| {
        ConfigError::new(
            "random generator",
            error.to_string(),
            "check the operating system's random generator",
        )
    })?;
    Ok(HEXLOWER.encode(&random).into())
}

/// Replaces `~/`, which only a shell does.
fn in_home(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(text).to_owned(),
    }
}
