//! The rules: plain functions over the model. No async, no ports, no clock; what they need is handed in.

pub mod access;
pub mod bucket;
pub mod claim;
pub mod delivery;
pub mod register;
pub mod repositories;
pub mod request;
pub mod return_url;
pub mod rotation;
pub mod signature;
