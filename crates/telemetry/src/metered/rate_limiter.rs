use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{RateLimitDecision, RateLimitRequest, RateLimiter};

use super::{Metered, measured};

const PORT: &str = "rate_limiter";

#[async_trait]
impl<P: RateLimiter> RateLimiter for Metered<P> {
    async fn check(&self, request: RateLimitRequest) -> Result<RateLimitDecision, PortError> {
        measured(PORT, "check", self.0.check(request)).await
    }
}
