//! The output of messages. The names of JSON fields are stable.

use std::str::FromStr;

use dockline::OutboxEntry;
use dockline::ports::EntryCursor;
use dockline::rules::events;
use dockline::{EntryContent, OrganizationId};

use crate::terminal::visible;

/// Returns the type of a message with its action, such as `pull_request.opened`.
pub(super) fn kind(entry: &OutboxEntry) -> String {
    let kind = events::type_of(&entry.content);
    match &entry.content {
        EntryContent::Delivery { action: Some(action), .. } => visible(&format!("{kind}.{action}")),
        EntryContent::Delivery { action: None, .. } | EntryContent::Change(_) => visible(kind),
    }
}

/// Returns the organization, or `-` in the queue of the App itself.
pub(super) fn organization(entry: &OutboxEntry) -> String {
    entry.organization.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// The last message of a page as text, `SEQUENCE:ORGANIZATION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageEnd(pub(super) EntryCursor);

impl PageEnd {
    pub(super) fn of(entry: &OutboxEntry) -> Self {
        Self(EntryCursor { organization: entry.organization.clone(), sequence: entry.sequence })
    }
}

impl std::fmt::Display for PageEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let organization = self.0.organization.as_ref().map_or("", OrganizationId::as_str);
        write!(f, "{}:{organization}", self.0.sequence)
    }
}

impl FromStr for PageEnd {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let help = "write what the page before ended with, such as 17:org_1";
        let (sequence, organization) = text.split_once(':').ok_or(help)?;
        let sequence = sequence.parse().map_err(|_| help)?;
        let organization = match organization {
            "" => None,
            organization => Some(OrganizationId::new(organization).map_err(|_| help)?),
        };
        Ok(Self(EntryCursor { organization, sequence }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_a_page_is_read_as_it_is_written() {
        for text in ["17:org_1", "0:", "18446744073709551615:a:b"] {
            assert_eq!(text.parse::<PageEnd>().unwrap().to_string(), text);
        }
        for bad in ["", "17", "org_1:17", ":org_1", "17:a b", "-1:a"] {
            assert!(bad.parse::<PageEnd>().is_err(), "{bad}");
        }
    }
}
