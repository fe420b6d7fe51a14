use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tracing::Instrument;
use tracing::field::Empty;

use super::connector::Connector;
use super::error_mapping::error_of;
use super::redact::redacted;
use super::request::{Body, Credential, Request};
use super::response::Response;
use crate::api_version::ApiVersion;
use crate::config::GithubAppConfig;
use crate::error::{ConfigError, GithubError};
use crate::observer::{CallOutcome, CompletedCall, Observer};

/// How long an idle connection is kept for the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// HTTP/1.1 with deadlines and size limits. Follows no redirects and never retries a response; what a response means is
/// decided elsewhere.
pub(crate) struct HttpClient {
    client: Client<Connector, Full<Bytes>>,
    timeout: Duration,
    user_agent: String,
    version: ApiVersion,
    observer: Option<Arc<dyn Observer>>,
}

impl HttpClient {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(Connector::new(config)?);
        Ok(Self {
            client,
            timeout: config.timeout,
            user_agent: config.user_agent(),
            version: config.api_version,
            observer: config.observer.clone(),
        })
    }

    /// Sends the request and reads the whole response within the timeout, in a span of its own.
    pub(crate) async fn send(
        &self,
        base: &str,
        request: Request,
        credential: Credential<'_>,
    ) -> Result<Response, GithubError> {
        let operation = request.operation;
        let span =
            tracing::debug_span!("github", operation = operation.as_str(), status = Empty, outcome = Empty);
        let started = Instant::now();
        let exchange = timeout(self.timeout, self.exchange(base, request, credential));
        let result = exchange.instrument(span.clone()).await.unwrap_or(Err(GithubError::TimedOut));
        let outcome = match &result {
            Ok(response) => error_of(response).as_ref().map_or(CallOutcome::Ok, CallOutcome::of),
            Err(error) => CallOutcome::of(error),
        };
        if let Ok(response) = &result {
            span.record("status", response.status);
        }
        span.record("outcome", outcome.as_str());
        if let Some(observer) = &self.observer {
            observer.call_completed(CompletedCall { operation, outcome, duration: started.elapsed() });
        }
        result
    }

    async fn exchange(
        &self,
        base: &str,
        request: Request,
        credential: Credential<'_>,
    ) -> Result<Response, GithubError> {
        let max_body = request.max_body;
        let request = self.http_request(base, request, credential)?;
        let response = self.client.request(request).await.map_err(|error| transport_error(&error))?;
        let (head, body) = response.into_parts();
        let body = read(body, max_body).await?;
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
    }

    fn http_request(
        &self,
        base: &str,
        request: Request,
        credential: Credential<'_>,
    ) -> Result<http::Request<Full<Bytes>>, GithubError> {
        let is_api = !matches!(credential, Credential::InForm);
        let authorization = match credential {
            Credential::InForm | Credential::InPath => None,
            Credential::Bearer(token) => Some(authorization("Bearer", token.expose_secret())?),
            Credential::Installation(token) => Some(authorization("Bearer", token.expose())?),
            Credential::Basic(id, secret) => {
                let pair = BASE64.encode(format!("{id}:{}", secret.expose_secret()).as_bytes());
                Some(authorization("Basic", &pair)?)
            }
        };
        let builder = http::Request::builder()
            .method(request.method)
            .uri(format!("{base}{}", request.path))
            .header(USER_AGENT, &self.user_agent);
        let builder = match authorization {
            Some(authorization) => builder.header(AUTHORIZATION, authorization),
            None => builder,
        };
        let builder = if is_api {
            builder
                .header(ACCEPT, "application/vnd.github+json")
                .header("X-GitHub-Api-Version", self.version.as_str())
        } else {
            // This goes to a page of the web host.
            builder.header(ACCEPT, "application/json")
        };
        let builder = match request.extra_header {
            Some((name, value)) => builder.header(name, value),
            None => builder,
        };
        let (builder, body) = match request.body {
            Body::None => (builder, Bytes::new()),
            Body::Form(form) => {
                (builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded"), form.into())
            }
            Body::Json(json) => (builder.header(CONTENT_TYPE, "application/json"), json.into()),
        };
        let request = builder.body(Full::new(body));
        request.map_err(|_| GithubError::invalid_response("a value that a request cannot hold"))
    }
}

/// Marks the header as sensitive. A visitor's token is the only credential that is not validated before.
fn authorization(scheme: &str, credential: &str) -> Result<HeaderValue, GithubError> {
    let mut value = HeaderValue::try_from(format!("{scheme} {credential}"))
        .map_err(|_| GithubError::invalid_response("a token with characters that a header cannot hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads the body; more than `max_body` bytes are an error.
async fn read(mut body: Incoming, max_body: usize) -> Result<Vec<u8>, GithubError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| transport_error(&error))?.into_data() else { continue };
        if bytes.len() + data.len() > max_body {
            return Err(GithubError::TooLarge { max_body });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

fn transport_error(error: &(dyn Error + 'static)) -> GithubError {
    let causes = || std::iter::successors(Some(error), |&cause| cause.source());
    let is_timeout = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut)
    };
    let is_not_http =
        |cause: &(dyn Error + 'static)| cause.downcast_ref().is_some_and(hyper::Error::is_parse);
    // The innermost cause is the most precise ("Connection refused", "invalid peer certificate: UnknownIssuer").
    // A colon would separate the cause from the remedy, as in all texts of errors here.
    let detail = redacted(&causes().last().unwrap_or(error).to_string()).replace(": ", ", ");
    if causes().any(is_timeout) {
        GithubError::TimedOut
    } else if causes().any(is_not_http) {
        GithubError::invalid_response(detail)
    } else {
        GithubError::Unreachable { detail }
    }
}
