use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dockline::AppId;
use dockline::ports::{Clock, SystemClock};
use secrecy::SecretString;

use crate::api_version::ApiVersion;
use crate::auth::{LocalSigner, PublicKey, Signer};
use crate::error::ConfigError;
use crate::host::GithubHost;
use crate::identifiers::{client_id, client_secret, fits, is_slug};
use crate::observer::Observer;
use crate::proxy::HttpsProxy;

/// The issuer of the App's JWT. GitHub recommends the client id and accepts either; enterprise servers up to 3.13 accept
/// only the App id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Issuer {
    /// The App's client id (`Iv…`).
    ClientId(String),
    /// The App id.
    AppId,
}

#[derive(Clone)]
enum Signing {
    Pem(SecretString),
    Signer(Arc<dyn Signer>),
}

/// The configuration of a [`GithubApp`](crate::GithubApp), validated by [`GithubApp::new`].
///
/// [`GithubApp::new`]: crate::GithubApp::new
#[derive(Clone)]
pub struct GithubAppConfig {
    pub(crate) app: AppId,
    pub(crate) slug: String,
    signing: Signing,
    pub(crate) public_key: Option<PublicKey>,
    pub(crate) signing_timeout: Duration,
    pub(crate) host: GithubHost,
    pub(crate) proxy: Option<HttpsProxy>,
    pub(crate) issuer: Option<Issuer>,
    pub(crate) oauth: Option<(String, SecretString)>,
    pub(crate) api_version: ApiVersion,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) user_agent_suffix: Option<String>,
    pub(crate) stateless_tokens: Option<bool>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl GithubAppConfig {
    /// Configures an App of github.com: its id, its name in URLs (`github.com/apps/<slug>`) and the content of its `.pem`
    /// file.
    #[must_use]
    pub fn new(app: AppId, slug: impl Into<String>, private_key_pem: SecretString) -> Self {
        Self::with(app, slug.into(), Signing::Pem(private_key_pem))
    }

    /// Configures an App whose private key is not in this process, as [`Self::new`] otherwise.
    #[must_use]
    pub fn signed_by(app: AppId, slug: impl Into<String>, signer: Arc<dyn Signer>) -> Self {
        Self::with(app, slug.into(), Signing::Signer(signer))
    }

    fn with(app: AppId, slug: String, signing: Signing) -> Self {
        Self {
            app,
            slug,
            signing,
            public_key: None,
            signing_timeout: Duration::from_secs(5),
            host: GithubHost::github_com(),
            proxy: None,
            issuer: None,
            oauth: None,
            api_version: ApiVersion::default(),
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            user_agent_suffix: None,
            stateless_tokens: None,
            clock: Arc::new(SystemClock),
            observer: None,
        }
    }

    /// As [`Self::new`], with the App id as text, for example from an environment variable. Surrounding blanks and line
    /// breaks are ignored.
    ///
    /// # Errors
    /// [`ConfigError::AppId`] if it is not a number from 1 to 2^53-1.
    pub fn from_text(
        app: &str,
        slug: impl Into<String>,
        private_key_pem: SecretString,
    ) -> Result<Self, ConfigError> {
        let app = app.trim();
        let digits = !app.is_empty() && app.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = app.parse().ok().filter(|_| digits).ok_or(ConfigError::AppId)?;
        Ok(Self::new(AppId::new(number).map_err(|_| ConfigError::AppId)?, slug, private_key_pem))
    }

    /// Sets the GitHub host. Default: github.com.
    #[must_use]
    pub fn with_host(mut self, host: GithubHost) -> Self {
        self.host = host;
        self
    }

    /// Sends every request to GitHub through this proxy. Without it the gateway connects directly, and ignores the
    /// proxies of the environment.
    #[must_use]
    pub fn with_proxy(mut self, proxy: HttpsProxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Sets the App's OAuth client, which checks visitors. Its id also becomes the JWT's issuer, unless
    /// [`Self::with_issuer`] sets another.
    #[must_use]
    pub fn with_oauth_client(mut self, client_id: impl Into<String>, client_secret: SecretString) -> Self {
        self.oauth = Some((client_id.into(), client_secret));
        self
    }

    /// Sets the JWT's issuer. Default: the OAuth client's id, or the App id without an OAuth client.
    #[must_use]
    pub fn with_issuer(mut self, issuer: Issuer) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Verifies each signature with this key before use, so that a signer with the wrong key is reported as such.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        self.public_key = Some(key);
        self
    }

    /// Sets the timeout of one signature: more than zero, at most ten minutes. Default: 5 s.
    #[must_use]
    pub fn with_signing_timeout(mut self, timeout: Duration) -> Self {
        self.signing_timeout = timeout;
        self
    }

    /// Sets the version of the API.
    #[must_use]
    pub fn with_api_version(mut self, version: ApiVersion) -> Self {
        self.api_version = version;
        self
    }

    /// Sets the timeout of connecting (TCP and TLS). Default: 3 s.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the timeout of one request, to the last byte of the response. Default: 10 s, GitHub's own limit. Operations of
    /// several requests (checking a visitor, finding an installer) may take three times as long, and checking a visitor once
    /// more to revoke the token.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Appends your product's name to `dockline/<version>` in the user agent, for GitHub's support.
    #[must_use]
    pub fn with_user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Requests installation tokens in the new, long format (true) or the old, short one (false), to test code that handles
    /// tokens. Default: GitHub chooses. GitHub supports the header `X-GitHub-Stateless-S2S-Token` for a transition period only.
    #[must_use]
    pub fn with_stateless_tokens(mut self, stateless: bool) -> Self {
        self.stateless_tokens = Some(stateless);
        self
    }

    /// Replaces the system clock for JWTs, tokens and rate limits. Timeouts use real time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets a receiver of each request to GitHub and each signature.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Returns everything that [`GithubApp::new`] would reject, which reports only the first. Makes no network call.
    ///
    /// [`GithubApp::new`]: crate::GithubApp::new
    #[must_use]
    pub fn problems(&self) -> Vec<ConfigError> {
        let mut problems = self.problems_except_key();
        problems.extend(self.signer().err());
        problems
    }

    fn problems_except_key(&self) -> Vec<ConfigError> {
        let mut problems = Vec::new();
        if !is_slug(self.slug.trim()) {
            problems.push(ConfigError::Slug);
        }
        if let Some((id, secret)) = &self.oauth {
            problems.extend(client_id(id).err());
            problems.extend(client_secret(secret).err());
        }
        if let Some(Issuer::ClientId(id)) = &self.issuer {
            problems.extend(client_id(id).err());
        }
        let sane = |timeout: Duration| !timeout.is_zero() && timeout <= Duration::from_secs(600);
        if ![self.connect_timeout, self.timeout, self.signing_timeout].into_iter().all(sane) {
            problems.push(ConfigError::Timeout);
        }
        let in_agent = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if self.user_agent_suffix.as_deref().is_some_and(|suffix| !fits(suffix.trim(), in_agent)) {
            problems.push(ConfigError::UserAgent);
        }
        problems
    }

    /// Validates everything but the key, and trims the ids.
    pub(crate) fn checked(mut self) -> Result<Self, ConfigError> {
        if let Some(first) = self.problems_except_key().into_iter().next() {
            return Err(first);
        }
        self.slug = self.slug.trim().to_owned();
        if let Some((id, secret)) = self.oauth.take() {
            self.oauth = Some((client_id(&id)?, client_secret(&secret)?));
        }
        self.issuer = match (self.issuer.take(), &self.oauth) {
            (Some(Issuer::ClientId(id)), _) => Some(Issuer::ClientId(client_id(&id)?)),
            (Some(Issuer::AppId), _) | (None, None) => Some(Issuer::AppId),
            (None, Some((id, _))) => Some(Issuer::ClientId(id.clone())),
        };
        Ok(self)
    }

    pub(crate) fn signer(&self) -> Result<Arc<dyn Signer>, ConfigError> {
        match &self.signing {
            Signing::Pem(pem) => Ok(Arc::new(LocalSigner::from_pem(pem)?)),
            Signing::Signer(signer) => Ok(Arc::clone(signer)),
        }
    }

    pub(crate) fn user_agent(&self) -> String {
        let ours = concat!("dockline/", env!("CARGO_PKG_VERSION"));
        match &self.user_agent_suffix {
            Some(suffix) => format!("{ours} {}", suffix.trim()),
            None => ours.to_owned(),
        }
    }

    /// Returns the `iss` claim of the JWT.
    pub(crate) fn issuer_text(&self) -> String {
        match &self.issuer {
            Some(Issuer::ClientId(id)) => id.clone(),
            Some(Issuer::AppId) | None => self.app.to_string(),
        }
    }
}

impl fmt::Debug for GithubAppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubAppConfig")
            .field("app", &self.app)
            .field("slug", &self.slug)
            .field("host", &self.host)
            .field("proxy", &self.proxy)
            .field("issuer", &self.issuer)
            .field("oauth_client", &self.oauth.as_ref().map(|(id, _)| id))
            .field("api_version", &self.api_version)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("stateless_tokens", &self.stateless_tokens)
            .finish_non_exhaustive()
    }
}
