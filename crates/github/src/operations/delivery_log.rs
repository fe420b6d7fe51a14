//! GitHub's log of the webhooks that it sent to the App.

use dockline::ports::{DeliveryLogPage, LoggedDelivery, RedeliverOutcome};
use dockline::{InstallationId, InstallerRecord};

use super::app::AppClient;
use crate::error::GithubError;
use crate::http::{PER_PAGE, Request, next_query};
use crate::observer::Operation;
use crate::wire::{LoggedWire, SentWire};

/// The path of the log.
pub(super) const LOG: &str = "/app/hook/deliveries";

/// Longer cursors are not stored.
const MAX_CURSOR: usize = 512;

/// Returns a page of the log. The cursor is the query of the page. `None` if GitHub rejects it.
pub(crate) async fn page(
    app: &AppClient,
    cursor: Option<&str>,
) -> Result<Option<DeliveryLogPage>, GithubError> {
    let path = match cursor {
        Some(query) => format!("{LOG}?{query}"),
        None => format!("{LOG}?per_page={PER_PAGE}"),
    };
    let response = match app.api.as_app(Request::get(Operation::Deliveries, path)).await {
        Ok(response) => response,
        Err(error) if cursor.is_some() && is_refusal(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let deliveries: Vec<LoggedWire> = response.json()?;
    let deliveries = deliveries.into_iter().map(LoggedDelivery::try_from).collect::<Result<_, _>>()?;
    let next = next_query(&response, app.api.base(), LOG)?;
    if next.as_ref().is_some_and(|query| query.len() > MAX_CURSOR) {
        return Err(GithubError::invalid_response("a cursor that is too long"));
    }
    Ok(Some(DeliveryLogPage { deliveries, next }))
}

/// Asks GitHub to send the delivery of an attempt again.
pub(crate) async fn redeliver(app: &AppClient, id: u64) -> Result<RedeliverOutcome, GithubError> {
    let request = Request::post_json(Operation::Redeliver, format!("{LOG}/{id}/attempts"), "{}".to_owned());
    match app.send_or_missing(request).await {
        Ok(Some(_)) => Ok(RedeliverOutcome::Accepted),
        Ok(None) => Ok(RedeliverOutcome::Refused),
        Err(error) if is_refusal(&error) => Ok(RedeliverOutcome::Refused),
        Err(error) => Err(error),
    }
}

const fn is_refusal(error: &GithubError) -> bool {
    matches!(error, GithubError::Unprocessable { .. } | GithubError::UnexpectedStatus { status: 400, .. })
}

/// Returns who created the installation, by an attempt to deliver its `installation.created`.
pub(crate) async fn installer_of(
    app: &AppClient,
    delivery: u64,
    installation: InstallationId,
) -> Result<Option<InstallerRecord>, GithubError> {
    let request = Request::get(Operation::Delivery, format!("{LOG}/{delivery}")).with_large_response();
    match app.api.as_app(request).await {
        Ok(response) => response.json::<SentWire>()?.installer(installation, app.id),
        // GitHub has dropped it from the log since it was listed.
        Err(GithubError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
