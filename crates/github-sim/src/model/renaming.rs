//! An account's other name.

use super::Model;
use super::change::Change;
use crate::error::SimError;

impl Model {
    /// The id stays, the login changes, and the old login is free to be taken.
    pub(crate) fn rename(&mut self, login: &str, new_login: &str) -> Result<(), SimError> {
        let id = self.id_of(login)?;
        if !login.eq_ignore_ascii_case(new_login) {
            self.check_free(new_login)?;
        }
        let Some(account) = self.accounts.get_mut(&id) else { return Ok(()) };
        let from = std::mem::replace(&mut account.login, new_login.to_owned());
        if from == new_login {
            return Ok(());
        }
        let sender = self.owner_of(id);
        let installed: Vec<_> = self.installations().filter(|i| i.account == id).cloned().collect();
        for installation in installed {
            self.changed(Change::Renamed { installation, from: from.clone(), sender });
        }
        Ok(())
    }
}
