//! What the handle offers around webhooks, and the changes of accounts that Apps are told of.

use secrecy::SecretString;

use crate::delivery::{Delivery, DeliveryMode};
use crate::error::SimError;
use crate::model::hook::ContentType;
use crate::model::hook_change::HookChange;
use crate::sim::GithubSim;
use crate::webhook;

/// Webhooks.
impl GithubSim {
    pub(crate) fn change_hook(&self, app_id: u64, change: HookChange) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.change_hook(app_id, change, now)
    }

    /// Where the App's webhook deliveries are posted; a URL gets a `ping` at once. None: no deliveries are made from now on.
    ///
    /// # Errors
    /// An unknown App, or what is no `http` or `https` URL. Only `http` is spoken: a delivery to `https` fails.
    pub fn set_webhook_url(&self, app_id: u64, url: Option<&str>) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::Url(url.map(str::to_owned)))
    }

    /// What signs deliveries from now on; an empty one signs nothing. Deliveries that were made keep their signature.
    pub fn set_webhook_secret(&self, app_id: u64, secret: &str) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::Secret(SecretString::from(secret)))
    }

    /// How payloads are written from now on.
    pub fn set_webhook_content_type(&self, app_id: u64, content_type: ContentType) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::ContentType(content_type))
    }

    /// Whether deliveries are made from now on.
    pub fn set_webhook_active(&self, app_id: u64, active: bool) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::Active(active))
    }

    /// Makes a `ping`.
    pub fn ping(&self, app_id: u64) -> Result<(), SimError> {
        self.world().model.ping(app_id)
    }

    /// How deliveries travel that are made from now on.
    pub fn set_delivery_mode(&self, mode: DeliveryMode) {
        self.world().outbox.set_mode(mode);
    }

    /// Whether payloads have the shape of older deliveries: dates of installations as Unix integers, no `app_slug`, `suspended_by`,
    /// `suspended_at` and no `repositories` (GitHub fact 54).
    pub fn set_old_webhook_shape(&self, old: bool) {
        self.world().outbox.old_shape = old;
    }

    /// What [`DeliveryMode::Shuffled`] collected goes out now, in the seed's order.
    pub fn release_shuffled(&self) {
        let mut world = self.world();
        let now = world.now();
        world.outbox.release(now);
    }

    /// GitHub's redelivery: the same event and GUID to where the webhook points now, as a delivery of its own that travels by the
    /// present mode; its id.
    ///
    /// # Errors
    /// An unknown delivery, or an App whose webhook is off.
    pub fn redeliver(&self, delivery: u64) -> Result<u64, SimError> {
        webhook::redeliver(&mut self.world(), delivery)
    }

    /// Every delivery that was made, oldest first: at most the last 10,000.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world().outbox.deliveries().cloned().collect()
    }

    /// One delivery.
    pub fn delivery(&self, id: u64) -> Option<Delivery> {
        self.world().outbox.delivery(id).cloned()
    }

    /// Forgets every delivery, also those that wait to be posted.
    pub fn clear_deliveries(&self) {
        self.world().outbox.clear();
    }
}

/// Changes of accounts.
impl GithubSim {
    /// Moves a repository to another account. It keeps its id; installations on its old account lose it, and those on the new one that
    /// reach all repositories gain it.
    ///
    /// # Errors
    /// An unknown repository or account, or an account that has the repository or its name already.
    pub fn transfer(&self, repository: u64, to: &str) -> Result<(), SimError> {
        let mut world = self.world();
        let now = world.now();
        world.model.transfer(repository, to, now)
    }

    /// The user takes back that the App may act for them: its codes and tokens for them end, and it is told. Nothing is uninstalled.
    ///
    /// # Errors
    /// An unknown App or user, or one who never authorized the App.
    pub fn revoke_authorization(&self, app_id: u64, user: &str) -> Result<(), SimError> {
        self.world().model.revoke_authorization(app_id, user)
    }

    /// Whether the user refuses to authorize any App: then the web flow ends in `error=access_denied`.
    pub fn refuse_authorization(&self, user: &str, refuses: bool) -> Result<(), SimError> {
        self.world().model.refuse_authorization(user, refuses)
    }
}
