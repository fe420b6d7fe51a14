//! Deliveries and events on their way to the product.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use time::OffsetDateTime;

use super::spelled;
use super::{AppId, Change, InstallationId, OrganizationId, timestamp};

/// The text is not a [`DeliveryGuid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery id has 1 to 64 characters of a-z, A-Z, 0-9 and -")]
pub struct InvalidDeliveryGuid;

/// GitHub's id of a delivery (`X-GitHub-Delivery`). A redelivery has the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DeliveryGuid(String);

impl DeliveryGuid {
    /// Accepts 1–64 characters of `a–z A–Z 0–9 -`.
    ///
    /// # Errors
    /// [`InvalidDeliveryGuid`] for anything else.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidDeliveryGuid> {
        let text = text.into();
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits { Ok(Self(text)) } else { Err(InvalidDeliveryGuid) }
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a [`MessageId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a message, which is gh_<App>_<delivery id> or ev_<26 characters>")]
pub struct InvalidMessageId;

/// The id of a message, by which the product detects duplicates: `gh_<App>_<delivery id>` of a delivery of GitHub,
/// `ev_<ULID>` of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MessageId(String);

/// Crockford's base 32, the alphabet of ULIDs.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The characters of a ULID.
const ULID_LENGTH: usize = 26;

impl MessageId {
    /// Returns the id of a delivery.
    #[must_use]
    pub fn of_delivery(app: AppId, guid: &DeliveryGuid) -> Self {
        Self(format!("gh_{app}_{guid}"))
    }

    /// Returns the id of an event of this time, with 80 random bits. Ids of later milliseconds are greater.
    #[must_use]
    pub fn of_event(at: OffsetDateTime, random: [u8; 10]) -> Self {
        let milliseconds = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let bits = random.iter().fold(milliseconds, |bits, byte| (bits << 8) | u128::from(*byte));
        let digit = |place: usize| {
            let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
            ALPHABET.get(index).copied().map_or('0', char::from)
        };
        Self("ev_".chars().chain((0..ULID_LENGTH).rev().map(digit)).collect())
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        let is_delivery = || {
            let (app, guid) = text.strip_prefix("gh_")?.split_once('_')?;
            Some(app.parse::<AppId>().is_ok() && DeliveryGuid::new(guid).is_ok())
        };
        let is_event = || {
            let ulid = text.strip_prefix("ev_")?.as_bytes();
            Some(ulid.len() == ULID_LENGTH && ulid.iter().all(|byte| ALPHABET.contains(byte)))
        };
        let is_valid = is_delivery().or_else(is_event).unwrap_or_default();
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidMessageId) }
    }
}

impl TryFrom<String> for MessageId {
    type Error = InvalidMessageId;

    fn try_from(text: String) -> Result<Self, InvalidMessageId> {
        text.parse()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A delivery of GitHub whose signature was verified. The signature covers the body alone: `event` and `guid` are those of
/// the headers, `installation` and `action` are in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDelivery<'a> {
    /// The App whose webhook secret verified the delivery.
    pub app: AppId,
    /// The installation; `None` if the delivery concerns the App itself, such as `ping`.
    pub installation: Option<InstallationId>,
    /// The name of the event, such as `push`.
    pub event: &'a str,
    /// The action within the event, such as `opened`.
    pub action: Option<Cow<'a, str>>,
    /// GitHub's id of the delivery.
    pub guid: DeliveryGuid,
    /// The time at which it was received.
    pub received_at: OffsetDateTime,
    /// The payload: a JSON object, also if GitHub sent it as a form.
    pub body: &'a [u8],
}

/// A [`VerifiedDelivery`] with its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantDelivery<'a> {
    /// The App whose webhook secret verified the delivery.
    pub app: AppId,
    /// The organization that was bound to the installation when the delivery arrived; `None` if the delivery concerns the
    /// App itself.
    pub organization: Option<OrganizationId>,
    /// The installation; `None` if the delivery concerns the App itself, such as `ping`.
    pub installation: Option<InstallationId>,
    /// The name of the event, such as `push`.
    pub event: &'a str,
    /// The action within the event, such as `opened`.
    pub action: Option<Cow<'a, str>>,
    /// GitHub's id of the delivery.
    pub guid: DeliveryGuid,
    /// The time at which it was received.
    pub received_at: OffsetDateTime,
    /// The payload: a JSON object, also if GitHub sent it as a form.
    pub body: &'a [u8],
}

impl<'a> TenantDelivery<'a> {
    pub(crate) fn new(delivery: VerifiedDelivery<'a>, organization: Option<OrganizationId>) -> Self {
        let VerifiedDelivery { app, installation, event, action, guid, received_at, body } = delivery;
        Self { app, organization, installation, event, action, guid, received_at, body }
    }
}

spelled! {
    /// Where an entry of the outbox is on its way.
    pub enum EntryStatus("entry status") {
        /// Waits for its turn in the order of its queue.
        Waiting = "waiting",
        /// Failed too often to keep the later ones waiting. It is sent again at times of its own, out of order.
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
        /// The name of the event, such as `push`. It is that of the header, which GitHub does not sign.
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
    /// Where it is on its way.
    pub status: EntryStatus,
    /// The failed attempts since it was received, or since an operator asked to send it again.
    pub failures: FailureRecord,
    /// The time of the next attempt; `None` if there is none.
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

/// What becomes of an entry after an attempt.
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
    /// The time at which the oldest entry was received that waits or is set aside.
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

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn ids_of_events_are_ulids_in_the_order_of_time() {
        let at = datetime!(2016-07-30 23:54:10.259 UTC);
        let id = MessageId::of_event(at, [0; 10]);
        assert_eq!(id.as_str(), "ev_01ARYZ6S430000000000000000");
        assert_eq!(MessageId::of_event(at, [0xff; 10]).as_str(), format!("ev_01ARYZ6S43{}", "Z".repeat(16)));
        assert!(
            MessageId::of_event(at + time::Duration::MILLISECOND, [0; 10])
                > MessageId::of_event(at, [0xff; 10])
        );
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn ids_of_messages_are_parsed_strictly() {
        let guid = DeliveryGuid::new("72d3162e-cc78-11e3-81ab-4c9367dc0958").unwrap();
        let id = MessageId::of_delivery(AppId::new(7).unwrap(), &guid);
        assert_eq!(id.as_str(), "gh_7_72d3162e-cc78-11e3-81ab-4c9367dc0958");
        assert_eq!(id.as_str().parse(), Ok(id));
        for bad in [
            "",
            "gh_",
            "gh_0_a",
            "gh_7_",
            "gh_7_a b",
            "ev_",
            "ev_01ARYZ6S43000000000000000",
            "ev_01ARYZ6S43000000000000000U",
            "xx_1_a",
        ] {
            assert_eq!(bad.parse::<MessageId>(), Err(InvalidMessageId), "{bad:?}");
        }
        for bad in ["", "a_b", "a\n", &"a".repeat(65)] {
            assert_eq!(DeliveryGuid::new(bad), Err(InvalidDeliveryGuid), "{bad:?}");
        }
    }

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
