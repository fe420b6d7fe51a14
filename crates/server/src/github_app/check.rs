//! What can be said of the options without asking anybody: everything that is wrong, at once.

use std::fs;
use std::sync::Arc;

use dockline::AppId;
use dockline_github::{ConfigError, GithubHost, Issuer, PublicKey};
use secrecy::SecretString;

use super::options::GithubArgs;
use super::signer_command::SignerCommand;
use super::{Configured, Signing};
use crate::mistakes::{Mistake, Mistakes};
use crate::secret::TwoForms;

impl GithubArgs {
    /// What the options say; `None` where something was added to `mistakes`.
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<Configured> {
        let before = mistakes.0.len();
        let host = self.host(mistakes);
        let app = self.app_id(mistakes);
        let (client_id, client_secret) = self.oauth_client(mistakes);
        let signing = self.signing(mistakes);
        let public_key = self.public_key(mistakes);
        let slug = self.github_app_slug.as_deref().map(str::trim);
        if slug.is_none() {
            mistakes.0.push(Mistake::new(
                "--github-app-slug",
                "is not given",
                "give the App's name in the address of its public page, .../apps/SLUG",
            ));
        }
        if app.is_none() && self.github_app_id.is_none() && self.github_client_id.is_none() {
            mistakes.0.push(Mistake::new(
                "--github-app-id",
                "neither it nor --github-client-id is given, and without either GitHub cannot tell which App it is",
                "give one of the two, as the App's settings page shows it",
            ));
        }
        let placeholder = || Signing::Pem(SecretString::from(""));
        let configured = Configured {
            app,
            slug: slug.unwrap_or("slug").to_owned(),
            client_id,
            host: host.unwrap_or_default(),
            client_secret,
            signing: signing.clone().unwrap_or_else(placeholder),
            signing_timeout: self.github_signer_timeout.0,
            public_key,
        };
        let mut config = configured.as_app(app.or(AppId::new(1).ok())?);
        if let (Some(id), None) = (&configured.client_id, &configured.client_secret) {
            // Its form is looked at without its secret, too.
            config = config.with_issuer(Issuer::ClientId(id.clone()));
        }
        for problem in config.problems() {
            let place = match &problem {
                ConfigError::AppId => "--github-app-id",
                ConfigError::Slug => "--github-app-slug",
                ConfigError::ClientId => "--github-client-id",
                ConfigError::ClientSecret => "--github-client-secret",
                ConfigError::Timeout => "--github-signer-timeout",
                ConfigError::Host(_) => "--github-web-url",
                // That there is none was said already.
                ConfigError::PrivateKey(_) if signing.is_none() => continue,
                ConfigError::PrivateKey(_) if self.github_private_key.is_some() => "--github-private-key",
                ConfigError::PrivateKey(_) => "--github-private-key-file",
                ConfigError::ApiVersion
                | ConfigError::UserAgent
                | ConfigError::TrustStore(_)
                | ConfigError::Client(_)
                | _ => "GitHub",
            };
            mistakes.0.push(Mistake::told(place, &problem));
        }
        (mistakes.0.len() == before).then_some(configured)
    }

    fn host(&self, mistakes: &mut Mistakes) -> Option<GithubHost> {
        let (web, api) = (self.github_web_url.as_deref(), self.github_api_url.as_deref());
        match (web, api) {
            (None, None) => return Some(GithubHost::github_com()),
            (Some(web), Some(api)) => {
                if let Ok(host) = GithubHost::at(web, api) {
                    return Some(host);
                }
            }
            (Some(_), None) | (None, Some(_)) => {
                let (given, missing) = if web.is_some() {
                    ("--github-web-url", "--github-api-url")
                } else {
                    ("--github-api-url", "--github-web-url")
                };
                mistakes.0.push(Mistake::new(
                    given,
                    format!("is given without {missing}"),
                    "give both, or neither for github.com",
                ));
            }
        }
        // Each by itself, to say which one it is.
        for (place, url) in [("--github-web-url", web), ("--github-api-url", api)] {
            if let Some(Err(error)) = url.map(|url| GithubHost::at(url, url)) {
                mistakes.0.push(Mistake::told(place, &error));
            }
        }
        None
    }

    fn app_id(&self, mistakes: &mut Mistakes) -> Option<AppId> {
        let text = self.github_app_id.as_deref()?.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|_| digits).and_then(|id: u64| AppId::new(id).ok());
        if id.is_none() {
            mistakes.0.push(Mistake::told("--github-app-id", &ConfigError::AppId));
        }
        id
    }

    fn oauth_client(&self, mistakes: &mut Mistakes) -> (Option<String>, Option<SecretString>) {
        let forms = TwoForms {
            name: "github-client-secret",
            text: self.github_client_secret.as_ref(),
            file: self.github_client_secret_file.as_ref(),
        };
        let given = forms.text.is_some() || forms.file.is_some();
        let secret = forms.read().unwrap_or_else(|mistake| {
            mistakes.0.push(mistake);
            None
        });
        match (&self.github_client_id, given) {
            (Some(_), false) => mistakes.0.push(Mistake::new(
                "--github-client-id",
                "is given without its secret",
                "give --github-client-secret-file or DOCKLINE_GITHUB_CLIENT_SECRET; one is generated on the App's settings page",
            )),
            (None, true) => mistakes.0.push(Mistake::new(
                "--github-client-secret",
                "is given without a client id",
                "give --github-client-id, as the App's settings page shows it",
            )),
            (Some(_), true) | (None, false) => {}
        }
        (self.github_client_id.as_deref().map(|id| id.trim().to_owned()), secret)
    }

    fn signing(&self, mistakes: &mut Mistakes) -> Option<Signing> {
        let forms = TwoForms {
            name: "github-private-key",
            text: self.github_private_key.as_ref(),
            file: self.github_private_key_file.as_ref(),
        };
        let with_key = forms.text.is_some() || forms.file.is_some();
        let key = forms.read().unwrap_or_else(|mistake| {
            mistakes.0.push(mistake);
            None
        });
        match (&self.github_signer_command, with_key) {
            (None, true) => key.map(Signing::Pem),
            (Some(_), true) => {
                mistakes.0.push(Mistake::new(
                    "--github-signer-command",
                    "is given beside a private key",
                    "keep the one that is to sign",
                ));
                None
            }
            (None, false) => {
                mistakes.0.push(Mistake::new(
                    "--github-private-key-file",
                    "no private key of the App is given",
                    "give the file that GitHub made, or DOCKLINE_GITHUB_PRIVATE_KEY with its text, or --github-signer-command",
                ));
                None
            }
            (Some(command), false) => match SignerCommand::parse(command) {
                Ok(command) => Some(Signing::By(Arc::new(command))),
                Err(mistake) => {
                    mistakes.0.push(mistake);
                    None
                }
            },
        }
    }

    fn public_key(&self, mistakes: &mut Mistakes) -> Option<PublicKey> {
        const PLACE: &str = "--github-public-key-file";
        let path = self.github_public_key_file.as_ref()?;
        match fs::read_to_string(path) {
            Ok(pem) => match PublicKey::from_pem(&pem) {
                Ok(key) => return Some(key),
                Err(problem) => {
                    mistakes.0.push(Mistake::told(PLACE, &format_args!("{} {problem}", path.display())));
                }
            },
            Err(error) => {
                let cause = format!("{} cannot be read: {error}", path.display());
                mistakes.0.push(Mistake::new(PLACE, cause, "name a file that this user can read"));
            }
        }
        None
    }
}
