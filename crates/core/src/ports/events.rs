use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;

use super::forward;
use crate::error::{CallbackRefusal, RefusalReason};
use crate::model::{AccountId, Actor, InstallationId, OrganizationId, Proof};

/// Something that happened, told after the fact. Holds what the operator may know and the caller may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// A binding was made.
    Registered {
        /// Who bound.
        organization: OrganizationId,
        /// Who asked for it.
        actor: Actor,
        /// What.
        installation: InstallationId,
        /// By what right.
        proof: Proof,
    },
    /// A registration was repeated.
    Replayed {
        /// Who.
        organization: OrganizationId,
        /// Who asked for it.
        actor: Actor,
        /// What is bound.
        installation: InstallationId,
    },
    /// A registration was refused.
    Refused {
        /// Who tried.
        organization: OrganizationId,
        /// Who asked for it.
        actor: Actor,
        /// What.
        installation: InstallationId,
        /// Why: `Taken` and `NoSuchInstallation` look alike to the caller, not here.
        reason: RefusalReason,
    },
    /// A registration met the organization's binding to another installation.
    Conflicted {
        /// Who tried.
        organization: OrganizationId,
        /// Who asked for it.
        actor: Actor,
        /// What is bound.
        bound: InstallationId,
        /// What was tried.
        attempted: InstallationId,
    },
    /// A visitor's claim was tied to a state.
    ClaimConfirmed {
        /// Whose state.
        organization: OrganizationId,
        /// To what.
        installation: InstallationId,
        /// By what right.
        proof: Proof,
    },
    /// A visitor's claim was refused at the callback.
    CallbackRefused {
        /// Whose state, where it was known.
        organization: Option<OrganizationId>,
        /// What was claimed, where it was named.
        installation: Option<InstallationId>,
        /// Why.
        reason: CallbackRefusal,
    },
    /// A visitor answered the confirmation with Cancel.
    Cancelled {
        /// Whose state.
        organization: OrganizationId,
        /// What was not connected.
        installation: InstallationId,
    },
    /// A binding was released.
    Detached {
        /// Who.
        organization: OrganizationId,
        /// Who asked for it.
        actor: Actor,
        /// From what.
        installation: InstallationId,
        /// Whether the App was removed at GitHub, too.
        uninstalled: bool,
    },
    /// GitHub says that an installation is suspended; it gives no tokens until it is not.
    Suspended {
        /// Who is bound to it.
        organization: Option<OrganizationId>,
        /// Which.
        installation: InstallationId,
    },
    /// GitHub says that a suspended installation is active again.
    Reinstated {
        /// Who is bound to it.
        organization: Option<OrganizationId>,
        /// Which.
        installation: InstallationId,
    },
    /// An installation is gone for ever.
    Uninstalled {
        /// Who is bound to it.
        organization: Option<OrganizationId>,
        /// Which.
        installation: InstallationId,
    },
    /// The account that an installation is on has another name now.
    Renamed {
        /// Who is bound to it.
        organization: Option<OrganizationId>,
        /// Which.
        installation: InstallationId,
        /// The name before.
        from: String,
        /// The name now.
        to: String,
    },
    /// The permissions or repositories of an installation were changed; tokens of before are served no more.
    PermissionsChanged {
        /// Which.
        installation: InstallationId,
    },
    /// GitHub names another account for an installation than before, which it says cannot be (GitHub fact 60). What was
    /// known stands, and no token is minted (L-13).
    AccountChanged {
        /// Who is bound to it.
        organization: Option<OrganizationId>,
        /// Which.
        installation: InstallationId,
        /// The account that it was on.
        known: AccountId,
        /// The account that GitHub names; `None`: none, or an enterprise.
        named: Option<AccountId>,
    },
    /// A token was minted; those that are served again are not told of.
    TokenMinted {
        /// For whom.
        organization: OrganizationId,
        /// For which installation.
        installation: InstallationId,
        /// Whether it reaches less than was granted.
        narrowed: bool,
    },
}

/// Where events go: logs, metrics, an audit trail.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Events: Debug + Send + Sync + 'static {
    /// Takes note of an event. MUST return at once and MUST NOT fail: what it is about has happened.
    fn record(&self, event: &Event);
}

forward!(Events {
} {
    fn record(&self, event: &Event);
});

/// Drops every event: the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

impl Events for NoEvents {
    fn record(&self, _: &Event) {}
}
