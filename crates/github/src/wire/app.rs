//! The App itself.

use dockline::AppId;
use dockline::ports::AppFacts;
use serde::Deserialize;

use super::out_of_range::out_of_range;
use crate::fault::GithubFault;

#[derive(Deserialize)]
pub(crate) struct AppWire {
    pub(crate) id: u64,
    slug: String,
    name: String,
}

impl TryFrom<AppWire> for AppFacts {
    type Error = GithubFault;

    fn try_from(wire: AppWire) -> Result<Self, GithubFault> {
        Ok(Self { app: AppId::new(wire.id).map_err(|_| out_of_range())?, slug: wire.slug, name: wire.name })
    }
}
