//! GitHub's JSON. Only the fields in use are read: unknown fields are ignored, missing ones are an error.

mod app;
mod delivery;
mod installation;
mod repository;
mod token;
mod visitor;

pub(crate) use app::{AppSettingsWire, AppWire, CreatedAppWire, HookConfigWire};
pub(crate) use delivery::{DeliveryWire, LoggedWire, RecordWire, SentWire};
pub(crate) use installation::{InstallationWire, InstallationsWire};
pub(crate) use repository::RepositoriesWire;
pub(crate) use token::{TokenRequestWire, TokenWire};
pub(crate) use visitor::{ExchangeWire, MembershipWire, UserWire};

use crate::error::GithubError;

fn id_out_of_range() -> GithubError {
    GithubError::invalid_response("an id that is not from 1 to 2^53-1")
}
