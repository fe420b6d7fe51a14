use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use time::{Duration, OffsetDateTime};

use super::repositories::{Listed, ListingFlight};
use crate::cache::Cache;
use crate::error::{PortError, TokenError};
use crate::model::{Binding, InstallationId, InstallationToken};
use crate::ports::{GithubGateway, ListOutcome};
use crate::rules::listing::{Listing, Step};
use crate::service::Dockline;

/// Readings that were interrupted.
pub(in crate::service) type Readings = Cache<(), Interrupted, Infallible>;

/// The pages of an interrupted reading.
#[derive(Debug, Clone)]
pub(in crate::service) struct Interrupted {
    listing: Listing,
    begun: OffsetDateTime,
}

/// The number of pages that are requested at the same time.
const PARALLEL: usize = 5;

/// How long after its begin an interrupted reading can be continued.
const KEPT_FOR: Duration = Duration::minutes(10);

/// Reads all pages of an installation's repositories. If all callers leave before the end, or a page fails, keeps the pages
/// that were read, and the next call continues with the others.
pub(super) struct Reading {
    dockline: Dockline,
    installation: InstallationId,
    generation: u64,
    flight: Option<ListingFlight>,
    listing: Listing,
    begun: OffsetDateTime,
}

impl Reading {
    pub(super) fn continued(dockline: &Dockline, bound: &Binding, flight: ListingFlight) -> Self {
        let (installation, generation) = (bound.installation, bound.generation);
        let now = dockline.now();
        let kept = dockline.0.readings.take(installation, &(), generation, now);
        let kept = kept.unwrap_or_else(|| Interrupted { listing: Listing::default(), begun: now });
        let Interrupted { listing, begun } = kept;
        Self { dockline: dockline.clone(), installation, generation, flight: Some(flight), listing, begun }
    }

    /// Reads the missing pages.
    pub(super) async fn read(&mut self, token: &InstallationToken) -> Result<Listed, TokenError> {
        loop {
            let numbers = match self.listing.step() {
                Step::Read(numbers) => numbers,
                Step::Done(all) => return Ok(Listed::All(all.into())),
                Step::TooMany => return Ok(Listed::TooMany),
            };
            let request = |number| page(Arc::clone(&self.dockline.0.ports.github), token.clone(), number);
            let pages: Vec<_> = numbers.into_iter().map(request).collect();
            let mut pages = stream::iter(pages).buffer_unordered(PARALLEL);
            while let Some((number, outcome)) = pages.next().await {
                match outcome? {
                    ListOutcome::Page { repositories, total, next } => {
                        self.listing.insert(number, repositories, total, next);
                    }
                    ListOutcome::TokenRefused => return Ok(Listed::TokenRefused),
                    ListOutcome::Denied(cause) => return Err(TokenError::Denied(cause)),
                }
            }
        }
    }

    /// Stores the result. Returns `false` if the installation's entries were evicted meanwhile: the result must not be used.
    pub(super) fn complete(mut self, listed: Listed, fresh_for: Duration) -> bool {
        let now = self.dockline.now();
        self.flight.take().is_some_and(|flight| flight.complete(listed, now, now + fresh_for))
    }
}

async fn page(
    github: Arc<dyn GithubGateway>,
    token: InstallationToken,
    number: u32,
) -> (u32, Result<ListOutcome, PortError>) {
    (number, github.repositories(&token, number).await)
}

impl Drop for Reading {
    fn drop(&mut self) {
        let is_current = self.flight.as_ref().is_some_and(ListingFlight::is_current);
        if is_current && !self.listing.is_empty() {
            let interrupted = Interrupted { listing: std::mem::take(&mut self.listing), begun: self.begun };
            let (now, until) = (self.dockline.now(), self.begun + KEPT_FOR);
            self.dockline.0.readings.put(self.installation, (), self.generation, interrupted, now, until);
        }
    }
}
