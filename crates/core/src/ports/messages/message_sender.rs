use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::OutboxMessage;
use crate::ports::forward;
use crate::rules::outbox::AttemptOutcome;

/// Hands the messages of an [`Outbox`](crate::ports::Outbox) to the product.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MessageSender: Debug + Send + Sync + 'static {
    /// Makes one attempt to hand a message to the product, and returns its answer. It SHOULD end within 15 seconds. The same
    /// message may be sent again, also after the product accepted it.
    async fn send(&self, message: OutboxMessage) -> AttemptOutcome;
}

forward!(MessageSender {
    async fn send(&self, message: OutboxMessage) -> AttemptOutcome;
});
