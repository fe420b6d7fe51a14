//! Webhooks: changes become signed deliveries in GitHub's format.

pub(crate) mod delivery;
pub(crate) mod delivery_queue;
mod payload;
mod push;
mod request;
mod sender;

use std::borrow::Cow;

use serde_json::Value;
use time::OffsetDateTime;

use crate::error::SimError;
use crate::fixture::Fixture;
use crate::model::app::App;
use crate::random;
use crate::urls::Urls;
use delivery::Delivery;

/// A webhook event of an App.
#[derive(Debug)]
struct Event {
    app_id: u64,
    name: Cow<'static, str>,
    action: Option<Cow<'static, str>>,
    installation_id: Option<u64>,
    payload: Value,
}

/// Queues the deliveries of all changes since the last call.
pub(crate) fn queue_deliveries(fixture: &mut Fixture, urls: &Urls) {
    let now = fixture.now();
    for change in fixture.model.take_changes() {
        let Some(event) = payload::event(urls, &fixture.model, change) else { continue };
        let Some(app) = fixture.model.app(event.app_id) else { continue };
        if let Some(delivery) = delivery(app, event, now) {
            fixture.delivery_queue.add(delivery);
        }
    }
}

/// Returns the delivery of an event, or `None` if the App has no webhook URL.
fn delivery(app: &App, event: Event, now: OffsetDateTime) -> Option<Delivery> {
    let url = app.hook.url.clone()?;
    let guid = random::uuid();
    let (headers, body) = request::signed(app, &event.name, &guid, &event.payload);
    Some(Delivery {
        id: 0,
        guid,
        app_id: app.id,
        event: event.name.into_owned(),
        action: event.action.map(Cow::into_owned),
        installation_id: event.installation_id,
        redelivery: false,
        url,
        headers,
        body,
        payload: event.payload,
        made_at: now,
        posts: 0,
        outcome: None,
    })
}

/// Queues a delivery again with the same event and GUID, signed and addressed by the App's current webhook.
pub(crate) fn redeliver(fixture: &mut Fixture, id: u64) -> Result<(), SimError> {
    let now = fixture.now();
    let earlier = fixture.delivery_queue.delivery(id).cloned().ok_or(SimError::UnknownDelivery(id))?;
    let app = fixture.model.require_app(earlier.app_id)?;
    let url = app.hook.url.clone().ok_or(SimError::Invalid("the App has no webhook URL"))?;
    let (headers, body) = request::signed(app, &earlier.event, &earlier.guid, &earlier.payload);
    let redelivery =
        Delivery { url, headers, body, redelivery: true, made_at: now, posts: 0, outcome: None, ..earlier };
    fixture.delivery_queue.add(redelivery);
    Ok(())
}
