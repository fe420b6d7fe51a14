//! The decisions, as plain functions over the model, without async, ports and clock.

pub mod access;
pub mod bucket;
pub mod claim;
pub mod delivery;
pub mod events;
pub mod facts;
pub mod key_usage;
pub mod life;
pub(crate) mod listing;
pub mod outbox;
pub mod redelivery;
pub mod register;
pub mod repositories;
pub mod request;
pub mod return_url;
pub mod rotation;
pub mod signature;
