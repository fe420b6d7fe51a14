//! Checks of the options that need no network call; collects all errors.

use std::sync::Arc;

use dockline::AppId;
use dockline_github::{ConfigError as GithubConfigError, GithubHost, HttpsProxy, Issuer, PublicKey};
use secrecy::{ExposeSecret, SecretString};

use super::options::{GithubArgs, IssuerArg};
use super::signer_command::SignerCommand;
use super::{Configured, Signing};
use crate::config::secret::{SecretOptions, from_file};
use crate::config::{ConfigError, ConfigErrors};

/// Returns the gateway's error about an option.
fn invalid(place: &str, error: &GithubConfigError) -> ConfigError {
    ConfigError::new(place, error.cause(), error.help())
}

impl GithubArgs {
    /// Returns the checked values; `None` if it added to `errors`.
    pub(crate) fn check(&self, errors: &mut ConfigErrors) -> Option<Configured> {
        let before = errors.0.len();
        let host = self.host(errors);
        let app = self.app_id(errors);
        let (client_id, client_secret) = self.oauth_client(errors);
        let issuer = self.issuer(errors);
        let proxy = self.proxy(errors);
        let signing = self.signing(errors);
        let public_key = self.public_key(errors);
        let slug = self.github_app_slug.as_deref().map(str::trim);
        if slug.is_none() {
            errors.push(ConfigError::new(
                "--github-app-slug",
                "is not set",
                "set it to the last part of the address of the App's public page, .../apps/SLUG",
            ));
        }
        if app.is_none() && self.github_app_id.is_none() && self.github_client_id.is_none() {
            errors.push(ConfigError::new(
                "--github-app-id",
                "neither it nor --github-client-id is set, so GitHub cannot identify the App",
                "copy one of the two from the App's settings page",
            ));
        }
        let placeholder = || Signing::PrivateKey(SecretString::from(""));
        let configured = Configured {
            app,
            slug: slug.unwrap_or("slug").to_owned(),
            client_id,
            host: host.unwrap_or_default(),
            issuer,
            api_version: self.github_api_version,
            proxy,
            client_secret,
            signing: signing.clone().unwrap_or_else(placeholder),
            signing_timeout: self.github_signer_timeout.0,
            public_key,
        };
        let mut config = configured.gateway_config(app.or(AppId::new(1).ok())?);
        if let (Some(id), None) = (&configured.client_id, &configured.client_secret) {
            // Checks the form of the client id even if its secret is missing.
            config = config.with_issuer(Issuer::ClientId(id.clone()));
        }
        for problem in config.problems() {
            let place = match &problem {
                GithubConfigError::AppId => "--github-app-id",
                GithubConfigError::Slug => "--github-app-slug",
                GithubConfigError::ClientId => "--github-client-id",
                GithubConfigError::ClientSecret => "--github-client-secret",
                GithubConfigError::Timeout => "--github-signer-timeout",
                GithubConfigError::Host(_) => "--github-web-url",
                // Already reported as missing.
                GithubConfigError::PrivateKey(_) if signing.is_none() => continue,
                GithubConfigError::PrivateKey(_) if self.github_private_key.is_some() => {
                    "--github-private-key"
                }
                GithubConfigError::PrivateKey(_) => "--github-private-key-file",
                GithubConfigError::Proxy => "--https-proxy",
                GithubConfigError::ApiVersion
                | GithubConfigError::UserAgent
                | GithubConfigError::TrustStore(_)
                | GithubConfigError::Client(_)
                | _ => "GitHub",
            };
            errors.push(invalid(place, &problem));
        }
        (errors.0.len() == before).then_some(configured)
    }

    fn host(&self, errors: &mut ConfigErrors) -> Option<GithubHost> {
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
                errors.push(ConfigError::new(
                    given,
                    format!("is set without {missing}"),
                    "set both, or neither for github.com",
                ));
            }
        }
        // Checks each by itself, to name the invalid one.
        for (place, url) in [("--github-web-url", web), ("--github-api-url", api)] {
            if let Some(Err(error)) = url.map(|url| GithubHost::at(url, url)) {
                errors.push(invalid(place, &error));
            }
        }
        None
    }

    fn app_id(&self, errors: &mut ConfigErrors) -> Option<AppId> {
        let text = self.github_app_id.as_deref()?.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|_| digits).and_then(|id: u64| AppId::new(id).ok());
        if id.is_none() {
            errors.push(invalid("--github-app-id", &GithubConfigError::AppId));
        }
        id
    }

    fn oauth_client(&self, errors: &mut ConfigErrors) -> (Option<String>, Option<SecretString>) {
        let options = SecretOptions {
            name: "github-client-secret",
            text: self.github_client_secret.as_ref(),
            file: self.github_client_secret_file.as_ref(),
        };
        let has_secret = options.text.is_some() || options.file.is_some();
        let secret = errors.check(options.read()).flatten();
        match (&self.github_client_id, has_secret) {
            (Some(_), false) => errors.push(ConfigError::new(
                "--github-client-id",
                "is set without its secret",
                "set --github-client-secret-file or DOCKLINE_GITHUB_CLIENT_SECRET; generate a secret on the App's settings page",
            )),
            (None, true) => errors.push(ConfigError::new(
                "--github-client-secret",
                "is set without a client id",
                "set --github-client-id, copied from the App's settings page",
            )),
            (Some(_), true) | (None, false) => {}
        }
        (self.github_client_id.as_deref().map(|id| id.trim().to_owned()), secret)
    }

    fn issuer(&self, errors: &mut ConfigErrors) -> Option<Issuer> {
        let mut missing = |issuer: &str, option: &str| {
            errors.push(ConfigError::new(
                "--github-jwt-issuer",
                format!("is {issuer}, but {option} is not set"),
                format!("set {option}, copied from the App's settings page, or another issuer"),
            ));
        };
        match (self.github_jwt_issuer?, &self.github_client_id, &self.github_app_id) {
            (IssuerArg::AppId, _, Some(_)) => Some(Issuer::AppId),
            (IssuerArg::AppId, _, None) => {
                missing("app-id", "--github-app-id");
                None
            }
            (IssuerArg::ClientId, Some(id), _) => Some(Issuer::ClientId(id.trim().to_owned())),
            (IssuerArg::ClientId, None, _) => {
                missing("client-id", "--github-client-id");
                None
            }
        }
    }

    /// Returns the proxy, if one is set. Adds to `errors` if it is invalid.
    pub(crate) fn proxy(&self, errors: &mut ConfigErrors) -> Option<HttpsProxy> {
        let options = SecretOptions {
            name: "https-proxy",
            text: self.https_proxy.as_ref(),
            file: self.https_proxy_file.as_ref(),
        };
        let url = errors.check(options.read()).flatten()?;
        let place = if self.https_proxy.is_some() { "--https-proxy" } else { "--https-proxy-file" };
        errors.check(HttpsProxy::parse(&url).map_err(|error| invalid(place, &error)))
    }

    fn signing(&self, errors: &mut ConfigErrors) -> Option<Signing> {
        let options = SecretOptions {
            name: "github-private-key",
            text: self.github_private_key.as_ref(),
            file: self.github_private_key_file.as_ref(),
        };
        let has_key = options.text.is_some() || options.file.is_some();
        let key = errors.check(options.read()).flatten();
        match (&self.github_signer_command, has_key) {
            (None, true) => key.map(Signing::PrivateKey),
            (Some(_), true) => {
                errors.push(ConfigError::new(
                    "--github-signer-command",
                    "is set together with a private key",
                    "keep the one that should sign",
                ));
                None
            }
            (None, false) => {
                errors.push(ConfigError::new(
                    "--github-private-key-file",
                    "the App has no private key here",
                    "set it to the file downloaded from GitHub, or set DOCKLINE_GITHUB_PRIVATE_KEY or --github-signer-command",
                ));
                None
            }
            (Some(command), false) => {
                let command = errors.check(SignerCommand::parse(command))?;
                Some(Signing::Signer(Arc::new(command)))
            }
        }
    }

    fn public_key(&self, errors: &mut ConfigErrors) -> Option<PublicKey> {
        const PLACE: &str = "--github-public-key-file";
        let path = self.github_public_key_file.as_ref()?;
        let pem = errors.check(from_file("github-public-key-file", path))?;
        match PublicKey::from_pem(pem.expose_secret()) {
            Ok(key) => return Some(key),
            Err(problem) => {
                let cause = format!("{} {}", path.display(), problem.cause());
                errors.push(ConfigError::new(PLACE, cause, problem.help()));
            }
        }
        None
    }
}
