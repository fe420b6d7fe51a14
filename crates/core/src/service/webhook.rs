use super::Dockline;
use crate::error::WebhookError;
use crate::model::InstallationId;
use crate::ports::{Event, Observation, Observed};
use crate::rules::delivery::{self, Notice};
use crate::rules::signature;

/// A delivery as it came, headers and raw body.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delivery<'a> {
    /// `X-Hub-Signature-256`
    pub signature: Option<&'a [u8]>,
    /// `X-GitHub-Event`
    pub event: Option<&'a str>,
    /// `Content-Type`
    pub content_type: Option<&'a str>,
    /// The bytes that were signed.
    pub body: &'a [u8],
}

/// A delivery that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// What it said.
    pub notice: Notice,
    /// The installation that GitHub should now be asked about, by [`Dockline::refresh`], once the delivery has been
    /// acknowledged: GitHub waits ten seconds at most, and may be slow itself (L-34). Where the host loses it, the next
    /// sweep asks.
    pub refresh: Option<InstallationId>,
}

impl Dockline {
    /// Takes a delivery of GitHub's (`design.md` §5, `contract.md` §3). Nothing happens before its signature was found
    /// good (invariant I21). Deliveries are hints, and the same one may come twice, late, or in any order: only an end
    /// and an installer are taken at their word, for exactly that installation; the rest is asked back. Never makes,
    /// moves or ends a binding (L-29).
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn webhook(&self, delivery: Delivery<'_>) -> Result<Receipt, WebhookError> {
        signature::verify(&self.webhook_secrets, delivery.signature, delivery.body)?;
        let our_app = self.ports.github.registration().app;
        let notice = delivery::read(delivery.event, delivery.content_type, delivery.body, our_app)?;
        let bindings = &self.ports.bindings;
        let refresh = match notice {
            Notice::Installed { installation, installer } => {
                bindings.note_installer(installation, installer, self.now()).await?;
                Some(installation)
            }
            Notice::Deleted { installation } => {
                let known = bindings.known(installation).await?;
                self.end(installation, known).await?;
                None
            }
            Notice::Regranted { installation } => {
                if bindings.observe(installation, Observation::Regranted).await? == Observed::Recorded {
                    self.record(&Event::Regranted { installation });
                }
                self.forget_tokens(installation);
                Some(installation)
            }
            Notice::StatusChanged { installation } => {
                self.forget_tokens(installation);
                Some(installation)
            }
            Notice::Renamed { installation } => Some(installation),
            Notice::Ping | Notice::Ignored => None,
        };
        Ok(Receipt { notice, refresh })
    }
}
