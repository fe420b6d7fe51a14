use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{RateLimiter, Take, Verdict};

use super::{Metered, measured};

const PORT: &str = "rate_limiter";

#[async_trait]
impl RateLimiter for Metered<dyn RateLimiter> {
    async fn take(&self, take: Take) -> Result<Verdict, PortError> {
        measured(PORT, "take", self.0.take(take)).await
    }
}
