//! Finds the installer of an installation in GitHub's delivery log, for a webhook that never arrived here.

use dockline::{InstallationId, InstallerRecord};

use super::app::AppClient;
use super::delivery_log::{LOG, installer_of};
use crate::error::GithubError;
use crate::http::{PER_PAGE, Request, next_query};
use crate::observer::Operation;
use crate::wire::DeliveryWire;

/// Pages of a hundred deliveries, newest first. The installation was created moments ago.
const MAX_PAGES: usize = 3;

/// Returns who created the installation; `None` if the latest deliveries do not show it.
pub(crate) async fn installer(
    app: &AppClient,
    id: InstallationId,
) -> Result<Option<InstallerRecord>, GithubError> {
    match find(app, id).await? {
        Some(delivery) => installer_of(app, delivery, id).await,
        None => Ok(None),
    }
}

/// Returns the id of the newest `installation.created` delivery for this installation.
async fn find(app: &AppClient, id: InstallationId) -> Result<Option<u64>, GithubError> {
    let mut query = format!("per_page={PER_PAGE}");
    for _ in 0..MAX_PAGES {
        let request = Request::get(Operation::Deliveries, format!("{LOG}?{query}"));
        let response = app.api.as_app(request).await?;
        let page: Vec<DeliveryWire> = response.json()?;
        if let Some(found) = page.iter().find(|delivery| delivery.creates(id)) {
            return Ok(Some(found.id));
        }
        let Some(next) = next_query(&response, app.api.base(), LOG)? else { return Ok(None) };
        query = next;
    }
    Ok(None)
}
