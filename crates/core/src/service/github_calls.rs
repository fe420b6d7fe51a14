use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{PortError, PortErrorKind, PortName};
use crate::model::OrganizationId;
use crate::service::Dockline;

/// The calls that may wait for GitHub at a time: half of what a server usually processes, so that the other half answers
/// calls that need no GitHub.
const MOST: usize = 512;

/// The calls of one organization among them.
const MOST_PER_ORGANIZATION: usize = 128;

/// Too many calls wait.
#[derive(Debug, thiserror::Error)]
enum TooManyCalls {
    #[error("too many calls wait for GitHub")]
    OfAll,
    #[error("too many calls of the organization wait for GitHub")]
    OfOrganization,
}

impl TooManyCalls {
    /// Returns the time after which a refused call should be repeated. An organization has so many calls in flight only if
    /// it repeats them or GitHub hardly answers, so that a second more or less does not matter to it.
    const fn retry_after(&self) -> Duration {
        match self {
            Self::OfAll => Duration::from_secs(1),
            Self::OfOrganization => Duration::from_secs(5),
        }
    }
}

/// Counts the calls that wait for GitHub. Without a bound, a GitHub that hangs would soon hold every request that the
/// process may work on; without a share, the calls of one organization would.
#[derive(Debug, Clone, Default)]
pub(super) struct GithubCalls(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_organization: HashMap<OrganizationId, usize>,
}

/// A call that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct GithubCall {
    calls: GithubCalls,
    organization: OrganizationId,
}

impl GithubCalls {
    fn begin(&self, organization: &OrganizationId) -> Result<GithubCall, TooManyCalls> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= MOST {
            return Err(TooManyCalls::OfAll);
        }
        let of_organization = counts.by_organization.entry(organization.clone()).or_default();
        if *of_organization >= MOST_PER_ORGANIZATION {
            return Err(TooManyCalls::OfOrganization);
        }
        *of_organization += 1;
        counts.all += 1;
        drop(counts);
        Ok(GithubCall { calls: self.clone(), organization: organization.clone() })
    }
}

impl Drop for GithubCall {
    fn drop(&mut self) {
        let mut counts = self.calls.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(of_organization) = counts.by_organization.get_mut(&self.organization) {
            *of_organization -= 1;
            if *of_organization == 0 {
                counts.by_organization.remove(&self.organization);
            }
        }
    }
}

impl Dockline {
    /// Counts a call of the organization that waits for GitHub.
    ///
    /// # Errors
    /// As if GitHub limited us, if too many calls of the organization (for five seconds), or of all organizations (for one),
    /// wait.
    pub(super) fn begin_github_call(&self, organization: &OrganizationId) -> Result<GithubCall, PortError> {
        self.0.github_calls.begin(organization).map_err(|refused| {
            let kind = PortErrorKind::RateLimited { retry_after: refused.retry_after() };
            PortError::new(PortName::GithubGateway, kind, refused)
        })
    }
}
