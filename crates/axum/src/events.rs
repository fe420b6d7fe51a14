use dockline::ports::{Event, Events};

/// Logs every event with `tracing`. Refusals, conflicts and events that make a binding unusable are warnings: the caller of
/// a refused claim cannot distinguish a foreign installation from an unknown one, so only the log names the reason.
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingEvents;

impl Events for TracingEvents {
    fn record(&self, event: &Event) {
        match event {
            Event::Refused { organization, actor, installation, reason } => {
                tracing::warn!(%organization, %actor, %installation, reason = reason.as_str(), "registration refused");
            }
            Event::Conflicted { organization, actor, bound, attempted } => {
                tracing::warn!(%organization, %actor, %bound, %attempted, "registration conflicts with another binding");
            }
            Event::CallbackRefused { organization, installation, reason } => {
                let organization = organization.as_ref().map(tracing::field::display);
                let installation = installation.as_ref().map(tracing::field::display);
                tracing::warn!(organization, installation, reason = reason.as_str(), "visitor turned away");
            }
            Event::Registered { organization, actor, installation, proof } => {
                tracing::info!(%organization, %actor, %installation, %proof, "registered");
            }
            Event::Replayed { organization, actor, installation } => {
                tracing::info!(%organization, %actor, %installation, "registration replayed");
            }
            Event::ClaimConfirmed { organization, installation, proof } => {
                tracing::info!(%organization, %installation, %proof, "claim confirmed");
            }
            Event::Cancelled { organization, installation } => {
                tracing::info!(%organization, %installation, "claim cancelled");
            }
            Event::Detached { organization, actor, installation, uninstalled } => {
                tracing::info!(%organization, %actor, %installation, uninstalled, "detached");
            }
            Event::Suspended { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, "installation suspended");
            }
            Event::Reinstated { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::info!(organization, %installation, "installation unsuspended");
            }
            Event::Missing { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, "GitHub does not show an installation");
            }
            Event::Absent { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, "GitHub has not shown an installation for an hour");
            }
            Event::Returned { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::info!(organization, %installation, "installation returned");
            }
            Event::MissingHeld { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::error!(
                    organization,
                    %installation,
                    "GitHub shows too few installations to believe it: check that the responses come from GitHub, and the App"
                );
            }
            Event::Uninstalled { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, "installation uninstalled");
            }
            Event::Renamed { organization, installation, from, to } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::info!(organization, %installation, from, to, "account renamed");
            }
            Event::PermissionsChanged { installation } => {
                tracing::info!(%installation, "permissions or repositories changed");
            }
            Event::AccountChanged { organization, installation, known, named } => {
                let organization = organization.as_ref().map(tracing::field::display);
                let named = named.map(|account| account.get());
                tracing::warn!(
                    organization,
                    %installation,
                    known = known.get(),
                    named,
                    "installation moved to another account"
                );
            }
            Event::Denied { organization, installation, cause } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, cause = cause.as_str(), "GitHub denies an installation");
            }
            Event::OutboxFull { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                let installation = installation.as_ref().map(tracing::field::display);
                tracing::error!(
                    organization,
                    installation,
                    "the outbox is full; deliveries are refused until the product accepts messages again"
                );
            }
            Event::TokenMinted { organization, installation, narrowed } => {
                tracing::info!(%organization, %installation, narrowed, "token minted");
            }
            other => tracing::info!(event = ?other, "event"),
        }
    }
}
