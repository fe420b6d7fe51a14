use dockline::ports::{Event, Events};

/// Writes every event to the log by `tracing`: refusals and conflicts as warnings, since a foreign claim that looks
/// like a wrong number to its caller is told apart only here; and so what takes a binding its use.
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingEvents;

impl Events for TracingEvents {
    fn record(&self, event: &Event) {
        match event {
            Event::Refused { organization, actor, installation, reason } => {
                tracing::warn!(%organization, %actor, %installation, reason = reason.as_str(), "registration refused");
            }
            Event::Conflicted { organization, actor, bound, attempted } => {
                tracing::warn!(%organization, %actor, %bound, %attempted, "registration met another binding");
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
                tracing::info!(%organization, %actor, %installation, "registration repeated");
            }
            Event::ClaimConfirmed { organization, installation, proof } => {
                tracing::info!(%organization, %installation, %proof, "visitor confirmed");
            }
            Event::Cancelled { organization, installation } => {
                tracing::info!(%organization, %installation, "visitor cancelled");
            }
            Event::Detached { organization, actor, installation, uninstalled } => {
                tracing::info!(%organization, %actor, %installation, uninstalled, "detached");
            }
            Event::Suspended { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, "suspended at GitHub");
            }
            Event::Reinstated { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::info!(organization, %installation, "unsuspended at GitHub");
            }
            Event::Uninstalled { organization, installation } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::warn!(organization, %installation, "uninstalled at GitHub");
            }
            Event::Renamed { organization, installation, from, to } => {
                let organization = organization.as_ref().map(tracing::field::display);
                tracing::info!(organization, %installation, from, to, "the account was renamed at GitHub");
            }
            Event::PermissionsChanged { installation } => {
                tracing::info!(%installation, "permissions or repositories were changed at GitHub");
            }
            Event::AccountChanged { organization, installation, known, named } => {
                let organization = organization.as_ref().map(tracing::field::display);
                let named = named.map(|account| account.get());
                tracing::warn!(
                    organization,
                    %installation,
                    known = known.get(),
                    named,
                    "GitHub names another account than before"
                );
            }
            Event::TokenMinted { organization, installation, narrowed } => {
                tracing::info!(%organization, %installation, narrowed, "a token was minted");
            }
            other => tracing::info!(event = ?other, "event"),
        }
    }
}
