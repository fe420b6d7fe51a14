//! Parses webhook deliveries.
//!
//! The signature covers only the body, so a replayed delivery can have other headers: the body must have the shape of
//! the event that the header names. Only the necessary fields are parsed, and no dates, whose format differs between old
//! and new payloads.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::DeliveryFault;
use crate::model::{AccountId, AppId, InstallationFacts, InstallationId, InstallerRecord, ReportedFacts};

/// The event of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// GitHub tests the webhook.
    Ping,
    /// The App was installed.
    Installed {
        /// The new installation.
        installation: InstallationId,
        /// GitHub's `sender`, who installed the App or approved the request for it, and the App's permissions.
        record: InstallerRecord,
    },
    /// The App was uninstalled, which is final for this installation.
    Deleted {
        /// The installation.
        installation: InstallationId,
    },
    /// The installation was suspended or unsuspended. Deliveries may arrive out of order, so which of the two is looked
    /// up at GitHub.
    StatusChanged {
        /// The installation.
        installation: InstallationId,
    },
    /// The permissions or the repositories of the installation changed.
    PermissionsChanged {
        /// The installation.
        installation: InstallationId,
    },
    /// The account of the installation was renamed.
    Renamed {
        /// The installation.
        installation: InstallationId,
    },
    /// An event or action without effect here. This includes unknown ones, which GitHub keeps adding, and a revoked user
    /// authorization, which does not uninstall the App.
    Ignored,
}

impl WebhookEvent {
    /// Returns the installation that the event names.
    #[must_use]
    pub const fn installation(&self) -> Option<InstallationId> {
        match self {
            Self::Installed { installation, .. }
            | Self::Deleted { installation }
            | Self::StatusChanged { installation }
            | Self::PermissionsChanged { installation }
            | Self::Renamed { installation } => Some(*installation),
            Self::Ping | Self::Ignored => None,
        }
    }
}

/// Parses a delivery whose signature was verified.
///
/// # Errors
/// See [`DeliveryFault`].
pub fn read(
    event: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
    our_app: AppId,
) -> Result<WebhookEvent, DeliveryFault> {
    let event = event.ok_or(DeliveryFault::NoEvent)?;
    interpret(event, &payload(content_type, body)?, our_app)
}

/// Parses the payload of an event.
pub(crate) fn interpret(event: &str, payload: &str, our_app: AppId) -> Result<WebhookEvent, DeliveryFault> {
    match event {
        "installation" => installation(payload, our_app),
        "installation_repositories" => repositories(payload, our_app),
        "installation_target" => target(payload),
        "github_app_authorization" => authorization(payload),
        "ping" => ping(payload, our_app),
        _ => Ok(WebhookEvent::Ignored),
    }
}

/// The fields that all events have in common. They are in the signed body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subject<'a> {
    pub(crate) installation: Option<InstallationId>,
    pub(crate) action: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct AnyEvent<'a> {
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    installation: Option<&'a RawValue>,
}

/// Parses the fields that all events have in common.
pub(crate) fn subject(payload: &str) -> Result<Subject<'_>, DeliveryFault> {
    let event: AnyEvent<'_> = object(payload)?;
    let installation = event.installation.filter(|installation| installation.get() != "null");
    let installation = installation.map(|installation| object::<WithId>(installation.get())).transpose()?;
    let installation = installation.map(|installation| installation_id(installation.id)).transpose()?;
    Ok(Subject { installation, action: event.action })
}

/// Returns whether the text has the form of GitHub's names of events.
pub(crate) fn is_event_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Returns the facts about the installation in a delivery that was interpreted; `None` if it contains no more of it than
/// the id.
#[must_use]
pub fn facts(content_type: Option<&str>, body: &[u8]) -> Option<InstallationFacts> {
    #[derive(Deserialize)]
    struct WithFacts {
        installation: WithAppId,
    }
    #[derive(Deserialize)]
    struct WithAppId {
        #[serde(rename = "app_id")]
        _app_id: u64,
        #[serde(flatten)]
        facts: ReportedFacts,
    }
    let payload = payload(content_type, body).ok()?;
    Some(object::<WithFacts>(&payload).ok()?.installation.facts.into())
}

/// Returns the JSON text, which GitHub sends as the body or as the field `payload` of a form.
pub(crate) fn payload<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, str>, DeliveryFault> {
    let form = content_type.is_some_and(|given| {
        let media_type = given.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let text = if form {
        let encoded = body.strip_prefix(b"payload=").filter(|rest| !rest.contains(&b'&'));
        let spaced: Vec<u8> = encoded
            .ok_or(DeliveryFault::NotAnObject)?
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let decoded = percent_encoding::percent_decode(&spaced).collect();
        Cow::Owned(String::from_utf8(decoded).map_err(|_| DeliveryFault::NotAnObject)?)
    } else {
        Cow::Borrowed(std::str::from_utf8(body).map_err(|_| DeliveryFault::NotAnObject)?)
    };
    object::<Anything>(&text).map_err(|_| DeliveryFault::NotAnObject)?;
    Ok(text)
}

#[derive(Deserialize)]
struct Anything {}

/// Parses an object. A derived `Deserialize` alone would also accept an array in place of an object.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DeliveryFault> {
    if text.trim_ascii_start().starts_with('{') {
        serde_json::from_str(text).map_err(|_| DeliveryFault::AnotherShape)
    } else {
        Err(DeliveryFault::AnotherShape)
    }
}

fn is_array(text: &RawValue) -> bool {
    text.get().starts_with('[')
}

#[derive(Deserialize)]
struct WithId {
    id: u64,
}

/// The full installation object, which two events contain. Other events contain its `id` and `node_id` only.
#[derive(Deserialize)]
struct FullInstallation<'a> {
    id: u64,
    app_id: u64,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    permissions: &'a RawValue,
}

#[derive(Deserialize)]
struct Permissions {
    members: Option<IgnoredAny>,
}

fn full_installation(text: &str, our_app: AppId) -> Result<(InstallationId, Permissions), DeliveryFault> {
    let installation: FullInstallation<'_> = object(text)?;
    let permissions = object(installation.permissions.get())?;
    if let Some(account) = installation.account.filter(|account| account.get() != "null") {
        object::<WithId>(account.get())?;
    }
    if installation.app_id != our_app.get() {
        return Err(DeliveryFault::ForeignApp);
    }
    Ok((installation_id(installation.id)?, permissions))
}

fn installation_id(id: u64) -> Result<InstallationId, DeliveryFault> {
    InstallationId::new(id).map_err(|_| DeliveryFault::AnotherShape)
}

fn account_id(text: &RawValue) -> Result<AccountId, DeliveryFault> {
    let account: WithId = object(text.get())?;
    AccountId::new(account.id).map_err(|_| DeliveryFault::AnotherShape)
}

#[derive(Deserialize)]
struct InstallationEvent<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    installation: &'a RawValue,
    #[serde(borrow)]
    sender: &'a RawValue,
    repositories_added: Option<IgnoredAny>,
    repositories_removed: Option<IgnoredAny>,
}

fn installation(payload: &str, our_app: AppId) -> Result<WebhookEvent, DeliveryFault> {
    let event: InstallationEvent<'_> = object(payload)?;
    if event.repositories_added.is_some() || event.repositories_removed.is_some() {
        return Err(DeliveryFault::AnotherShape);
    }
    let (installation, permissions) = full_installation(event.installation.get(), our_app)?;
    let record = InstallerRecord {
        installer: account_id(event.sender)?,
        members_permission: permissions.members.is_some(),
    };
    Ok(match event.action.as_ref() {
        "created" => WebhookEvent::Installed { installation, record },
        "deleted" => WebhookEvent::Deleted { installation },
        "suspend" | "unsuspend" => WebhookEvent::StatusChanged { installation },
        "new_permissions_accepted" => WebhookEvent::PermissionsChanged { installation },
        _ => WebhookEvent::Ignored,
    })
}

#[derive(Deserialize)]
struct RepositoriesEvent<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    installation: &'a RawValue,
    #[serde(borrow)]
    sender: &'a RawValue,
    #[serde(borrow)]
    repositories_added: &'a RawValue,
    #[serde(borrow)]
    repositories_removed: &'a RawValue,
}

fn repositories(payload: &str, our_app: AppId) -> Result<WebhookEvent, DeliveryFault> {
    let event: RepositoriesEvent<'_> = object(payload)?;
    account_id(event.sender)?;
    if !is_array(event.repositories_added) || !is_array(event.repositories_removed) {
        return Err(DeliveryFault::AnotherShape);
    }
    let (installation, _) = full_installation(event.installation.get(), our_app)?;
    Ok(match event.action.as_ref() {
        "added" | "removed" => WebhookEvent::PermissionsChanged { installation },
        _ => WebhookEvent::Ignored,
    })
}

#[derive(Deserialize)]
struct TargetEvent<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    account: &'a RawValue,
    #[serde(borrow)]
    changes: &'a RawValue,
    #[serde(borrow)]
    installation: &'a RawValue,
}

/// The event does not name the App. That is harmless, since it only leads to a lookup of the installation.
fn target(payload: &str) -> Result<WebhookEvent, DeliveryFault> {
    let event: TargetEvent<'_> = object(payload)?;
    account_id(event.account)?;
    object::<Anything>(event.changes.get())?;
    let installation: WithId = object(event.installation.get())?;
    let installation = installation_id(installation.id)?;
    Ok(match event.action.as_ref() {
        "renamed" => WebhookEvent::Renamed { installation },
        _ => WebhookEvent::Ignored,
    })
}

#[derive(Deserialize)]
struct AuthorizationEvent<'a> {
    #[serde(borrow, rename = "action")]
    _action: Cow<'a, str>,
    #[serde(borrow)]
    sender: &'a RawValue,
}

fn authorization(payload: &str) -> Result<WebhookEvent, DeliveryFault> {
    let event: AuthorizationEvent<'_> = object(payload)?;
    account_id(event.sender)?;
    Ok(WebhookEvent::Ignored)
}

#[derive(Deserialize)]
struct PingEvent<'a> {
    #[serde(rename = "hook_id")]
    _hook_id: u64,
    #[serde(borrow)]
    hook: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Hook {
    app_id: Option<u64>,
}

/// A ping that names another App is an error, which shows the operator that the webhook was set up at the wrong App.
fn ping(payload: &str, our_app: AppId) -> Result<WebhookEvent, DeliveryFault> {
    let event: PingEvent<'_> = object(payload)?;
    let app = event.hook.map(|hook| object::<Hook>(hook.get())).transpose()?.and_then(|hook| hook.app_id);
    if app.is_some_and(|app| app != our_app.get()) {
        return Err(DeliveryFault::ForeignApp);
    }
    Ok(WebhookEvent::Ping)
}
