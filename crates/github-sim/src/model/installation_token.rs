//! Installation tokens. Only their SHA-256 hashes are stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::Model;
use super::grant::{SecretHash, hash_secret};
use super::installation::Installation;
use super::repository::Repository;
use crate::error::SimError;
use crate::random;

const LIFETIME: Duration = Duration::hours(1);

/// Expired tokens are removed each time the number of tokens reaches a multiple of this.
const CLEANUP_INTERVAL: usize = 1024;

/// The format of an installation token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// `ghs_` and 36 letters and digits, as on GitHub Enterprise Server.
    Opaque,
    /// `ghs_`, the App's id, `_` and a string in the form of a JWT: about 520 characters, of varying length.
    #[default]
    Stateless,
}

/// How long a new token is answered with 401, as by GitHub servers that do not know it yet.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLag {
    /// For this number of uses.
    Uses(u32),
    /// For this number of seconds of the simulator's clock.
    Seconds(u32),
}

/// The level of a permission. Each level includes the lower ones.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum PermissionLevel {
    Read,
    Write,
    Admin,
}

impl PermissionLevel {
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Returns whether `permissions` contain `name` at this level or above.
pub(crate) fn has_permission(
    permissions: &BTreeMap<String, String>,
    name: &str,
    level: PermissionLevel,
) -> bool {
    permissions.get(name).and_then(|held| PermissionLevel::of(held)).is_some_and(|held| held >= level)
}

#[derive(Clone, Debug)]
pub(crate) struct InstallationToken {
    pub(crate) installation: u64,
    permissions: BTreeMap<String, String>,
    /// `None` is all repositories of the installation.
    repositories: Option<BTreeSet<u64>>,
    expires_at: OffsetDateTime,
    unknown_uses: u32,
    unknown_until: OffsetDateTime,
}

impl InstallationToken {
    pub(crate) fn is_restricted(&self) -> bool {
        self.repositories.is_some()
    }

    /// Returns whether both the token and the installation have the permission.
    pub(crate) fn allows(
        &self,
        installation: &Installation,
        permission: &str,
        level: PermissionLevel,
    ) -> bool {
        has_permission(&self.permissions, permission, level)
            && has_permission(&installation.permissions, permission, level)
    }

    pub(crate) fn covers(&self, installation: &Installation, repository: u64) -> bool {
        installation.selection.covers(repository)
            && self.repositories.as_ref().is_none_or(|ids| ids.contains(&repository))
    }
}

/// The reason why an installation token is rejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TokenError {
    /// It is unknown, expired, revoked, still in its lag, or of a removed installation.
    Bad,
    /// Its installation is suspended.
    Suspended,
}

/// A token to mint, with permissions and repositories that were checked.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) installation: u64,
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) repositories: Option<BTreeSet<u64>>,
    pub(crate) format: TokenFormat,
}

#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: secrecy::SecretString,
    pub(crate) expires_at: OffsetDateTime,
}

#[derive(Debug, Default)]
pub(crate) struct InstallationTokens {
    tokens: HashMap<SecretHash, InstallationToken>,
    pub(crate) format: TokenFormat,
    pub(crate) lag: Option<TokenLag>,
}

impl Model {
    pub(crate) fn mint(&mut self, new: NewToken, now: OffsetDateTime) -> Result<Minted, SimError> {
        let NewToken { installation, permissions, repositories, format } = new;
        let app_id = self.require_installation(installation)?.app_id;
        let token = match format {
            TokenFormat::Opaque => random::alphanumeric("ghs_", 36),
            TokenFormat::Stateless => stateless(app_id, installation, now),
        };
        let expires_at = now + LIFETIME;
        let issued = &mut self.installation_tokens;
        let (unknown_uses, unknown_for) = match issued.lag {
            Some(TokenLag::Uses(uses)) => (uses, 0),
            Some(TokenLag::Seconds(seconds)) => (0, seconds),
            None => (0, 0),
        };
        let unknown_until = now + Duration::seconds(unknown_for.into());
        let known = InstallationToken {
            installation,
            permissions,
            repositories,
            expires_at,
            unknown_uses,
            unknown_until,
        };
        if issued.tokens.len() % CLEANUP_INTERVAL == CLEANUP_INTERVAL - 1 {
            issued.tokens.retain(|_, token| now < token.expires_at);
        }
        issued.tokens.insert(hash_secret(&token), known);
        Ok(Minted { token: token.into(), expires_at })
    }

    /// Returns the installation of a live token, also while it is suspended or the token is in its lag.
    pub(crate) fn installation_of_token(&self, token: &str, now: OffsetDateTime) -> Option<u64> {
        let token = self.installation_tokens.tokens.get(&hash_secret(token))?;
        let live = now < token.expires_at && self.installation(token.installation).is_some();
        live.then_some(token.installation)
    }

    /// Checks the token and counts the use if it is in its lag.
    pub(crate) fn use_token(
        &mut self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<InstallationToken, TokenError> {
        let known = self.installation_tokens.tokens.get_mut(&hash_secret(token)).ok_or(TokenError::Bad)?;
        if now >= known.expires_at || now < known.unknown_until {
            return Err(TokenError::Bad);
        }
        if known.unknown_uses > 0 {
            known.unknown_uses -= 1;
            return Err(TokenError::Bad);
        }
        let known = known.clone();
        match self.installation(known.installation) {
            None => Err(TokenError::Bad),
            Some(installation) if installation.suspension.is_some() => Err(TokenError::Suspended),
            Some(_) => Ok(known),
        }
    }

    pub(crate) fn revoke_token(&mut self, token: &str) {
        self.installation_tokens.tokens.remove(&hash_secret(token));
    }

    /// Revokes all tokens of the installation and returns how many were live.
    pub(crate) fn revoke_tokens(
        &mut self,
        installation: u64,
        now: OffsetDateTime,
    ) -> Result<usize, SimError> {
        self.require_installation(installation)?;
        let before = self.live_installation_tokens(now);
        self.installation_tokens.tokens.retain(|_, token| token.installation != installation);
        Ok(before - self.live_installation_tokens(now))
    }

    pub(crate) fn live_installation_tokens(&self, now: OffsetDateTime) -> usize {
        let live = |token: &&InstallationToken| {
            now < token.expires_at && self.installation(token.installation).is_some()
        };
        self.installation_tokens.tokens.values().filter(live).count()
    }

    /// Returns the repositories that the token can access, by ascending id.
    pub(crate) fn repositories_of_token<'a>(
        &'a self,
        token: &InstallationToken,
        installation: &Installation,
    ) -> Vec<&'a Repository> {
        let mut repositories = self.repositories_of(installation);
        repositories.retain(|repository| token.covers(installation, repository.id));
        repositories
    }
}

/// Returns a token in the form of a JWT without a valid signature, since clients must not parse it.
fn stateless(app_id: u64, installation: u64, now: OffsetDateTime) -> String {
    let encode = |json: serde_json::Value| data_encoding::BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let header = encode(serde_json::json!({ "alg": "RS256", "typ": "JWT" }));
    // The length of GitHub's tokens varies too.
    let padding = if fastrand::bool() { 4 } else { 0 };
    let claims = encode(serde_json::json!({
        "exp": (now + LIFETIME).unix_timestamp(),
        "iat": now.unix_timestamp(),
        "inst": installation,
        "jti": random::hex(16 + padding),
    }));
    loop {
        let signature = random::base64url(256);
        // About 1 % of signatures have no hyphen. Without them, tests of patterns that forget the hyphen are deterministic.
        if signature.contains('-') {
            return format!("ghs_{app_id}_{header}.{claims}.{signature}");
        }
    }
}
