//! Names changes of installations and bindings, for the product and for [`Events`](crate::ports::Events).
//!
//! | change | event |
//! |---|---|
//! | bound to an organization | `installation.registered`, and no other |
//! | released | `installation.detached`, and no other |
//! | shown → GitHub does not show it | `installation.missing` |
//! | not shown for an hour | `installation.absent` |
//! | missing, absent or ending → shown | `installation.returned` |
//! | any → ended by GitHub's signed webhook, or by our request that GitHub confirmed | `installation.deleted` |
//! | shown, and suspended since | `installation.suspended` |
//! | suspended → active | `installation.unsuspended` |
//! | its account's login or type changed | `installation.renamed` |
//! | any other change, except our request to uninstall | `installation.permissions_changed` |
//!
//! One look at GitHub can find several of them at once.

use serde::Serialize;

use crate::model::{Change, EntryContent, InstallationSnapshot, PresenceKind, Status, spelled};

spelled! {
    /// The name of an event.
    #[non_exhaustive]
    pub enum EventName("event") {
        /// An organization was bound to the installation.
        Registered = "installation.registered",
        /// The binding was released.
        Detached = "installation.detached",
        /// GitHub's signed webhook reported the end of the installation, or GitHub confirmed our request to uninstall it.
        Deleted = "installation.deleted",
        /// GitHub does not show the installation. A wrong 404 looks the same: delete nothing.
        Missing = "installation.missing",
        /// GitHub has not shown the installation for an hour. A wrong 404 looks the same: delete nothing.
        Absent = "installation.absent",
        /// GitHub shows the installation again.
        Returned = "installation.returned",
        /// The installation is suspended.
        Suspended = "installation.suspended",
        /// The installation is active again.
        Unsuspended = "installation.unsuspended",
        /// The account of the installation has another login or type.
        Renamed = "installation.renamed",
        /// The permissions or the repositories of the installation changed.
        PermissionsChanged = "installation.permissions_changed",
    }
}

/// Returns the events of a change, the most important first; none for our own request to uninstall, and for an
/// installation that is observed for the first time and has not ended.
#[must_use]
pub fn of(change: &Change) -> Vec<EventName> {
    let after = &change.after;
    let Some(before) = &change.before else {
        return if after.organization.is_some() {
            vec![EventName::Registered]
        } else if after.presence.is_final() {
            vec![EventName::Deleted]
        } else {
            Vec::new()
        };
    };
    match (&before.organization, &after.organization) {
        (None, Some(_)) => return vec![EventName::Registered],
        (Some(_), None) => return vec![EventName::Detached],
        (None, None) | (Some(_), Some(_)) => {}
    }
    let mut events: Vec<_> = of_presence(before, after).into_iter().collect();
    if after.presence == PresenceKind::Shown {
        match (before.status, after.status) {
            (Status::Active | Status::Uninstalled, Status::Suspended) => events.push(EventName::Suspended),
            (Status::Suspended, Status::Active) => events.push(EventName::Unsuspended),
            (Status::Active | Status::Suspended | Status::Uninstalled, _) => {}
        }
        if before.account.is_some() && before.account != after.account {
            events.push(EventName::Renamed);
        }
    }
    let is_ours = after.presence == PresenceKind::Ending && before.presence != PresenceKind::Ending;
    if events.is_empty() && before.generation != after.generation && !is_ours {
        events.push(EventName::PermissionsChanged);
    }
    events
}

fn of_presence(before: &InstallationSnapshot, after: &InstallationSnapshot) -> Option<EventName> {
    if before.presence == after.presence {
        return None;
    }
    match after.presence {
        PresenceKind::Deleted | PresenceKind::Removed => {
            (!before.presence.is_final()).then_some(EventName::Deleted)
        }
        PresenceKind::Missing => Some(EventName::Missing),
        PresenceKind::Absent => Some(EventName::Absent),
        PresenceKind::Shown => Some(EventName::Returned),
        PresenceKind::Ending => None,
    }
}

/// Returns the `type` of a message: GitHub's name of the event, or the most important event of the change.
#[must_use]
pub fn type_of(content: &EntryContent) -> &str {
    match content {
        EntryContent::Delivery { event, .. } => event,
        EntryContent::Change(change) => {
            of(change).first().copied().unwrap_or(EventName::PermissionsChanged).as_str()
        }
    }
}

/// Returns the payload of a change: a JSON object with `installation`, `events` (all of them, the most important
/// first), `before`, `after` and `actor`.
#[must_use]
pub fn payload(change: &Change) -> Vec<u8> {
    #[derive(Serialize)]
    struct Payload<'a> {
        events: Vec<EventName>,
        #[serde(flatten)]
        change: &'a Change,
    }
    // Strings and numbers always serialize.
    serde_json::to_vec(&Payload { events: of(change), change }).unwrap_or_default()
}
