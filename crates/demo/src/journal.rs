//! The steps of the flow, for the product's page: what the visitor proved, what was refused and why, and what the
//! product received.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dockline::ports::{Event, Events, MessageSender};
use dockline::rules::events::type_of;
use dockline::rules::outbox::AttemptOutcome;
use dockline::{OrganizationId, OutboxMessage, Proof};
use dockline_axum::TracingEvents;

/// The number of steps that are kept.
const CAPACITY: usize = 30;

/// The last steps, oldest first. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<VecDeque<Step>>>);

/// A step of the flow.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// The kind of a step, which the page shows as a word and a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Proved,
    Bound,
    Refused,
    Changed,
    Received,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "Proved",
            Self::Bound => "Bound",
            Self::Refused => "Refused",
            Self::Changed => "Changed",
            Self::Received => "Received",
        }
    }
}

impl Journal {
    /// Returns the kept steps.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn push(&self, step: Step) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.push_back(step);
        if steps.len() > CAPACITY {
            steps.pop_front();
        }
    }
}

impl Events for Journal {
    fn record(&self, event: &Event) {
        TracingEvents.record(event);
        if let Some((kind, text)) = described(event) {
            self.push(Step { kind, text });
        }
    }
}

/// Bean Counter's receiver of messages. In production `dockline serve --forward-to` sends them over HTTPS, signed.
#[async_trait]
impl MessageSender for Journal {
    async fn send(&self, message: OutboxMessage) -> AttemptOutcome {
        let text = format!("Bean Counter received the event {}.", type_of(&message.entry.content));
        self.push(Step { kind: Kind::Received, text });
        AttemptOutcome::Answered { status: 200, retry_after: None }
    }
}

/// Returns the step for an event; `None` if the page does not show it.
fn described(event: &Event) -> Option<(Kind, String)> {
    Some(match event {
        Event::ClaimConfirmed { organization, installation, proof } => (
            Kind::Proved,
            format!(
                "At GitHub, the visitor proved {} installation {installation}, and then confirmed that {organization} may \
                 use it.",
                proved(*proof)
            ),
        ),
        Event::Registered { organization, installation, .. } => (
            Kind::Bound,
            format!(
                "{organization} posted installation {installation} with its state, and Dockline bound the two."
            ),
        ),
        Event::Detached { organization, installation, uninstalled, .. } => {
            let end = if *uninstalled { ", and uninstalled the App" } else { "" };
            (Kind::Changed, format!("{organization} disconnected installation {installation}{end}."))
        }
        Event::Refused { organization, installation, reason, .. } => (
            Kind::Refused,
            format!(
                "Dockline refused to bind installation {installation} to {organization}: {}.",
                words(reason.as_str())
            ),
        ),
        Event::Conflicted { organization, attempted, bound, .. } => (
            Kind::Refused,
            format!("Dockline refused to bind installation {attempted}: {organization} is bound to {bound}."),
        ),
        Event::CallbackRefused { organization, reason, .. } => (
            Kind::Refused,
            format!("Dockline refused a visitor{}: {}.", of(organization.as_ref()), words(reason.as_str())),
        ),
        Event::Cancelled { organization, installation } => (
            Kind::Refused,
            format!("The visitor refused to connect installation {installation} to {organization}."),
        ),
        Event::Suspended { installation, .. } => (
            Kind::Changed,
            format!(
                "GitHub suspended installation {installation}; it has no tokens until it is unsuspended."
            ),
        ),
        Event::Reinstated { installation, .. } => {
            (Kind::Changed, format!("GitHub unsuspended installation {installation}."))
        }
        Event::Uninstalled { installation, .. } => {
            (Kind::Changed, format!("The App was uninstalled: installation {installation} has ended."))
        }
        Event::Replayed { .. }
        | Event::Missing { .. }
        | Event::Absent { .. }
        | Event::Returned { .. }
        | Event::MissingHeld { .. }
        | Event::Renamed { .. }
        | Event::PermissionsChanged { .. }
        | Event::AccountChanged { .. }
        | Event::Denied { .. }
        | Event::OutboxFull { .. }
        | Event::TokenMinted { .. }
        | _ => return None,
    })
}

const fn proved(proof: Proof) -> &'static str {
    match proof {
        Proof::Administered => "to administer the account of",
        Proof::Installed => "to have installed",
        Proof::Visible => "to see",
        Proof::State | Proof::Imported => "nothing about",
    }
}

fn of(organization: Option<&OrganizationId>) -> String {
    organization.map(|organization| format!(" with a link of {organization}")).unwrap_or_default()
}

/// Returns a reason in words: a sentence for those that the guide provokes.
fn words(reason: &str) -> String {
    match reason {
        "unproven" => "no visitor proved at GitHub that this organization may use it".to_owned(),
        "taken" => "it is bound to another organization".to_owned(),
        "other_browser" => "the confirmation came from another browser".to_owned(),
        "not_administered" => "the visitor does not administer the account".to_owned(),
        "not_visible" => "the visitor cannot see the installation".to_owned(),
        other => other.replace('_', " "),
    }
}
