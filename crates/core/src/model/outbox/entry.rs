use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::{Change, DeliveryGuid, MessageId};
use crate::model::spelled;
use crate::model::{InstallationId, OrganizationId, timestamp};

spelled! {
    /// The status of an entry of the outbox.
    pub enum EntryStatus("entry status") {
        /// Waits for its turn in the order of its queue.
        Waiting = "waiting",
        /// Failed too often, so later entries do not wait for it. It is retried out of order.
        SetAside = "set_aside",
        /// Failed for three days. It is not sent again unless an operator asks for it.
        Dead = "dead",
        /// The product accepted it.
        Done = "done",
    }
}

/// The content of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryContent {
    /// A delivery of GitHub.
    Delivery {
        /// The name of the event, such as `push`. It comes from the header, which GitHub does not sign.
        event: String,
        /// The action within the event, such as `opened`.
        action: Option<String>,
        /// GitHub's id of the delivery.
        guid: DeliveryGuid,
    },
    /// A change of an installation or its binding.
    Change(Change),
}

/// The failed attempts to hand an entry to the product.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord {
    /// The number of failed attempts.
    pub attempts: u32,
    /// The number of those that the product refused for good: 4xx other than 408, 425 and 429.
    pub refusals: u32,
    /// The time of the first failed attempt.
    #[serde(serialize_with = "timestamp::serialize_option")]
    pub first_at: Option<OffsetDateTime>,
    /// The cause of the last failed attempt, for operators.
    pub last_cause: Option<String>,
}

/// An entry of the outbox: a message for the product, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The id of the message.
    pub id: MessageId,
    /// The organization in whose queue it is; `None` in the queue of the App itself.
    pub organization: Option<OrganizationId>,
    /// The installation that it is about.
    pub installation: Option<InstallationId>,
    /// The position in the queue. Positions grow in the order of receipt, and have no gaps.
    pub sequence: u64,
    /// The content.
    pub content: EntryContent,
    /// The number of bytes of the body of a delivery; 0 for a change.
    pub size: u64,
    /// The time at which it was received.
    pub received_at: OffsetDateTime,
    /// Its status.
    pub status: EntryStatus,
    /// The failed attempts since it was received, or since an operator asked to send it again.
    pub failures: FailureRecord,
    /// The time of the next attempt; `None` if it is sent at its turn, or not at all.
    pub next_attempt_at: Option<OffsetDateTime>,
    /// The time at which the product accepted it.
    pub done_at: Option<OffsetDateTime>,
}

/// An entry with its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// The entry.
    pub entry: OutboxEntry,
    /// The payload, a JSON object: of a delivery as GitHub sent it, of a change as
    /// [`rules::events::payload`](crate::rules::events::payload) writes it. Empty if the body was deleted, some time after
    /// the product accepted it.
    pub body: Vec<u8>,
}

/// The right of one consumer to a queue, until `until`. Another consumer gets the queue with another token, and from then
/// on nothing can be settled with this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The organization of the queue; `None` for the queue of the App itself.
    pub organization: Option<OrganizationId>,
    /// A number that grows with each lease of the queue.
    pub token: u64,
    /// The time at which another consumer may get the queue.
    pub until: OffsetDateTime,
}

/// The decision on an entry after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The product accepted it.
    Done {
        /// The time of the answer.
        at: OffsetDateTime,
    },
    /// The attempt failed. It keeps its place in the queue, and later entries wait.
    RetryLater {
        /// The attempt.
        failed: FailedAttempt,
        /// The time of the next attempt.
        next_attempt_at: OffsetDateTime,
    },
    /// The attempt failed. Later entries do not wait for it any more.
    SetAside {
        /// The attempt.
        failed: FailedAttempt,
        /// The time of the next attempt.
        next_attempt_at: OffsetDateTime,
    },
    /// The attempt failed, and was the last one.
    Dead {
        /// The attempt.
        failed: FailedAttempt,
    },
}

/// A failed attempt to hand an entry to the product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The time of the failure.
    pub at: OffsetDateTime,
    /// Whether the product refused it: see [`FailureRecord::refusals`].
    pub refused: bool,
    /// The cause, for operators. Stores keep its first 200 characters.
    pub cause: String,
}

impl FailedAttempt {
    /// The number of characters of the cause that are kept.
    pub const CAUSE_LENGTH: usize = 200;

    /// Returns the record after this attempt.
    #[must_use]
    pub fn add_to(&self, record: &FailureRecord) -> FailureRecord {
        FailureRecord {
            attempts: record.attempts.saturating_add(1),
            refusals: record.refusals.saturating_add(u32::from(self.refused)),
            first_at: record.first_at.or(Some(self.at)),
            last_cause: Some(self.kept_cause()),
        }
    }

    /// Returns the cause, cut to [`FailedAttempt::CAUSE_LENGTH`] characters, without NUL, which PostgreSQL cannot store.
    #[must_use]
    pub fn kept_cause(&self) -> String {
        self.cause.chars().filter(|character| *character != '\0').take(Self::CAUSE_LENGTH).collect()
    }
}

/// The undelivered messages of an App.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// The number of entries that wait for their turn.
    pub waiting: u64,
    /// The number of entries that are set aside.
    pub set_aside: u64,
    /// The number of dead entries.
    pub dead: u64,
    /// The bytes of all their bodies.
    pub bytes: u64,
    /// The time of receipt of the oldest entry that waits or is set aside.
    #[serde(serialize_with = "timestamp::serialize_option")]
    pub oldest: Option<OffsetDateTime>,
}

impl Serialize for OutboxEntry {
    /// Serializes all fields, `type` by [`rules::events::type_of`](crate::rules::events::type_of) among them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Shown<'a> {
            id: &'a MessageId,
            organization: &'a Option<OrganizationId>,
            installation: Option<InstallationId>,
            sequence: u64,
            #[serde(rename = "type")]
            kind: &'a str,
            action: Option<&'a str>,
            size: u64,
            #[serde(serialize_with = "timestamp::serialize")]
            received_at: OffsetDateTime,
            status: EntryStatus,
            failures: &'a FailureRecord,
            #[serde(serialize_with = "timestamp::serialize_option")]
            next_attempt_at: Option<OffsetDateTime>,
            #[serde(serialize_with = "timestamp::serialize_option")]
            done_at: Option<OffsetDateTime>,
        }
        Shown {
            id: &self.id,
            organization: &self.organization,
            installation: self.installation,
            sequence: self.sequence,
            kind: crate::rules::events::type_of(&self.content),
            action: match &self.content {
                EntryContent::Delivery { action, .. } => action.as_deref(),
                EntryContent::Change(_) => None,
            },
            size: self.size,
            received_at: self.received_at,
            status: self.status,
            failures: &self.failures,
            next_attempt_at: self.next_attempt_at,
            done_at: self.done_at,
        }
        .serialize(serializer)
    }
}

/// The bounds of undelivered bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxBounds {
    /// The bytes per organization.
    pub per_organization: u64,
    /// The bytes of all organizations together.
    pub in_all: u64,
}

impl Default for OutboxBounds {
    /// Returns 256 MiB per organization and 4 GiB in total.
    fn default() -> Self {
        Self { per_organization: 256 << 20, in_all: 4 << 30 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_kept_up_to_a_length_and_without_nul() {
        let failed = FailedAttempt {
            at: OffsetDateTime::UNIX_EPOCH,
            refused: true,
            cause: format!("\0{}", "ä".repeat(300)),
        };
        let record = failed.add_to(&FailureRecord::default());
        assert_eq!((record.attempts, record.refusals), (1, 1));
        assert_eq!(record.last_cause, Some("ä".repeat(200)));
    }
}
