//! What Apps are told about changes: GitHub's events, signed, and put in the outbox.

mod guard;
mod payload;
mod request;

pub(crate) use guard::Guard;

use serde_json::Value;

use crate::delivery::Delivery;
use crate::error::SimError;
use crate::model::app::App;
use crate::random;
use crate::urls::Urls;
use crate::world::World;

/// What an App is told.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) app_id: u64,
    pub(crate) name: &'static str,
    pub(crate) action: Option<&'static str>,
    pub(crate) installation_id: Option<u64>,
    pub(crate) payload: Value,
}

/// Makes the deliveries of everything that changed.
fn announce(world: &mut World, urls: &Urls) {
    for change in world.model.take_changes() {
        let Some(event) = payload::event(urls, &world.model, change, world.outbox.old_shape) else {
            continue;
        };
        let now = world.now();
        let Some(app) = world.model.app(event.app_id) else { continue };
        match delivery(app, event, now) {
            Ok(Some(delivery)) => {
                world.outbox.add(delivery);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a webhook delivery was not made"),
        }
    }
}

/// The event as a delivery; none where the App wants none.
fn delivery(app: &App, event: Event, now: time::OffsetDateTime) -> Result<Option<Delivery>, SimError> {
    let Some(url) = app.hook.target() else { return Ok(None) };
    let guid = guid()?;
    let (headers, body) = request::signed(app, event.name, &guid, &event.payload);
    Ok(Some(Delivery {
        id: 0,
        guid,
        app_id: app.id,
        event: event.name.to_owned(),
        action: event.action.map(str::to_owned),
        installation_id: event.installation_id,
        redelivery: false,
        url: url.to_owned(),
        headers,
        body,
        payload: event.payload,
        made_at: now,
        posts: 0,
        outcome: None,
    }))
}

/// The same event once more, with the same GUID, to where the App's webhook points now; the new delivery's id.
pub(crate) fn redeliver(world: &mut World, id: u64) -> Result<u64, SimError> {
    let now = world.now();
    let earlier = world.outbox.delivery(id).cloned().ok_or(SimError::UnknownDelivery(id))?;
    let app = world.model.known_app(earlier.app_id)?;
    let url = app.hook.target().ok_or(SimError::Invalid("the App's webhook is off"))?.to_owned();
    let (headers, body) = request::signed(app, &earlier.event, &earlier.guid, &earlier.payload);
    let again =
        Delivery { url, headers, body, redelivery: true, made_at: now, posts: 0, outcome: None, ..earlier };
    Ok(world.outbox.add(again))
}

/// Random, in the form of a version 4 UUID.
fn guid() -> Result<String, SimError> {
    let hex = random::hex(16)?;
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok(format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)))
}
