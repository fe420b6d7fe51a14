//! The calls that the gateway makes.

mod app_manifest;
mod app_settings;
mod installer;
mod listing;
mod lookup;
mod mint;
mod uninstall;
mod visitor;
mod visitor_code;
mod visitor_installations;
mod visitor_token;
