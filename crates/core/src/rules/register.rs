//! The decisions of a registration.

use time::OffsetDateTime;

use super::claim::{self, Claim};
use crate::error::{RefusalReason, RegisterError};
use crate::model::{
    Account, AppId, Binding, ClaimPolicy, Installation, InstallationId, InstalledOn, InstallerRecord,
    IssuedState,
};
use crate::ports::InsertOutcome;

/// The outcome of [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The binding exists already; return it.
    Replay(Binding),
    /// The organization has this binding to another installation.
    Conflict(Binding),
    /// The installation cannot be claimed.
    Refuse(RefusalReason),
    /// Look up the installation at GitHub, then insert the binding.
    Proceed(Claim),
}

/// Decides on a registration of `wanted` before the lookup at GitHub, given the organization's own binding, its own state
/// (`None` if no such state was issued to it) and the record of who installed `wanted` (if it is known and matters):
///
/// | the organization's binding | state | decision |
/// |---|---|---|
/// | same installation | any well-formed | [`Decision::Replay`] |
/// | another installation | any well-formed | [`Decision::Conflict`] |
/// | none | unknown, or another organization's | [`Decision::Refuse`] (`UnknownState`) |
/// | none | expired | [`Decision::Refuse`] (`ExpiredState`) |
/// | none | live, tied to another installation | [`Decision::Refuse`] (`TiedToAnother`) |
/// | none | live, its proof is too weak, and its visitor is not known as the installer | [`Decision::Refuse`] (`Unproven`) |
/// | none | live, proven for this installation | [`Decision::Proceed`] |
///
/// A state that was used for an earlier binding is not detected here but by the insert, as [`InsertOutcome::Spent`].
#[must_use]
pub fn decide(
    wanted: InstallationId,
    bound: Option<Binding>,
    state: Option<&IssuedState>,
    policy: ClaimPolicy,
    record: Option<InstallerRecord>,
    now: OffsetDateTime,
) -> Decision {
    match (bound, state) {
        (Some(bound), _) if bound.installation == wanted => Decision::Replay(bound),
        (Some(bound), _) => Decision::Conflict(bound),
        (None, None) => Decision::Refuse(RefusalReason::UnknownState),
        (None, Some(state)) if !state.is_live(now) => Decision::Refuse(RefusalReason::ExpiredState),
        (None, Some(state)) => {
            claim::claim(state, wanted, policy, record).map_or_else(Decision::Refuse, Decision::Proceed)
        }
    }
}

/// Checks an installation that GitHub reported, and returns its account. It must belong to our App and be on an account
/// that can be bound, which must be that of the claim, compared by id.
///
/// # Errors
/// The reason of the refusal.
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
    /// This call created the binding.
    Created(Binding),
    /// The binding existed already.
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

/// Converts the outcome of the insert. If a concurrent call for the same organization was faster, its row is returned.
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
