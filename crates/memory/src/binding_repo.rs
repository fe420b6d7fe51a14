use std::collections::{HashMap, HashSet};
use std::fmt;

use async_trait::async_trait;
use dockline::ports::{BindingRepo, Insertion, Observation, Release};
use dockline::{
    Account, AccountId, Binding, InstallationId, NewBinding, OrganizationId, PortError, Proof, StateDigest,
    Status,
};
use time::{OffsetDateTime, UtcOffset};

use crate::shared::Shared;

/// Bindings and what is known of the installations that they are to: one row per installation, bound or not, and a
/// record of every binding there ever was.
#[derive(Clone, Default)]
pub struct MemoryBindingRepo(Shared<Bindings>);

/// One line of an organization's history: the grant as it was made, and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingRecord {
    /// What was bound.
    pub installation: InstallationId,
    /// What was shown for the claim.
    pub proof: Proof,
    /// Who showed it, where it was a person.
    pub proven_by: Option<AccountId>,
    /// The state that the binding spent.
    pub spent: StateDigest,
    /// When it was made.
    pub registered_at: OffsetDateTime,
    /// When it was released; `None` for the live one.
    pub released_at: Option<OffsetDateTime>,
}

#[derive(Default)]
struct Bindings {
    installations: HashMap<InstallationId, Row>,
    /// The installation that each organization holds now. With [`Known::held`] this makes both sides unique (I1).
    holdings: HashMap<OrganizationId, InstallationId>,
    released: HashMap<OrganizationId, Vec<BindingRecord>>,
    /// Never shrinks: a state makes at most one binding ever (I3).
    spent: HashSet<(OrganizationId, StateDigest)>,
}

enum Row {
    Known(Known),
    /// All that was ever heard of it is that it is gone.
    GoneUnseen,
}

struct Known {
    account: Account,
    status: Status,
    verified_at: OffsetDateTime,
    generation: u64,
    held: Option<Held>,
}

struct Held {
    organization: OrganizationId,
    record: BindingRecord,
}

impl MemoryBindingRepo {
    /// A repository that holds nothing and knows of no installation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every binding that the organization ever had, oldest first; the live one, if there is one, is the last.
    #[must_use]
    pub fn history(&self, organization: &OrganizationId) -> Vec<BindingRecord> {
        let bindings = self.0.lock();
        let released = bindings.released.get(organization).into_iter().flatten();
        let live = bindings.held_by(organization).map(|(_, _, held)| &held.record);
        released.chain(live).cloned().collect()
    }
}

impl Known {
    fn binding(&self, installation: InstallationId, held: &Held) -> Binding {
        Binding {
            organization: held.organization.clone(),
            installation,
            account: self.account.clone(),
            status: self.status,
            proof: held.record.proof,
            proven_by: held.record.proven_by,
            registered_at: held.record.registered_at,
            last_verified_at: self.verified_at,
            generation: self.generation,
        }
    }

    /// Facts count unless newer ones are known: the status follows what GitHub said, not the order in which we heard
    /// it (L-30). Nothing brings an uninstalled installation back (L-31).
    fn learn(&mut self, status: Status, account: Account, verified_at: OffsetDateTime) {
        if verified_at < self.verified_at {
            return;
        }
        self.verified_at = verified_at;
        let status = if self.status == Status::Uninstalled { Status::Uninstalled } else { status };
        if (status, &account) != (self.status, &self.account) {
            self.status = status;
            self.account = account;
            self.raise_generation();
        }
    }

    /// The end counts whenever it is heard of: what says otherwise is older, whatever its time.
    fn end(&mut self, verified_at: OffsetDateTime) {
        self.verified_at = self.verified_at.max(verified_at);
        if self.status != Status::Uninstalled {
            self.status = Status::Uninstalled;
            self.raise_generation();
        }
    }

    fn raise_generation(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }
}

impl Bindings {
    /// The row of an installation, by what GitHub now said of it.
    fn learn(
        &mut self,
        installation: InstallationId,
        status: Status,
        account: Account,
        verified_at: OffsetDateTime,
    ) -> &mut Row {
        self.installations
            .entry(installation)
            .and_modify(|row| {
                if let Row::Known(known) = row {
                    known.learn(status, account.clone(), verified_at);
                }
            })
            .or_insert_with(|| Row::Known(Known { account, status, verified_at, generation: 1, held: None }))
    }

    fn end(&mut self, installation: InstallationId, verified_at: OffsetDateTime) {
        match self.installations.entry(installation).or_insert(Row::GoneUnseen) {
            Row::Known(known) => known.end(verified_at),
            Row::GoneUnseen => {}
        }
    }

    fn observe(&mut self, installation: InstallationId, observation: Observation) {
        match observation {
            Observation::Present { status: Status::Uninstalled, account: _, verified_at }
            | Observation::Uninstalled { verified_at } => self.end(installation, stored(verified_at)),
            Observation::Present { status, account, verified_at } => {
                self.learn(installation, status, account, stored(verified_at));
            }
        }
    }

    fn known(&self, installation: InstallationId) -> Option<&Known> {
        match self.installations.get(&installation)? {
            Row::Known(known) => Some(known),
            Row::GoneUnseen => None,
        }
    }

    fn held(&self, installation: InstallationId) -> Option<(&Known, &Held)> {
        let known = self.known(installation)?;
        Some((known, known.held.as_ref()?))
    }

    fn held_by(&self, organization: &OrganizationId) -> Option<(InstallationId, &Known, &Held)> {
        let installation = *self.holdings.get(organization)?;
        let (known, held) = self.held(installation)?;
        Some((installation, known, held))
    }

    fn find(&self, organization: &OrganizationId) -> Option<Binding> {
        self.held_by(organization).map(|(installation, known, held)| known.binding(installation, held))
    }

    fn find_by_installation(&self, installation: InstallationId) -> Option<Binding> {
        self.held(installation).map(|(known, held)| known.binding(installation, held))
    }

    fn is_gone(&self, installation: InstallationId) -> bool {
        match self.installations.get(&installation) {
            Some(Row::GoneUnseen) => true,
            Some(Row::Known(known)) => known.status == Status::Uninstalled,
            None => false,
        }
    }

    fn insert(&mut self, new: NewBinding) -> Insertion {
        if let Some(binding) = self.find(&new.organization) {
            return Insertion::Occupied(binding);
        }
        if self.held(new.installation).is_some() {
            return Insertion::Taken;
        }
        if new.status == Status::Uninstalled || self.is_gone(new.installation) {
            return Insertion::Gone;
        }
        if self.spent.contains(&(new.organization.clone(), new.spent)) {
            return Insertion::Spent;
        }
        let held = Held {
            organization: new.organization.clone(),
            record: BindingRecord {
                installation: new.installation,
                proof: new.proof,
                proven_by: new.proven_by,
                spent: new.spent,
                registered_at: stored(new.registered_at),
                released_at: None,
            },
        };
        match self.learn(new.installation, new.status, new.account, stored(new.last_verified_at)) {
            Row::GoneUnseen => Insertion::Gone,
            Row::Known(known) => {
                let binding = known.binding(new.installation, &held);
                known.held = Some(held);
                self.spent.insert((new.organization.clone(), new.spent));
                self.holdings.insert(new.organization, new.installation);
                Insertion::Inserted(binding)
            }
        }
    }

    fn release(
        &mut self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Release {
        let Some(Row::Known(known)) = self.installations.get_mut(&installation) else {
            return Release::NothingBound;
        };
        let Some(held) = known.held.take_if(|held| held.organization == *organization) else {
            return Release::NothingBound;
        };
        let binding = known.binding(installation, &held);
        known.raise_generation();
        self.holdings.remove(organization);
        let record = BindingRecord { released_at: Some(stored(released_at)), ..held.record };
        self.released.entry(held.organization).or_default().push(record);
        Release::Released(binding)
    }
}

/// As a database column would keep it: to the microsecond, in UTC.
fn stored(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time).truncate_to_microsecond()
}

impl fmt::Debug for MemoryBindingRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBindingRepo").finish_non_exhaustive()
    }
}

#[async_trait]
impl BindingRepo for MemoryBindingRepo {
    async fn find(&self, organization: &OrganizationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.lock().find(organization))
    }

    async fn find_by_installation(&self, installation: InstallationId) -> Result<Option<Binding>, PortError> {
        Ok(self.0.lock().find_by_installation(installation))
    }

    async fn insert(&self, binding: NewBinding) -> Result<Insertion, PortError> {
        Ok(self.0.lock().insert(binding))
    }

    async fn observe(&self, installation: InstallationId, observation: Observation) -> Result<(), PortError> {
        self.0.lock().observe(installation, observation);
        Ok(())
    }

    async fn release(
        &self,
        organization: &OrganizationId,
        installation: InstallationId,
        released_at: OffsetDateTime,
    ) -> Result<Release, PortError> {
        Ok(self.0.lock().release(organization, installation, released_at))
    }
}
