//! GitHub's JSON, as far as it is needed (lesson L-66): unknown fields are ignored, missing ones are an error.

mod app;
mod delivery;
mod installation;
mod out_of_range;
mod repository;
mod settings;
mod token;
mod visitor;

pub(crate) use app::AppWire;
pub(crate) use delivery::{DeliveryWire, SentWire};
pub(crate) use installation::{InstallationWire, InstallationsWire};
pub(crate) use repository::RepositoriesWire;
pub(crate) use settings::{AppSettingsWire, HookConfigWire, RecordWire};
pub(crate) use token::{Narrowing, TokenWire};
pub(crate) use visitor::{ExchangeWire, MembershipWire, UserWire};
