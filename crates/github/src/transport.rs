use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use dockline::InstallationToken;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Method, redirect};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tracing::Instrument;
use tracing::field::Empty;

use crate::answer::Answer;
use crate::api_version::ApiVersion;
use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::excerpt;
use crate::fault::GithubFault;
use crate::observer::{Called, Observer, Operation, Outcome};

/// Room for nearly every answer: a hundred installations are about 300 KiB (lesson L-65).
pub(crate) const USUAL: usize = 1 << 20;
/// Room for answers that hold repositories, about 6 KiB each: a hundred are listed on a page, and up to five hundred come
/// with a token that was narrowed to them.
pub(crate) const LARGE: usize = 8 << 20;

/// With what a call is authenticated.
#[derive(Clone, Copy)]
pub(crate) enum Credential<'a> {
    /// The client's secret is in the body.
    InBody,
    /// The App's JWT or a visitor's token.
    Bearer(&'a SecretString),
    /// An installation's token.
    Installation(&'a InstallationToken),
    /// The OAuth client's id and secret.
    Basic(&'a str, &'a SecretString),
}

pub(crate) enum Body {
    None,
    Form(String),
    Json(String),
}

/// One request. Not `Debug`: it holds secrets.
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) credential: Credential<'a>,
    pub(crate) body: Body,
    /// One more header.
    pub(crate) header: Option<(&'static str, &'static str)>,
    /// Bytes that the answer may have.
    pub(crate) room: usize,
}

impl<'a> Call<'a> {
    /// One without a body, whose answer is of the usual size.
    pub(crate) fn new(operation: Operation, method: Method, url: String, credential: Credential<'a>) -> Self {
        Self { operation, method, url, credential, body: Body::None, header: None, room: USUAL }
    }
}

/// HTTPS with deadlines and caps, and no opinion on what answers mean.
pub(crate) struct Transport {
    client: Client,
    version: ApiVersion,
    observer: Option<Arc<dyn Observer>>,
}

impl Transport {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls(config)?)
            .redirect(redirect::Policy::none())
            // Said aloud, since another crate in the host's tree may switch reqwest's `system-proxy` on.
            .no_proxy()
            .referer(false)
            .connect_timeout(config.connect_timeout)
            .timeout(config.timeout)
            .tcp_nodelay(true)
            .user_agent(config.user_agent())
            .build()
            .map_err(|error| ConfigError::Client(innermost(error)))?;
        Ok(Self { client, version: config.api_version, observer: config.observer.clone() })
    }

    /// Sends `call` and reads the whole answer, within the timeout, in a span of its own.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, GithubFault> {
        let operation = call.operation;
        let span =
            tracing::debug_span!("github", operation = operation.as_str(), status = Empty, outcome = Empty);
        let begun = Instant::now();
        let answer = self.exchange(call).instrument(span.clone()).await;
        let outcome = Outcome::of(&answer);
        if let Ok(answer) = &answer {
            span.record("status", answer.status);
        }
        span.record("outcome", outcome.as_str());
        if let Some(observer) = &self.observer {
            observer.called(Called { operation, outcome, took: begun.elapsed() });
        }
        answer
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Answer, GithubFault> {
        let request = self.client.request(call.method, call.url);
        let request = match call.credential {
            // Not the API: the page where codes are exchanged.
            Credential::InBody => request.header(ACCEPT, "application/json"),
            Credential::Bearer(token) => self.to_api(request).bearer_auth(token.expose_secret()),
            Credential::Installation(token) => self.to_api(request).bearer_auth(token.expose()),
            Credential::Basic(id, secret) => {
                self.to_api(request).basic_auth(id, Some(secret.expose_secret()))
            }
        };
        let request = match call.body {
            Body::None => request,
            Body::Form(body) => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body),
            Body::Json(body) => request.header(CONTENT_TYPE, "application/json").body(body),
        };
        let request = match call.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let mut response = request.send().await.map_err(fault)?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > call.room {
                return Err(GithubFault::TooLarge { room: call.room });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    fn to_api(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request
            .header(ACCEPT, "application/vnd.github+json")
            .header("X-GitHub-Api-Version", self.version.as_str())
    }
}

/// ring, named here: whatever the host's tree installs or unifies as the process's provider plays no part (lesson
/// L-46). The roots are the machine's, since an enterprise server's certificate often comes from the company's own
/// authority; reqwest brings the verifier into the tree anyway, a bundle of Mozilla's roots would be one more crate
/// under one more licence.
fn tls(config: &GithubAppConfig) -> Result<ClientConfig, ConfigError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Client(error.to_string()))?;
    if config.host.is_plain_http() {
        // A simulator on this machine needs no authorities, and must run where there are none.
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let builder =
        builder.with_platform_verifier().map_err(|error| ConfigError::TrustStore(error.to_string()))?;
    Ok(builder.with_no_client_auth())
}

fn fault(error: reqwest::Error) -> GithubFault {
    if error.is_timeout() {
        GithubFault::TimedOut
    } else if error.is_builder() {
        // Of all that a request is made of, only a visitor's token comes from outside.
        GithubFault::not_githubs("a token that no header can carry")
    } else if does_not_speak_http(&error) {
        GithubFault::not_githubs(innermost(error))
    } else {
        GithubFault::Unreachable { detail: innermost(error) }
    }
}

fn does_not_speak_http(error: &reqwest::Error) -> bool {
    std::iter::successors(error.source(), |&cause| cause.source())
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_parse)
}

/// The innermost cause says most ("Connection refused", "invalid peer certificate: UnknownIssuer"), and knows neither
/// URL nor headers.
fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    excerpt::cleaned(&cause.to_string())
}
