//! The calls to GitHub.

mod app;
mod app_manifest;
mod app_settings;
pub(crate) mod delivery_log;
mod installer;
mod repositories;
mod tokens;
mod visitor;

pub(crate) use app::AppClient;
pub use app_manifest::{AppManifests, CreatedApp};
pub use app_settings::{AppSettings, DeliveryRecord, WebhookConfig};
pub(crate) use installer::installer;
pub(crate) use repositories::list;
pub(crate) use tokens::{TokenMinter, revoke};
pub(crate) use visitor::VisitorChecker;
