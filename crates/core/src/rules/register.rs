//! What a registration comes to.

use time::OffsetDateTime;

use super::claim::{self, Claim};
use crate::error::{RefusalReason, RegisterError};
use crate::model::{
    Account, AccountId, AppId, Binding, ClaimPolicy, Installation, InstallationId, InstalledOn, IssuedState,
};
use crate::ports::InsertOutcome;

/// What to do with a registration, before GitHub is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Answer from the stored binding.
    Replay(Binding),
    /// The organization is bound to another installation: this one.
    Conflict(Binding),
    /// Not claimable.
    Refuse(RefusalReason),
    /// Ask GitHub, then write.
    Proceed(Claim),
}

/// Decides on a registration of `wanted`, given the caller's own binding, the caller's own state (`None` where the
/// organization was issued none of that digest), and who installed `wanted`, where that is known and matters. Total:
///
/// | the organization's binding | state | decision |
/// |---|---|---|
/// | same installation | any well-formed | [`Decision::Replay`] |
/// | another installation | any well-formed | [`Decision::Conflict`] |
/// | none | unknown, or another organization's | [`Decision::Refuse`] (`UnknownState`) |
/// | none | expired | [`Decision::Refuse`] (`ExpiredState`) |
/// | none | live, tied to another installation | [`Decision::Refuse`] (`TiedToAnother`) |
/// | none | live, its proof does not reach the policy, nor does its visitor's having installed it | [`Decision::Refuse`] (`Unproven`) |
/// | none | live, proven for this installation | [`Decision::Proceed`] |
///
/// A state that is *spent* is not seen here: the repository that writes the binding knows, and answers
/// [`InsertOutcome::Spent`].
#[must_use]
pub fn decide(
    wanted: InstallationId,
    bound: Option<Binding>,
    state: Option<&IssuedState>,
    policy: ClaimPolicy,
    installer: Option<AccountId>,
    now: OffsetDateTime,
) -> Decision {
    match (bound, state) {
        (Some(bound), _) if bound.installation == wanted => Decision::Replay(bound),
        (Some(bound), _) => Decision::Conflict(bound),
        (None, None) => Decision::Refuse(RefusalReason::UnknownState),
        (None, Some(state)) if !state.is_live(now) => Decision::Refuse(RefusalReason::ExpiredState),
        (None, Some(state)) => {
            claim::claim(state, wanted, policy, installer).map_or_else(Decision::Refuse, Decision::Proceed)
        }
    }
}

/// Checks GitHub's answer: is it an installation of our App, on an account that can be bound, and still the one that
/// the visitor showed (L-13, L-53)?
///
/// # Errors
/// The reason to refuse.
pub fn verify(installation: &Installation, our_app: AppId, claim: &Claim) -> Result<Account, RefusalReason> {
    if installation.app != our_app {
        return Err(RefusalReason::ForeignApp);
    }
    let InstalledOn::Account(account) = &installation.installed_on else {
        return Err(RefusalReason::UnbindableAccount);
    };
    match claim {
        Claim::Verified(verified) if verified.account != account.id => Err(RefusalReason::AccountChanged),
        Claim::Verified(_) | Claim::State => Ok(account.clone()),
    }
}

/// A registration that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registered {
    /// This call made the binding.
    Created(Binding),
    /// The binding existed already; the answer equals the first one.
    Replayed(Binding),
}

impl Registered {
    /// Returns the binding as stored.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        match self {
            Self::Created(binding) | Self::Replayed(binding) => binding,
        }
    }
}

/// Classifies the outcome of the durable write. The loser of a race gets the winner's row.
///
/// # Errors
/// [`RegisterError::Conflict`] or [`RegisterError::Refused`].
pub fn classify(wanted: InstallationId, outcome: InsertOutcome) -> Result<Registered, RegisterError> {
    match outcome {
        InsertOutcome::Inserted(binding) => Ok(Registered::Created(binding)),
        InsertOutcome::Occupied(binding) if binding.installation == wanted => {
            Ok(Registered::Replayed(binding))
        }
        InsertOutcome::Occupied(binding) => Err(RegisterError::Conflict(Box::new(binding))),
        InsertOutcome::Taken => Err(RegisterError::Refused(RefusalReason::Taken)),
        InsertOutcome::Spent => Err(RegisterError::Refused(RefusalReason::SpentState)),
        InsertOutcome::Gone => Err(RegisterError::Refused(RefusalReason::Gone)),
    }
}
