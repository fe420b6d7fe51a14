//! What every handler is given.

use std::sync::Arc;

use dockline::Dockline;
use dockline::ports::{Clock, Entropy, OsEntropy, SystemClock};

use crate::pages::{Pages, PlainPages};

/// What a host may choose about the router.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    pub(crate) pages: Arc<dyn Pages>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Default for RouterOptions {
    /// Our own pages, the machine's clock and randomness.
    fn default() -> Self {
        Self { pages: Arc::new(PlainPages), clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
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
}
