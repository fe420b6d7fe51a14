//! What a signed delivery says. A delivery is a hint: only who installed and what is gone are taken at their word
//! (`design.md` §5).
//!
//! The signature covers the body alone, so whoever replays a delivery can change its headers: the body has to have the
//! shape of the event that the header names. Only what is needed is read, and no date, so that old and new payloads
//! alike are understood (GitHub fact 54).

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::DeliveryFault;
use crate::model::{AccountId, AppId, InstallationId};

/// What a delivery says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookEvent {
    /// GitHub tries the webhook out.
    Ping,
    /// The App was installed.
    Installed {
        /// The new installation.
        installation: InstallationId,
        /// The person who installed it, or approved that it be: GitHub's `sender`.
        installer: AccountId,
    },
    /// An installation is gone: final, for exactly this number (L-31).
    Deleted {
        /// Which.
        installation: InstallationId,
    },
    /// An installation was suspended or unsuspended; which of the two GitHub is asked (L-30).
    StatusChanged {
        /// Which.
        installation: InstallationId,
    },
    /// What an installation may reach was changed (L-41).
    PermissionsChanged {
        /// Which.
        installation: InstallationId,
    },
    /// The account that an installation is on was renamed (L-53).
    Renamed {
        /// Which.
        installation: InstallationId,
    },
    /// Nothing that concerns us: unknown events and actions keep being added (GitHub fact 56), and an authorization
    /// that a person takes back does not uninstall (fact 48).
    Ignored,
}

impl WebhookEvent {
    /// The installation that it is about.
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

/// Reads the body of a delivery whose signature was checked.
///
/// # Errors
/// Why it cannot be one of that event.
pub fn read(
    event: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
    our_app: AppId,
) -> Result<WebhookEvent, DeliveryFault> {
    let event = event.ok_or(DeliveryFault::NoEvent)?;
    let payload = payload(content_type, body)?;
    match event {
        "installation" => installation(&payload, our_app),
        "installation_repositories" => repositories(&payload, our_app),
        "installation_target" => target(&payload),
        "github_app_authorization" => authorization(&payload),
        "ping" => ping(&payload, our_app),
        _ => Ok(WebhookEvent::Ignored),
    }
}

/// The JSON text, also out of a form (GitHub fact 49).
fn payload<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, str>, DeliveryFault> {
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
    // An object, all of it, before anything of it is believed.
    object::<Anything>(&text).map_err(|_| DeliveryFault::NotAnObject)?;
    Ok(text)
}

#[derive(Deserialize)]
struct Anything {}

/// Reads an object and nothing else: a derived reader would also take an array in an object's place.
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
struct Numbered {
    id: u64,
}

/// The whole installation, which these two events carry; others name it by its `id` and `node_id` only.
#[derive(Deserialize)]
struct WholeInstallation<'a> {
    id: u64,
    app_id: u64,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    permissions: &'a RawValue,
}

fn whole_installation(text: &str, our_app: AppId) -> Result<InstallationId, DeliveryFault> {
    let whole: WholeInstallation<'_> = object(text)?;
    object::<Anything>(whole.permissions.get())?;
    if let Some(account) = whole.account.filter(|account| account.get() != "null") {
        object::<Numbered>(account.get())?;
    }
    if whole.app_id != our_app.get() {
        return Err(DeliveryFault::ForeignApp);
    }
    number(whole.id)
}

fn number(id: u64) -> Result<InstallationId, DeliveryFault> {
    InstallationId::new(id).map_err(|_| DeliveryFault::AnotherShape)
}

fn person(text: &RawValue) -> Result<AccountId, DeliveryFault> {
    let person: Numbered = object(text.get())?;
    AccountId::new(person.id).map_err(|_| DeliveryFault::AnotherShape)
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
    let installation = whole_installation(event.installation.get(), our_app)?;
    let installer = person(event.sender)?;
    Ok(match event.action.as_ref() {
        "created" => WebhookEvent::Installed { installation, installer },
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
    person(event.sender)?;
    if !is_array(event.repositories_added) || !is_array(event.repositories_removed) {
        return Err(DeliveryFault::AnotherShape);
    }
    let installation = whole_installation(event.installation.get(), our_app)?;
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

/// Names no App, so nothing of it is believed but that it is worth asking about that installation, as our App.
fn target(payload: &str) -> Result<WebhookEvent, DeliveryFault> {
    let event: TargetEvent<'_> = object(payload)?;
    person(event.account)?;
    object::<Anything>(event.changes.get())?;
    let installation: Numbered = object(event.installation.get())?;
    let installation = number(installation.id)?;
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
    person(event.sender)?;
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

/// A ping that names an App has to name ours: the quickest way to learn that a webhook was set up at the wrong one.
fn ping(payload: &str, our_app: AppId) -> Result<WebhookEvent, DeliveryFault> {
    let event: PingEvent<'_> = object(payload)?;
    let app = event.hook.map(|hook| object::<Hook>(hook.get())).transpose()?.and_then(|hook| hook.app_id);
    if app.is_some_and(|app| app != our_app.get()) {
        return Err(DeliveryFault::ForeignApp);
    }
    Ok(WebhookEvent::Ping)
}
