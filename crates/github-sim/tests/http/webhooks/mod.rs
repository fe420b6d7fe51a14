//! Webhook deliveries.

mod control;
mod delivery_modes;
mod events;
pub(crate) mod receiver;
mod schema;
mod signature;
