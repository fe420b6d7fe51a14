//! The ports of messages for the product, and of GitHub's deliveries.

mod delivery_log;
mod delivery_sink;
mod message_sender;
mod outbox;
mod redelivery_store;

#[cfg(any(test, feature = "mocks"))]
pub use {
    delivery_log::MockDeliveryLog, delivery_sink::MockDeliverySink, delivery_sink::MockDeliveryStore,
    message_sender::MockMessageSender, outbox::MockOutbox, redelivery_store::MockRedeliveryStore,
};

pub use delivery_log::{DeliveryLog, DeliveryLogPage, LoggedDelivery, RedeliverOutcome};
pub use delivery_sink::{DeliveryOutcome, DeliverySink, DeliveryStore};
pub use message_sender::MessageSender;
pub use outbox::{EntryCursor, EntryFilter, Outbox, RetryOutcome};
pub use redelivery_store::{InterruptedScan, RedeliveryRequests, RedeliveryStore, ScanPosition};
