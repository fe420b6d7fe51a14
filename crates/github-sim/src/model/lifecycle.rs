//! Installing, suspending and removing installations, and requests for them.

use time::OffsetDateTime;

use super::Model;
use super::change::{Change, InstallationAction, Sender};
use super::installation::{
    Installation, InstallationRequest, NewInstallation, RepositorySelection, Suspension,
};
use crate::error::SimError;

impl Model {
    pub(crate) fn install(&mut self, new: NewInstallation, now: OffsetDateTime) -> Result<u64, SimError> {
        let app = self.require_app(new.app_id)?;
        let account = self.account(new.account).ok_or(SimError::Invalid("the account does not exist"))?;
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
            removed_at: None,
        };
        self.issued.installations += 1;
        self.installations.insert(id, installation.clone());
        self.requests.retain(|_, r| (r.app_id, r.account_id) != (new.app_id, new.account));
        let sender = Sender::User(new.sender);
        self.record_change(Change::Installation {
            action: InstallationAction::Created,
            installation,
            sender,
        });
        Ok(id)
    }

    fn check_installation_id(&self, id: u64) -> Result<u64, SimError> {
        if id == 0 || id > (1 << 53) - 1 {
            return Err(SimError::Invalid("an installation id is a number from 1 to 2^53 - 1"));
        }
        if self.installations.contains_key(&id) || self.removed_installations.contains(&id) {
            return Err(SimError::InstallationIdUsed(id));
        }
        Ok(id)
    }

    fn next_installation_id(&self) -> u64 {
        let ids = (self.issued.installations..).map(|issued| 50_000_021 + issued * 7);
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

    pub(crate) fn require_installation(&self, id: u64) -> Result<&Installation, SimError> {
        self.installation(id).ok_or(SimError::UnknownInstallation(id))
    }

    fn installation_mut(&mut self, id: u64) -> Result<&mut Installation, SimError> {
        self.installations.get_mut(&id).ok_or(SimError::UnknownInstallation(id))
    }

    pub(crate) fn uninstall(&mut self, id: u64, sender: Sender) -> Result<(), SimError> {
        let installation = self.installations.remove(&id).ok_or(SimError::UnknownInstallation(id))?;
        self.removed_installations.insert(id);
        self.record_change(Change::Installation {
            action: InstallationAction::Deleted,
            installation,
            sender,
        });
        Ok(())
    }

    /// Removes the installation at a later time, as the App. A second removal keeps the first time.
    pub(crate) fn uninstall_at(&mut self, id: u64, at: OffsetDateTime) -> Result<(), SimError> {
        self.installation_mut(id)?.removed_at.get_or_insert(at);
        Ok(())
    }

    /// Returns when the next installation will be removed.
    pub(crate) fn next_removal(&self) -> Option<OffsetDateTime> {
        self.installations().filter_map(|installation| installation.removed_at).min()
    }

    /// Removes the installations whose time has come.
    pub(crate) fn remove_due(&mut self, now: OffsetDateTime) {
        let due = self.installations().filter(|i| i.removed_at.is_some_and(|at| at <= now));
        for id in due.map(|installation| installation.id).collect::<Vec<_>>() {
            drop(self.uninstall(id, Sender::App));
        }
    }

    /// Suspends the installation. A second suspension keeps the first time and user.
    pub(crate) fn suspend(&mut self, id: u64, by: Option<u64>, now: OffsetDateTime) -> Result<(), SimError> {
        let installation = self.installation_mut(id)?;
        installation.updated_at = now;
        if installation.suspension.is_some() {
            return Ok(());
        }
        installation.suspension = Some(Suspension { at: now, by });
        let installation = installation.clone();
        let sender = by.map_or(Sender::App, Sender::User);
        self.record_change(Change::Installation {
            action: InstallationAction::Suspended,
            installation,
            sender,
        });
        Ok(())
    }

    pub(crate) fn unsuspend(&mut self, id: u64, sender: Sender, now: OffsetDateTime) -> Result<(), SimError> {
        let installation = self.installation_mut(id)?;
        installation.updated_at = now;
        if installation.suspension.take().is_some() {
            let installation = installation.clone();
            self.record_change(Change::Installation {
                action: InstallationAction::Unsuspended,
                installation,
                sender,
            });
        }
        Ok(())
    }

    pub(crate) fn hide_account(&mut self, id: u64) -> Result<(), SimError> {
        self.installation_mut(id)?.account_hidden = true;
        Ok(())
    }

    /// Accepts the permissions and events that the App requests, as an owner.
    pub(crate) fn accept_permissions(&mut self, id: u64, now: OffsetDateTime) -> Result<(), SimError> {
        let app = self.require_app(self.require_installation(id)?.app_id)?;
        let (permissions, events) = (app.permissions.clone(), app.events.clone());
        let installation = self.installation_mut(id)?;
        installation.updated_at = now;
        if (&installation.permissions, &installation.events) == (&permissions, &events) {
            return Ok(());
        }
        installation.permissions = permissions;
        installation.events = events;
        let installation = installation.clone();
        let owner = self.owner_of(installation.account);
        let sender = Sender::User(owner.unwrap_or(installation.installed_by));
        self.record_change(Change::Installation {
            action: InstallationAction::PermissionsAccepted,
            installation,
            sender,
        });
        Ok(())
    }

    /// Creates a request, or changes the member's pending request for the same account.
    pub(crate) fn request_installation(
        &mut self,
        app_id: u64,
        account_id: u64,
        requester_id: u64,
        selection: RepositorySelection,
        now: OffsetDateTime,
    ) -> u64 {
        let same = |r: &&InstallationRequest| {
            (r.app_id, r.account_id, r.requester_id) == (app_id, account_id, requester_id)
        };
        let id = self.requests.values().find(same).map_or(7_000_001 + self.issued.requests, |r| r.id);
        self.issued.requests += 1;
        let created_at = self.requests.get(&id).map_or(now, |r| r.created_at);
        let request = InstallationRequest { id, app_id, account_id, requester_id, selection, created_at };
        self.requests.insert(id, request);
        id
    }

    /// Returns the user who requested the App for the account.
    pub(crate) fn requester(&self, app_id: u64, account_id: u64) -> Option<u64> {
        let mut requests = self.requests.values();
        let request = requests.find(|request| (request.app_id, request.account_id) == (app_id, account_id));
        request.map(|request| request.requester_id)
    }

    pub(crate) fn installation_requests(&self) -> impl Iterator<Item = &InstallationRequest> {
        self.requests.values()
    }

    /// Approves a request as `owner` and returns the new installation's id.
    pub(crate) fn approve(
        &mut self,
        request: u64,
        owner: &str,
        now: OffsetDateTime,
    ) -> Result<u64, SimError> {
        let sender = self.user_id(owner)?;
        let request = self.requests.get(&request).cloned().ok_or(SimError::UnknownRequest(request))?;
        if !self.administers(sender, request.account_id) {
            return Err(SimError::WrongKind { login: owner.to_owned(), needed: "an owner of the account" });
        }
        let new = NewInstallation {
            id: None,
            app_id: request.app_id,
            account: request.account_id,
            sender,
            requester: Some(request.requester_id),
            selection: request.selection,
        };
        self.install(new, now)
    }
}
