//! What becomes of installations, and of the requests that wait for an owner.

use time::OffsetDateTime;

use super::Model;
use super::change::{Actor, Change, Step};
use super::installation::{Installation, InstallationRequest, NewInstallation, Selection, Suspension};
use crate::error::SimError;

impl Model {
    pub(crate) fn install(&mut self, new: NewInstallation, now: OffsetDateTime) -> Result<u64, SimError> {
        let app = self.known_app(new.app_id)?;
        let account = self.account(new.account).ok_or(SimError::Invalid("no such account"))?;
        if let Some(existing) = self.installation_on(new.app_id, new.account) {
            return Err(SimError::AlreadyInstalled(existing.id));
        }
        let id = match new.id {
            Some(id) => self.check_installation_id(id)?,
            None => self.next_installation_id(),
        };
        let installation = Installation {
            id,
            app_id: new.app_id,
            account: new.account,
            target_kind: account.kind,
            account_hidden: false,
            selection: new.selection,
            permissions: app.permissions.clone(),
            events: app.events.clone(),
            suspension: None,
            installed_by: new.sender,
            requester: new.requester,
            created_at: now,
            updated_at: now,
        };
        self.given.installations += 1;
        self.installations.insert(id, installation.clone());
        self.requests.retain(|_, r| (r.app_id, r.account_id) != (new.app_id, new.account));
        let sender = Actor::Person(new.sender);
        self.changed(Change::Installation { step: Step::Created, installation, sender });
        Ok(id)
    }

    fn check_installation_id(&self, id: u64) -> Result<u64, SimError> {
        if id == 0 || id > (1 << 53) - 1 {
            return Err(SimError::Invalid("an installation id is 1 to 2^53 - 1"));
        }
        if self.installations.contains_key(&id) || self.retired.contains(&id) {
            return Err(SimError::InstallationIdUsed(id));
        }
        Ok(id)
    }

    fn next_installation_id(&self) -> u64 {
        let ids = (self.given.installations..).map(|given| 50_000_021 + given * 7);
        ids.into_iter().find(|id| self.check_installation_id(*id).is_ok()).unwrap_or(u64::MAX)
    }

    pub(crate) fn installation(&self, id: u64) -> Option<&Installation> {
        self.installations.get(&id)
    }

    pub(crate) fn installations(&self) -> impl Iterator<Item = &Installation> {
        self.installations.values()
    }

    pub(crate) fn installation_on(&self, app_id: u64, account: u64) -> Option<&Installation> {
        self.installations().find(|i| i.app_id == app_id && i.account == account)
    }

    pub(super) fn known_installation(&mut self, id: u64) -> Result<&mut Installation, SimError> {
        self.installations.get_mut(&id).ok_or(SimError::UnknownInstallation(id))
    }

    pub(crate) fn uninstall(&mut self, id: u64, sender: Actor) -> Result<(), SimError> {
        let installation = self.installations.remove(&id).ok_or(SimError::UnknownInstallation(id))?;
        self.retired.insert(id);
        self.changed(Change::Installation { step: Step::Deleted, installation, sender });
        Ok(())
    }

    /// A second suspension keeps the first one's time.
    pub(crate) fn suspend(&mut self, id: u64, by: Option<u64>, now: OffsetDateTime) -> Result<(), SimError> {
        let installation = self.known_installation(id)?;
        installation.updated_at = now;
        if installation.suspension.is_some() {
            return Ok(());
        }
        installation.suspension = Some(Suspension { at: now, by });
        let installation = installation.clone();
        let sender = by.map_or(Actor::App, Actor::Person);
        self.changed(Change::Installation { step: Step::Suspended, installation, sender });
        Ok(())
    }

    pub(crate) fn unsuspend(&mut self, id: u64, sender: Actor, now: OffsetDateTime) -> Result<(), SimError> {
        let installation = self.known_installation(id)?;
        installation.updated_at = now;
        if installation.suspension.take().is_some() {
            let installation = installation.clone();
            self.changed(Change::Installation { step: Step::Unsuspended, installation, sender });
        }
        Ok(())
    }

    pub(crate) fn hide_account(&mut self, id: u64) -> Result<(), SimError> {
        self.known_installation(id)?.account_hidden = true;
        Ok(())
    }

    /// An owner accepts the App's present permissions.
    pub(crate) fn accept_permissions(&mut self, id: u64, now: OffsetDateTime) -> Result<(), SimError> {
        let app_id = self.known_installation(id)?.app_id;
        let (permissions, events) =
            self.known_app(app_id).map(|a| (a.permissions.clone(), a.events.clone()))?;
        let installation = self.known_installation(id)?;
        installation.updated_at = now;
        if (&installation.permissions, &installation.events) == (&permissions, &events) {
            return Ok(());
        }
        installation.permissions = permissions;
        installation.events = events;
        let installation = installation.clone();
        let sender = self.someone(&installation);
        self.changed(Change::Installation { step: Step::PermissionsAccepted, installation, sender });
        Ok(())
    }

    /// Asking again for the same account changes the one request.
    pub(crate) fn request_installation(
        &mut self,
        app_id: u64,
        account_id: u64,
        requester_id: u64,
        selection: Selection,
        now: OffsetDateTime,
    ) -> u64 {
        let same = |r: &&InstallationRequest| {
            (r.app_id, r.account_id, r.requester_id) == (app_id, account_id, requester_id)
        };
        let id = self.requests.values().find(same).map_or(7_000_001 + self.given.requests, |r| r.id);
        self.given.requests += 1;
        let created_at = self.requests.get(&id).map_or(now, |r| r.created_at);
        let request = InstallationRequest { id, app_id, account_id, requester_id, selection, created_at };
        self.requests.insert(id, request);
        id
    }

    pub(crate) fn installation_requests(&self) -> impl Iterator<Item = &InstallationRequest> {
        self.requests.values()
    }

    /// An owner approves: the request becomes an installation.
    pub(crate) fn approve(
        &mut self,
        request: u64,
        owner: &str,
        now: OffsetDateTime,
    ) -> Result<u64, SimError> {
        let sender = self.user_id(owner)?;
        let wanted = self.requests.get(&request).cloned().ok_or(SimError::UnknownRequest(request))?;
        if !self.administers(sender, wanted.account_id) {
            return Err(SimError::WrongKind { login: owner.to_owned(), needed: "an owner of that account" });
        }
        let new = NewInstallation {
            id: None,
            app_id: wanted.app_id,
            account: wanted.account_id,
            sender,
            requester: Some(wanted.requester_id),
            selection: wanted.selection,
        };
        self.install(new, now)
    }
}
