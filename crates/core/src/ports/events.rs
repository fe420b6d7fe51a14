use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;

use super::forward;
use crate::error::{CallbackRefusal, RefusalReason};
use crate::model::{AccountId, Actor, DenialCause, InstallationId, OrganizationId, Proof};

/// An event, recorded after the fact. It is for operators and contains more than a caller may know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// A binding was created.
    Registered {
        /// The organization.
        organization: OrganizationId,
        /// The person or machine that asked for it.
        actor: Actor,
        /// The installation.
        installation: InstallationId,
        /// The evidence for the claim.
        proof: Proof,
    },
    /// A registration was repeated.
    Replayed {
        /// The organization.
        organization: OrganizationId,
        /// The person or machine that asked for it.
        actor: Actor,
        /// The bound installation.
        installation: InstallationId,
    },
    /// A registration was refused.
    Refused {
        /// The organization.
        organization: OrganizationId,
        /// The person or machine that asked for it.
        actor: Actor,
        /// The installation.
        installation: InstallationId,
        /// The reason, which is not in the response.
        reason: RefusalReason,
    },
    /// A registration was refused, since the organization is bound to another installation.
    Conflicted {
        /// The organization.
        organization: OrganizationId,
        /// The person or machine that asked for it.
        actor: Actor,
        /// The bound installation.
        bound: InstallationId,
        /// The installation of the request.
        attempted: InstallationId,
    },
    /// A visitor's claim was confirmed, and its state is tied to the installation.
    ClaimConfirmed {
        /// The organization of the state.
        organization: OrganizationId,
        /// The installation.
        installation: InstallationId,
        /// The evidence for the claim.
        proof: Proof,
    },
    /// The callback or the confirmation refused a visitor.
    CallbackRefused {
        /// The organization of the state, if the state is known.
        organization: Option<OrganizationId>,
        /// The claimed installation, if the request names one.
        installation: Option<InstallationId>,
        /// The reason.
        reason: CallbackRefusal,
    },
    /// A visitor pressed Cancel, and the state is revoked.
    Cancelled {
        /// The organization of the state.
        organization: OrganizationId,
        /// The installation that was not connected.
        installation: InstallationId,
    },
    /// A binding was released.
    Detached {
        /// The organization.
        organization: OrganizationId,
        /// The person or machine that asked for it.
        actor: Actor,
        /// The installation.
        installation: InstallationId,
        /// Whether the App was uninstalled at GitHub, too.
        uninstalled: bool,
    },
    /// An installation was suspended; it has no tokens until it is unsuspended.
    Suspended {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// A suspended installation is active again.
    Reinstated {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// GitHub does not show an installation that it showed before. It gives no tokens until GitHub shows it again. Keep the
    /// organization's data: a wrong 404 looks the same.
    Missing {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// GitHub did not show an installation for an hour, so it counts as uninstalled. Keep the organization's data: it returns if
    /// GitHub shows it again.
    Absent {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// GitHub shows an installation again that was missing, absent or ending.
    Returned {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// GitHub returns 404 for an installation, and for so many others that no further one becomes missing or absent. An
    /// operator should check whether GitHub, or a proxy in between, returns wrong responses, or the App lost its
    /// installations.
    MissingHeld {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// GitHub signed or confirmed that an installation was uninstalled, which is final.
    Uninstalled {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
    },
    /// The account of an installation was renamed.
    Renamed {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
        /// The earlier login.
        from: String,
        /// The current login.
        to: String,
    },
    /// The permissions or repositories of an installation changed; earlier tokens are not served any more.
    PermissionsChanged {
        /// The installation.
        installation: InstallationId,
    },
    /// GitHub reports another account for an installation than before, although installations do not move. The stored
    /// facts are kept, and no token is minted.
    AccountChanged {
        /// The organization that is bound to it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
        /// The stored account.
        known: AccountId,
        /// The account that GitHub reports; `None` if it reports none, an enterprise or another App's installation.
        named: Option<AccountId>,
    },
    /// GitHub denied the App an installation. Its account's administrator can change the setting.
    Denied {
        /// The organization that is bound to it, or that asked for it.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: InstallationId,
        /// The cause.
        cause: DenialCause,
    },
    /// A delivery was refused, since the undelivered messages of its organization, or of all together, have reached
    /// their bound. GitHub lists it as failed. An operator should find out why the product accepts no messages.
    OutboxFull {
        /// The organization; `None` if the delivery concerns the App itself.
        organization: Option<OrganizationId>,
        /// The installation.
        installation: Option<InstallationId>,
    },
    /// A token was minted. Serving a cached token is no event.
    TokenMinted {
        /// The organization.
        organization: OrganizationId,
        /// The installation.
        installation: InstallationId,
        /// Whether its scope is less than was granted.
        narrowed: bool,
    },
}

/// Receives events, for logs, metrics or an audit trail.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Events: Debug + Send + Sync + 'static {
    /// Records an event. MUST return without waiting for I/O, and MUST NOT fail, since the event has already happened.
    fn record(&self, event: &Event);
}

forward!(Events {
} {
    fn record(&self, event: &Event);
});

/// Drops every event; the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

impl Events for NoEvents {
    fn record(&self, _: &Event) {}
}
