//! Erases organizations and persons from the queues.

use dockline::{AccountId, EntryContent, EntryStatus, InstallationId, OrganizationId};

use super::Queues;

impl Queues {
    /// Deletes the queue of an organization, and returns the number of its messages.
    pub(crate) fn forget(&mut self, organization: &OrganizationId) -> u64 {
        let organization = Some(organization.clone());
        let queue = self.queues.remove(&organization);
        self.keys.retain(|_, (of, _)| *of != organization);
        self.done.retain(|(_, (of, _))| *of != organization);
        queue.map_or(0, |queue| queue.entries.len() as u64)
    }

    /// Erases a person: deletes bodies of messages that are done or dead, and replaces the account in changes of installations
    /// that `is_kept` does not name. Returns the number of these messages, and of those that still have to be sent.
    pub(crate) fn forget_person(
        &mut self,
        user: AccountId,
        pseudonym: AccountId,
        is_kept: impl Fn(InstallationId) -> bool,
    ) -> (u64, u64) {
        let (mut changed, mut waiting) = (0, 0);
        for stored in self.queues.values_mut().flat_map(|queue| queue.entries.values_mut()) {
            if let EntryContent::Change(change) = &mut stored.entry.content {
                changed += u64::from(!is_kept(change.installation) && change.forget_account(user, pseudonym));
            } else if contains_number(&stored.body, user.get()) {
                match stored.entry.status {
                    EntryStatus::Waiting | EntryStatus::SetAside => waiting += 1,
                    EntryStatus::Done | EntryStatus::Dead => {
                        stored.body = Vec::new();
                        changed += 1;
                    }
                }
            }
        }
        (changed, waiting)
    }
}

/// Returns whether the text contains the number, not as a part of a longer one.
fn contains_number(text: &[u8], number: u64) -> bool {
    let digits = number.to_string();
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text.windows(digits.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        window == digits.as_bytes() && !is_digit(before) && !is_digit(text.get(at + digits.len()))
    })
}
