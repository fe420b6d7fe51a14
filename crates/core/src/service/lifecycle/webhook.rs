use crate::error::{SignatureRefusal, WebhookError};
use crate::model::InstallationId;
use crate::ports::{Event, Observation, ObserveOutcome};
use crate::rules::delivery::{self, WebhookEvent};
use crate::rules::signature;
use crate::service::Dockline;

/// A delivery as it came, headers and raw body.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookDelivery<'a> {
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
pub struct WebhookOutcome {
    /// What it said.
    pub notice: WebhookEvent,
    /// The installation that GitHub should now be asked about, by [`Dockline::refresh`], once the delivery has been
    /// acknowledged: GitHub waits ten seconds at most, and may be slow itself (L-34). Where the host loses it, the next
    /// sweep asks.
    pub refresh: Option<InstallationId>,
}

impl Dockline {
    /// What can be said of a delivery before its body is read, so that a front need not read megabytes of a stranger's:
    /// whether there is a secret of ours at all, and a signature of the right form. Says nothing about whether it counts.
    ///
    /// # Errors
    /// [`SignatureRefusal::NoSecret`], [`SignatureRefusal::Missing`], [`SignatureRefusal::Malformed`].
    pub fn precheck_signature(&self, signature: Option<&[u8]>) -> Result<(), SignatureRefusal> {
        if self.webhook_secrets.keys().next().is_none() {
            return Err(SignatureRefusal::NoSecret);
        }
        signature::parse(signature).map(drop)
    }

    /// Takes a delivery of GitHub's (`design.md` §5, `contract.md` §3). Nothing happens before its signature was found
    /// good (invariant I21). Deliveries are hints, and the same one may come twice, late, or in any order: only an end
    /// and an installer are taken at their word, for exactly that installation; the rest is asked back. Never makes,
    /// moves or ends a binding (L-29).
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn handle_webhook(
        &self,
        delivery: WebhookDelivery<'_>,
    ) -> Result<WebhookOutcome, WebhookError> {
        signature::verify(&self.webhook_secrets, delivery.signature, delivery.body)?;
        let our_app = self.ports.github.registration().app;
        let notice = delivery::read(delivery.event, delivery.content_type, delivery.body, our_app)?;
        let bindings = &self.ports.bindings;
        let refresh = match notice {
            WebhookEvent::Installed { installation, installer } => {
                bindings.record_installer(installation, installer, self.now()).await?;
                Some(installation)
            }
            WebhookEvent::Deleted { installation } => {
                let known = bindings.installation(installation).await?;
                self.end(installation, known).await?;
                None
            }
            WebhookEvent::PermissionsChanged { installation } => {
                if bindings.observe(installation, Observation::PermissionsChanged).await?
                    == ObserveOutcome::Recorded
                {
                    self.record(&Event::PermissionsChanged { installation });
                }
                self.forget_tokens(installation);
                Some(installation)
            }
            WebhookEvent::StatusChanged { installation } => {
                self.forget_tokens(installation);
                Some(installation)
            }
            WebhookEvent::Renamed { installation } => Some(installation),
            WebhookEvent::Ping | WebhookEvent::Ignored => None,
        };
        Ok(WebhookOutcome { notice, refresh })
    }
}
