//! Deliveries and events on their way to the product.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::model::{AppId, InstallationId, OrganizationId, SecretDigest};

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

impl VerifiedDelivery<'_> {
    /// Returns the SHA-256 of the payload, which is part of the key of a delivery.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *SecretDigest::of(self.body).as_bytes()
    }
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
        let at = datetime!(2016-07-30 22:36:16.385 UTC);
        let id = MessageId::of_event(at, [0; 10]);
        assert_eq!(id.as_str(), "ev_01ARYZ6S410000000000000000");
        assert_eq!(MessageId::of_event(at, [0xff; 10]).as_str(), format!("ev_01ARYZ6S41{}", "Z".repeat(16)));
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
}
