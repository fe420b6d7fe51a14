//! Another webhook for an App.

use secrecy::SecretString;
use time::OffsetDateTime;

use super::Model;
use super::app::App;
use super::change::Change;
use super::hook::{ContentType, checked};
use crate::error::SimError;

/// A change of an App's webhook.
#[derive(Clone, Debug)]
pub(crate) enum HookChange {
    Url(Option<String>),
    ContentType(ContentType),
    Active(bool),
    Secret(SecretString),
}

impl Model {
    fn app_mut(&mut self, id: u64) -> Result<&mut App, SimError> {
        self.apps.get_mut(&id).ok_or(SimError::UnknownApp(id))
    }

    /// A new URL is tried out at once, as GitHub does.
    pub(crate) fn change_hook(
        &mut self,
        app_id: u64,
        change: HookChange,
        now: OffsetDateTime,
    ) -> Result<(), SimError> {
        let hook = &mut self.app_mut(app_id)?.hook;
        let mut ping = false;
        match change {
            HookChange::Url(url) => {
                hook.url = url.map(checked).transpose()?;
                ping = hook.url.is_some();
            }
            HookChange::ContentType(content_type) => hook.content_type = content_type,
            HookChange::Active(active) => hook.active = active,
            HookChange::Secret(secret) => hook.secret = secret,
        }
        hook.updated_at = now;
        if ping { self.ping(app_id) } else { Ok(()) }
    }

    pub(crate) fn ping(&mut self, app_id: u64) -> Result<(), SimError> {
        self.known_app(app_id)?;
        self.changed(Change::Ping { app_id });
        Ok(())
    }
}
