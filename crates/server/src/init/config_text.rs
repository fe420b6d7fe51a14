//! The text of the configuration.

use std::path::{Path, PathBuf};

use dockline_github::GithubHost;

use super::files::Files;
use super::settings::{CLIENT_SECRET, PRIVATE_KEY, Settings, Source, WEBHOOK_SECRET};
use crate::config::{ConfigError, ConfigErrors};

const HEAD: &str = "\
# Configuration of dockline, read by every command with --config. Keys are the options without the leading dashes;
# docs/configuration.md lists all. Options of the command line and variables DOCKLINE_... override this file.
# To see the effective values: dockline config --config FILE. To check them: dockline doctor --config FILE.
";

const REST: &str = "
# Address on which the API listens, behind a proxy that terminates TLS.
# listen = \"127.0.0.1:8080\"

# Minimum proof for the first binding of an installation. The default needs the App's permission \"Members: read\".
# claim-policy = \"controlled\"

# URL of the product that receives webhooks and events, and the file with the secret that signs them.
# forward-to = \"https://app.example.com/dockline\"
# forward-secret-file = \"/etc/dockline/forward-secret\"
";

/// Returns the TOML text, with a comment for each setting.
///
/// # Errors
/// If a path is not UTF-8.
pub(super) fn render(settings: &Settings, files: &Files) -> Result<String, ConfigErrors> {
    let mut text = HEAD.to_owned();
    let mut add = |comment: &str, key: &str, value: &str| {
        text.push_str(&format!("\n# {comment}\n{key} = {value}\n"));
    };
    add("Id of the GitHub App.", "github-app-id", &settings.app_id);
    add("Name of the App in URLs. Install links contain it.", "github-app-slug", &quoted(&settings.slug));
    add(
        "OAuth client of the App, which verifies visitors.",
        "github-client-id",
        &quoted(&settings.client_id),
    );
    for (comment, key, name, source) in [
        ("Secret of that client.", "github-client-secret-file", CLIENT_SECRET, &settings.client_secret),
        (
            "Private key of the App, by which this server identifies itself.",
            "github-private-key-file",
            PRIVATE_KEY,
            &settings.private_key,
        ),
        (
            "Secret that signs webhooks, the same as on the App's settings page.",
            "webhook-secret-file",
            WEBHOOK_SECRET,
            &settings.webhook_secret,
        ),
    ] {
        match source {
            Source::Files(paths) => add(comment, key, &file_list(key, paths)?),
            Source::Typed(_) | Source::Generated(_) => add(comment, key, &path(key, &files.path(name))?),
            Source::Environment(variable) => {
                text_line(&mut add, comment, key, &format!("is set by the variable {variable}"));
            }
            Source::Absent => {
                text_line(&mut add, comment, key, "is not set: the App has no webhook yet");
            }
        }
    }
    if settings.host != GithubHost::github_com() {
        add("Base URL of GitHub's pages.", "github-web-url", &quoted(settings.host.web()));
        add("Base URL of GitHub's REST API.", "github-api-url", &quoted(settings.host.api()));
    }
    if let Some(file) = &settings.proxy_file {
        add(
            "URL of the proxy through which GitHub is reached.",
            "https-proxy-file",
            &path("https-proxy-file", file)?,
        );
    }
    add(
        "URL under which browsers reach this API. The App's callback and webhook URLs begin with it.",
        "public-url",
        &quoted(&settings.public_url),
    );
    add(
        "Folder of the SQLite file dockline.db. For PostgreSQL, set database-url-file instead.",
        "data-dir",
        &path("data-dir", &settings.data_dir)?,
    );
    text.push_str(REST);
    Ok(text)
}

/// Adds a setting that is not in the file.
fn text_line(add: &mut impl FnMut(&str, &str, &str), comment: &str, key: &str, why: &str) {
    let comment = format!("{comment} It {why}.");
    add(&comment, &format!("# {key}"), "\"...\"");
}

fn file_list(key: &str, paths: &[PathBuf]) -> Result<String, ConfigErrors> {
    match paths {
        [one] => path(key, one),
        many => {
            let quoted: Result<Vec<_>, _> = many.iter().map(|it| path(key, it)).collect();
            Ok(format!("[{}]", quoted?.join(", ")))
        }
    }
}

fn path(key: &str, path: &Path) -> Result<String, ConfigErrors> {
    let problem = match path.to_str() {
        None => "is not UTF-8",
        // The only setting of several files.
        Some(text) if key == "webhook-secret-file" && text.contains(',') => {
            "contains a comma, which separates files"
        }
        Some(text) => return Ok(quoted(text)),
    };
    let cause = format!("{} {problem}", path.display());
    Err(ConfigError::new(format!("--{key}"), cause, "name another folder").into())
}

/// Quotes a text: a string of JSON is one of TOML, too, unless it has the control character DEL.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
