use async_trait::async_trait;
use dockline::ports::{Directory, DirectoryQuery, HistoryOf, LoginFilter};
use dockline::{
    Account, Binding, HistoryCursor, HistoryEntry, InstallationFacts, InstallationId, OrganizationId,
    PortError, Status, StoredFacts, stored_time,
};
use time::OffsetDateTime;

use super::table::Bindings;
use super::{BindingRecord, MemoryBindingRepo};

#[async_trait]
impl Directory for MemoryBindingRepo {
    /// Reads all bindings.
    async fn list(&self, query: &DirectoryQuery, limit: u32) -> Result<Vec<Binding>, PortError> {
        Ok(self.0.lock().list(query, limit))
    }

    async fn history(
        &self,
        of: &HistoryOf,
        after: Option<HistoryCursor>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, PortError> {
        Ok(self.0.lock().entries(of, after.as_ref(), limit))
    }

    async fn facts(&self, installation: InstallationId) -> Result<Option<StoredFacts>, PortError> {
        Ok(self.0.lock().facts.get(&installation).cloned())
    }

    async fn record_facts(
        &self,
        installation: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) -> Result<(), PortError> {
        self.0.lock().record_facts(installation, facts, asked_at);
        Ok(())
    }
}

impl Bindings {
    fn list(&self, query: &DirectoryQuery, limit: u32) -> Vec<Binding> {
        let bindings = self.live.values().filter_map(|installation| {
            let (row, live) = self.live(*installation)?;
            row.binding(*installation, live)
        });
        let mut found: Vec<_> = bindings.filter(|binding| matches(query, binding)).collect();
        found.sort_unstable_by(|a, b| a.organization.cmp(&b.organization));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        found
    }

    fn entries(&self, of: &HistoryOf, after: Option<&HistoryCursor>, limit: u32) -> Vec<HistoryEntry> {
        let released = self.released.iter().flat_map(|(organization, records)| {
            records.iter().map(move |record| entry(organization, record))
        });
        let live = self.live.values().filter_map(|installation| {
            let (_, live) = self.live(*installation)?;
            Some(entry(&live.organization, &live.record))
        });
        let is_wanted = |entry: &HistoryEntry| match of {
            HistoryOf::Organization(organization) => entry.organization == *organization,
            HistoryOf::Installation(installation) => entry.installation == *installation,
        };
        let is_after = |entry: &HistoryEntry| after.is_none_or(|after| entry.cursor() > *after);
        let mut entries: Vec<_> =
            released.chain(live).filter(|entry| is_wanted(entry) && is_after(entry)).collect();
        entries.sort_by_key(HistoryEntry::cursor);
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        entries
    }

    pub(super) fn record_facts(
        &mut self,
        installation: InstallationId,
        facts: &InstallationFacts,
        asked_at: Option<OffsetDateTime>,
    ) {
        if !self.installations.contains_key(&installation) {
            return;
        }
        let observed_at = asked_at.map(stored_time);
        let kept = self.facts.get(&installation).and_then(|kept| kept.observed_at);
        // `None`, which a delivery has, is less than every time.
        if observed_at >= kept {
            self.facts.insert(installation, StoredFacts { facts: facts.clone(), observed_at });
        }
    }
}

fn matches(query: &DirectoryQuery, binding: &Binding) -> bool {
    let DirectoryQuery { organization, installation, account, login, state, proof, verified_before, after } =
        query;
    organization.as_ref().is_none_or(|wanted| *wanted == binding.organization)
        && installation.is_none_or(|wanted| wanted == binding.installation)
        && account.is_none_or(|wanted| wanted == binding.account.id)
        && login.as_ref().is_none_or(|wanted| has_login(&binding.account, wanted))
        && state.is_none_or(|wanted| wanted == binding.state())
        && proof.is_none_or(|wanted| wanted == binding.proof)
        && verified_before
            .is_none_or(|before| binding.last_verified_at < before && binding.status != Status::Uninstalled)
        && after.as_ref().is_none_or(|after| binding.organization > *after)
}

fn has_login(account: &Account, wanted: &LoginFilter) -> bool {
    let login = account.login.to_ascii_lowercase();
    match wanted {
        LoginFilter::Exact(text) => login == text.to_ascii_lowercase(),
        LoginFilter::Prefix(text) => login.starts_with(&text.to_ascii_lowercase()),
    }
}

fn entry(organization: &OrganizationId, record: &BindingRecord) -> HistoryEntry {
    HistoryEntry {
        organization: organization.clone(),
        installation: record.installation,
        proof: record.proof,
        proven_by: record.proven_by,
        actor: record.actor.clone(),
        registered_at: record.registered_at,
        released_at: record.released_at,
        released_by: record.released_by.clone(),
    }
}
