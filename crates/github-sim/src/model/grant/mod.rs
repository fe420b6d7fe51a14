//! Users' authorizations of Apps, with OAuth codes and user tokens, and browser sessions. Only SHA-256 hashes of secrets are stored.

mod code;
mod device;
mod session;
mod token;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use super::Model;
use super::change::Change;
use crate::error::SimError;

use code::Code;
use device::DeviceCode;

pub(crate) use device::{DEVICE_LIFETIME, DevicePoll, POLL_INTERVAL};
pub(crate) use token::{Grant, REFRESH_LIFETIME, Scope, TOKEN_LIFETIME};

pub(crate) type SecretHash = [u8; 32];

pub(crate) fn hash_secret(secret: &str) -> SecretHash {
    let mut out = [0; 32];
    out.iter_mut().zip(digest(&SHA256, secret.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<SecretHash, Code>,
    device_codes: HashMap<SecretHash, DeviceCode>,
    tokens: HashMap<SecretHash, Grant>,
    /// Each with the hash of its user token.
    refresh_tokens: HashMap<SecretHash, (Grant, SecretHash)>,
    sessions: HashMap<SecretHash, u64>,
    /// When a user last signed in to an organization with SAML, by organization and user.
    sso_sessions: BTreeMap<(u64, u64), OffsetDateTime>,
    /// Authorizations by App and user, also those without live tokens.
    authorized: BTreeSet<(u64, u64)>,
}

impl Grants {
    /// Revokes a user's authorization of an App with all codes and tokens. Returns whether there was one.
    fn revoke_authorization(&mut self, app_id: u64, user: u64) -> bool {
        let other = |grant: &Grant| (grant.app_id, grant.user) != (app_id, user);
        self.codes.retain(|_, code| other(&code.grant));
        self.tokens.retain(|_, grant| other(grant));
        self.refresh_tokens.retain(|_, (grant, _)| other(grant));
        self.authorized.remove(&(app_id, user))
    }
}

impl Model {
    /// Revokes a user's authorization of an App. Installations stay.
    pub(crate) fn revoke_authorization(&mut self, app_id: u64, user: &str) -> Result<(), SimError> {
        let app_id = self.require_app(app_id)?.id;
        let user = self.user_id(user)?;
        self.revoke_authorization_of(app_id, user)
    }

    /// As [`revoke_authorization`](Self::revoke_authorization), by account id.
    pub(crate) fn revoke_authorization_of(&mut self, app_id: u64, user: u64) -> Result<(), SimError> {
        if !self.grants.revoke_authorization(app_id, user) {
            return Err(SimError::Invalid("the user has not authorized the App"));
        }
        self.record_change(Change::AuthorizationRevoked { app_id, user });
        Ok(())
    }

    pub(crate) fn refuse_authorization(&mut self, user: &str, refuse: bool) -> Result<(), SimError> {
        let user = self.user_id(user)?;
        if refuse {
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
