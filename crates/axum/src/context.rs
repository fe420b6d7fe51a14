//! What every handler is given.

use std::sync::Arc;
use std::time::Duration;

use dockline::Dockline;
use dockline::ports::{Clock, Entropy, OsEntropy, SystemClock};

#[cfg(feature = "openapi")]
use crate::document::KeptDocument;
use crate::guessing::AuthFailureLimit;
use crate::large_bodies::LargeBodies;
use crate::monitoring::{Exposition, Readiness};
use crate::pages::{Pages, PlainPages};
use crate::refresher::Refresher;
use crate::trace_parent::TraceLinks;

/// What a host may choose about the router.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    pub(crate) pages: Arc<dyn Pages>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) deadline: Duration,
    pub(crate) refresher: Option<Refresher>,
    pub(crate) readiness: Option<Arc<dyn Readiness>>,
    pub(crate) exposition: Option<Arc<dyn Exposition>>,
    pub(crate) guess_limit: Option<AuthFailureLimit>,
    pub(crate) trace_links: Option<Arc<dyn TraceLinks>>,
    pub(crate) server_url: Option<String>,
}

impl Default for RouterOptions {
    /// Our own pages, the machine's clock and randomness, a minute for a request, no refresher; ready as long as it
    /// answers, no metrics, no limit of guesses.
    fn default() -> Self {
        Self {
            pages: Arc::new(PlainPages),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            deadline: Duration::from_secs(60),
            refresher: None,
            readiness: None,
            exposition: None,
            guess_limit: None,
            trace_links: None,
            server_url: None,
        }
    }
}

impl RouterOptions {
    /// The host's own confirmation and refusal pages.
    #[must_use]
    pub fn with_pages(mut self, pages: Arc<dyn Pages>) -> Self {
        self.pages = pages;
        self
    }

    /// Where request ids take their time from.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long a request may take, its body included; then it is a 503, and what it was doing is dropped, which leaves
    /// nothing half done. Longer than the ports' own deadlines together, which should end it first.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Who asks GitHub about an installation after a webhook about it was acknowledged. Without one, such hints are logged
    /// and left to the host's sweep ([`Dockline::reconcile`]): only installs and uninstalls then have effect at once.
    #[must_use]
    pub fn with_refresher(mut self, refresher: Refresher) -> Self {
        self.refresher = Some(refresher);
        self
    }

    /// Who says at `/readyz` whether this node should be sent requests. Without one it is ready as long as it answers.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Arc<dyn Readiness>) -> Self {
        self.readiness = Some(readiness);
        self
    }

    /// What `/metrics` tells. Without one there is nothing at that path.
    #[must_use]
    pub fn with_metrics(mut self, exposition: Arc<dyn Exposition>) -> Self {
        self.exposition = Some(exposition);
        self
    }

    /// How often a client address may be refused for want of valid credentials (401) before it is a 429. Callers with a
    /// valid key and deliveries with a good signature are never limited by it.
    ///
    /// Requests must carry [`axum::extract::ConnectInfo`]`<SocketAddr>`, as `into_make_service_with_connect_info` provides
    /// it; without, nothing is limited, and a warning says so once. Each router counts for itself, in bounded memory.
    #[must_use]
    pub fn with_auth_failure_limit(mut self, limit: AuthFailureLimit) -> Self {
        self.guess_limit = Some(limit);
        self
    }

    /// Who ties requests' spans to their callers' traces. Without one, `traceparent` is not looked at.
    #[must_use]
    pub fn with_trace_links(mut self, links: Arc<dyn TraceLinks>) -> Self {
        self.trace_links = Some(links);
        self
    }

    /// Where clients reach the router, such as `https://api.example.com`, for `servers` of `/openapi.json`. Without it the
    /// document names the prefix that it was asked for under, which is right where no proxy rewrites paths.
    #[must_use]
    pub fn with_server_url(mut self, url: impl Into<String>) -> Self {
        self.server_url = Some(url.into());
        self
    }

    /// Where request ids take their randomness from.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) dockline: Dockline,
    pub(crate) options: RouterOptions,
    pub(crate) large_bodies: LargeBodies,
    #[cfg(feature = "openapi")]
    pub(crate) document: KeptDocument,
}
