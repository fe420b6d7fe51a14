use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use time::OffsetDateTime;

use super::{Entropy, forward};
use crate::error::{EntropyFailed, PortError};
use crate::model::{AccountId, Actor, OrganizationId};

/// The replacements for the identifiers of an organization or a person in the history, whose rows stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonyms {
    /// Replaces the organization.
    pub organization: OrganizationId,
    /// Replaces actors.
    pub actor: Actor,
    /// Replaces GitHub accounts of visitors and installers. At least 2^52, which GitHub's ids do not reach.
    pub person: AccountId,
}

impl Pseudonyms {
    /// Generates random pseudonyms of 128 bits for the names and 52 bits for the number.
    ///
    /// # Errors
    /// [`EntropyFailed`] if the source of randomness fails.
    pub fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyFailed> {
        const LEAST: u64 = 1 << 52;
        let (mut name, mut number) = ([0_u8; 16], [0_u8; 8]);
        entropy.fill(&mut name)?;
        entropy.fill(&mut number)?;
        let text = format!("forgotten-{}", BASE32_NOPAD.encode(&name).to_ascii_lowercase());
        Ok(Self {
            organization: OrganizationId::new(&*text).map_err(|_| EntropyFailed)?,
            actor: Actor::new(&text).map_err(|_| EntropyFailed)?,
            person: AccountId::new(LEAST | (u64::from_be_bytes(number) % LEAST))
                .map_err(|_| EntropyFailed)?,
        })
    }
}

/// The numbers of rows that a call of [`DataSubjects`] deleted or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Forgotten {
    /// Deleted API keys, with their budgets. Requests with them get 401 from now on.
    pub api_keys: u64,
    /// Deleted states of install links.
    pub states: u64,
    /// Messages of the outbox: for an organization, the deleted ones, delivered or not; for a person, those whose body
    /// was deleted or whose account was replaced.
    pub messages: u64,
    /// Bindings in the history whose identifiers were replaced. A live one is released, too.
    pub bindings: u64,
    /// Unbound installations whose account and facts were deleted.
    pub installations: u64,
    /// Records of installers that were deleted or changed.
    pub installers: u64,
    /// Live bindings to installations on the account of a forgotten person, which stay. Detach them first.
    pub still_bound: u64,
    /// Messages that name a forgotten person and that the product has yet to get, which stay. Repeat the call when it has them.
    pub still_waiting: u64,
}

/// Erases the identifiers of organizations and persons. A capability of storage adapters.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait DataSubjects: Debug + Send + Sync + 'static {
    /// Erases an organization, of all Apps: deletes its API keys, their budgets, its states and its messages, releases its
    /// binding, and replaces organization, actor and visitor in its history. Deletes account, facts and installer of the installations in
    /// the history that no other organization is bound to; ends that are final stay final.
    ///
    /// MUST be atomic, or repeatable in steps. A request in flight may store the organization again: call it again
    /// afterwards. MUST NOT change anything of another organization.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn forget_organization(
        &self,
        organization: &OrganizationId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError>;

    /// Erases a GitHub user, of all Apps: replaces the number of visitors and installers, and deletes states with the user's
    /// claims, the user as the one who suspended an installation, and account and facts of unbound installations on the
    /// user's account.
    ///
    /// In the outbox, deletes the bodies of deliveries that contain the number and are done or dead, and replaces the user's
    /// account in changes of installations that are not bound. MUST NOT change the body of a delivery that waits or is set
    /// aside, since the product would miss it: it is counted.
    ///
    /// # Errors
    /// Infrastructure failures only. The same call may be repeated.
    async fn forget_github_user(
        &self,
        user: AccountId,
        pseudonyms: &Pseudonyms,
        at: OffsetDateTime,
    ) -> Result<Forgotten, PortError>;
}

forward!(DataSubjects {
    async fn forget_organization(&self, organization: &OrganizationId, pseudonyms: &Pseudonyms, at: OffsetDateTime) -> Result<Forgotten, PortError>;
    async fn forget_github_user(&self, user: AccountId, pseudonyms: &Pseudonyms, at: OffsetDateTime) -> Result<Forgotten, PortError>;
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::SeededEntropy;

    #[test]
    fn pseudonyms_are_random_and_outside_of_githubs_ids() {
        let entropy = SeededEntropy::new(3);
        let (first, second) = (Pseudonyms::draw(&entropy).unwrap(), Pseudonyms::draw(&entropy).unwrap());
        assert_ne!(first.organization, second.organization);
        assert_ne!(first.person, second.person);
        assert!(first.person.get() >= 1 << 52);
        assert_eq!(first.organization.as_str(), first.actor.as_str());
        assert!(first.organization.as_str().starts_with("forgotten-"));
    }
}
