use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use dockline::Dockline;
use dockline::ports::{Clock, Entropy, OsEntropy, Readiness, RefreshQueue, SystemClock};
use http::HeaderName;

use crate::RouterError;
use crate::authenticator::Authenticator;
use crate::endpoint::Endpoint;
use crate::middleware::auth_failures::{AuthFailureLimit, AuthFailures};
use crate::middleware::tenant_selector;
use crate::middleware::trace_parent::TraceLinks;
use crate::monitoring::Exposition;
use crate::pages::{Pages, PlainPages};
use crate::routes::openapi::Documents;
use crate::routes::webhook_body::LargeBodies;

/// The options of a router.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) tenant_headers: Vec<HeaderName>,
    pub(crate) pages: Arc<dyn Pages>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) deadline: Duration,
    pub(crate) refresh_queue: Option<Arc<dyn RefreshQueue>>,
    pub(crate) readiness: Option<Arc<dyn Readiness>>,
    pub(crate) exposition: Option<Arc<dyn Exposition>>,
    pub(crate) auth_failure_limit: Option<AuthFailureLimit>,
    pub(crate) trace_links: Option<Arc<dyn TraceLinks>>,
    pub(crate) public_url: Option<String>,
}

impl Default for RouterOptions {
    /// Built-in pages, the system's clock and randomness, a deadline of one minute, the tenant header
    /// `X-Layers-Organization`; no refresh queue, readiness checks, metrics or limit of failed authentications.
    fn default() -> Self {
        Self {
            authenticator: None,
            allowed_origins: Vec::new(),
            tenant_headers: vec![tenant_selector::DEFAULT],
            pages: Arc::new(PlainPages),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            deadline: Duration::from_secs(60),
            refresh_queue: None,
            readiness: None,
            exposition: None,
            auth_failure_limit: None,
            trace_links: None,
            public_url: None,
        }
    }
}

impl RouterOptions {
    /// Authenticates the callers of the API with the host's own login. If API keys are configured as well, a request with a
    /// Bearer token that begins with `lp_` is authenticated by its key, any other by the login.
    ///
    /// install-url accepts a caller's own `state` only with an API key.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Sets the origins, such as `https://app.example.com`, that may send an ambient credential from a browser without
    /// `Sec-Fetch-Site`. See [`Authenticator::is_ambient`].
    #[must_use]
    pub fn with_allowed_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the headers by which clients select an organization; by default `X-Layers-Organization`. An authenticated request
    /// with such a header that names another organization than the caller's is rejected (403 `FORBIDDEN_SCOPE`).
    #[must_use]
    pub fn with_tenant_headers(mut self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        self.tenant_headers = headers.into_iter().collect();
        self
    }

    /// Sets the host's own confirmation and refusal pages.
    #[must_use]
    pub fn with_pages(mut self, pages: Arc<dyn Pages>) -> Self {
        self.pages = pages;
        self
    }

    /// Sets the clock of request ids.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the deadline of a request, its body included. After it, the response is 503 and the work is dropped, which
    /// leaves no partial change. Choose it longer than the deadlines of the ports together.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the queue for installations that a webhook hinted at, such as `dockline_worker::Worker::refresh_queue`. Without
    /// a queue, hints are logged and left to the host's sweep ([`Dockline::reconcile`]): only installs and uninstalls then
    /// have effect at once.
    #[must_use]
    pub fn with_refresh_queue(mut self, queue: Arc<dyn RefreshQueue>) -> Self {
        self.refresh_queue = Some(queue);
        self
    }

    /// Sets what `/readyz` reports, such as `dockline_worker::Worker::readiness`. Without it, the node is ready as long as
    /// it answers.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Arc<dyn Readiness>) -> Self {
        self.readiness = Some(readiness);
        self
    }

    /// Serves the metrics at `/metrics`. Without it, the path is 404.
    #[must_use]
    pub fn with_metrics(mut self, exposition: Arc<dyn Exposition>) -> Self {
        self.exposition = Some(exposition);
        self
    }

    /// Limits failed authentications and refused visits to the callback per client address: above it, they become 429. Valid
    /// keys, correctly signed deliveries and visits that succeed are never limited.
    ///
    /// Requests must carry [`axum::extract::ConnectInfo`]`<SocketAddr>`, as `into_make_service_with_connect_info` provides
    /// it. Without it, nothing is limited, and one warning is logged. Each router counts for itself, in bounded memory.
    #[must_use]
    pub fn with_auth_failure_limit(mut self, limit: AuthFailureLimit) -> Self {
        self.auth_failure_limit = Some(limit);
        self
    }

    /// Links spans of requests to the traces of their callers. Without it, `traceparent` is ignored.
    #[must_use]
    pub fn with_trace_links(mut self, links: Arc<dyn TraceLinks>) -> Self {
        self.trace_links = Some(links);
        self
    }

    /// Sets the URL at which browsers and clients reach the router, such as `https://api.example.com`, without a slash at its
    /// end.
    ///
    /// It is sent to GitHub as the `redirect_uri` of the web flow: without it, GitHub returns to the App's *first* callback
    /// URL. It is also in `servers` of the OpenAPI documents, which otherwise name the prefix of the request; that is correct
    /// unless a proxy rewrites paths.
    #[must_use]
    pub fn with_public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Returns the URL of the callback, if the public URL is configured.
    pub(crate) fn callback_url(&self, callback: Endpoint) -> Option<String> {
        let base = self.public_url.as_ref()?;
        Some(format!("{}{}", base.trim_end_matches('/'), callback.method_and_path().1))
    }

    /// Sets the randomness of request ids.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }
}

/// The state of the middleware and of every handler. A clone is another handle to the same state: axum clones it several times
/// for each request.
#[derive(Debug, Clone)]
pub(crate) struct Context(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dockline: Dockline,
    pub(crate) options: RouterOptions,
    pub(crate) auth_failures: Option<AuthFailures>,
    pub(crate) large_bodies: LargeBodies,
    pub(crate) documents: Documents,
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Context {
    pub(crate) fn new(dockline: Dockline, options: RouterOptions) -> Self {
        Self(Arc::new(Shared {
            dockline,
            auth_failures: options.auth_failure_limit.as_ref().map(AuthFailures::new),
            options,
            large_bodies: LargeBodies::default(),
            documents: Documents::default(),
        }))
    }

    /// Fails if nothing authenticates the callers of the API.
    pub(crate) fn check(&self) -> Result<(), RouterError> {
        if self.options.authenticator.is_some() || self.dockline.has_api_keys() {
            Ok(())
        } else {
            Err(RouterError::NoAuthentication)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_of_the_state_copies_one_pointer() {
        assert_eq!(size_of::<Context>(), size_of::<usize>());
        assert_eq!(size_of::<Dockline>(), size_of::<usize>());
    }
}
