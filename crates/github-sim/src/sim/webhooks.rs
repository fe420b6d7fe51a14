//! The webhook of an App, and its deliveries.

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::error::SimError;
use crate::model::hook::{ContentType, HookChange};
use crate::sim::GithubSim;
use crate::webhook::delivery::{Delivery, DeliveryMode};

impl GithubSim {
    pub(crate) fn change_hook(&self, app_id: u64, change: HookChange) -> Result<(), SimError> {
        let mut fixture = self.fixture();
        let now = fixture.now();
        fixture.model.change_hook(app_id, change, now)
    }

    /// Sets the URL of the App's webhook and sends a `ping` to it. `None` stops deliveries.
    ///
    /// # Errors
    /// [`SimError::UnknownApp`], or [`SimError::Invalid`] if `url` is not an `http` or `https` URL. Deliveries to `https` fail.
    pub fn set_webhook_url(&self, app_id: u64, url: Option<&str>) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::Url(url.map(str::to_owned)))
    }

    /// Sets the secret that signs future deliveries. An empty secret leaves them unsigned.
    pub fn set_webhook_secret(&self, app_id: u64, secret: &str) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::Secret(SecretString::from(secret)))
    }

    /// Sets the content type of future deliveries.
    pub fn set_webhook_content_type(&self, app_id: u64, content_type: ContentType) -> Result<(), SimError> {
        self.change_hook(app_id, HookChange::ContentType(content_type))
    }

    /// Creates a `ping` delivery.
    pub fn ping(&self, app_id: u64) -> Result<(), SimError> {
        self.fixture().model.ping(app_id)
    }

    /// Sends an event with this payload, to which `installation` is added: for events that the simulator does not make itself,
    /// such as `issues`. Sends nothing if the installation is suspended.
    ///
    /// # Errors
    /// [`SimError::UnknownInstallation`].
    pub fn send_event(
        &self,
        installation: u64,
        event: &str,
        payload: Map<String, Value>,
    ) -> Result<(), SimError> {
        self.fixture().model.send_event(installation, event.to_owned(), payload)
    }

    /// Sets the mode of future deliveries.
    pub fn set_delivery_mode(&self, mode: DeliveryMode) {
        self.fixture().delivery_queue.set_mode(mode);
    }

    /// Returns the last 50,000 deliveries, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.fixture().delivery_queue.deliveries().cloned().collect()
    }

    /// Removes all deliveries, including those that are not sent yet.
    pub fn clear_deliveries(&self) {
        self.fixture().delivery_queue.clear();
    }
}
