//! A person's mind about authorizing Apps.

use super::Model;
use super::change::Change;
use crate::error::SimError;

impl Model {
    /// The person takes their authorization of the App back. That does not uninstall it (GitHub fact 48).
    pub(crate) fn revoke_authorization(&mut self, app_id: u64, user: &str) -> Result<(), SimError> {
        let app_id = self.known_app(app_id)?.id;
        let user = self.user_id(user)?;
        if !self.grants.revoke_authorization(app_id, user) {
            return Err(SimError::Invalid("the user did not authorize that App"));
        }
        self.changed(Change::AuthorizationRevoked { app_id, user });
        Ok(())
    }

    pub(crate) fn refuse_authorization(&mut self, user: &str, refuses: bool) -> Result<(), SimError> {
        let user = self.user_id(user)?;
        if refuses {
            self.refusing.insert(user)
        } else {
            self.refusing.remove(&user)
        };
        Ok(())
    }

    pub(crate) fn refuses_authorization(&self, user: u64) -> bool {
        self.refusing.contains(&user)
    }
}
