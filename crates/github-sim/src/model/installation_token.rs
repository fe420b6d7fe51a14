//! Installation tokens: what one may, and how long. Only fingerprints are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::Model;
use super::grant::{Fingerprint, fingerprint};
use super::installation::Installation;
use super::repository::Repository;
use crate::error::SimError;
use crate::random;

/// GitHub fact 20: one hour from its creation.
const LIVES: Duration = Duration::hours(1);

/// Expired tokens are forgotten whenever so many came together.
const FORGETS_AT: usize = 1024;

/// How a new installation token looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// `ghs_` and 36 letters and digits, as on enterprise servers (GitHub fact 32).
    Opaque,
    /// `ghs_`, the App's id, `_`, and what looks like a JWT: about 520 characters with `.`, `_` and `-`, not always equally many (GitHub fact 30).
    #[default]
    Stateless,
}

/// How long a fresh token is unknown to parts of GitHub, which answer 401 (GitHub fact 21).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLag {
    /// Its first uses, this many.
    Uses(u32),
    /// Until the simulator's clock is this many seconds past its creation.
    Seconds(u32),
}

/// The order is that of GitHub: who may write may read.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Level {
    Read,
    Write,
    Admin,
}

impl Level {
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "read" => Some(Self::Read),
            "write" => Some(Self::Write),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
}

/// Whether `permissions` hold `name` at this level or above.
pub(crate) fn holds(permissions: &BTreeMap<String, String>, name: &str, level: Level) -> bool {
    permissions.get(name).and_then(|held| Level::of(held)).is_some_and(|held| held >= level)
}

#[derive(Clone, Debug)]
pub(crate) struct InstallationToken {
    pub(crate) installation: u64,
    permissions: BTreeMap<String, String>,
    /// None: whatever the installation reaches.
    repositories: Option<BTreeSet<u64>>,
    expires_at: OffsetDateTime,
    unknown_uses: u32,
    unknown_until: OffsetDateTime,
}

impl InstallationToken {
    pub(crate) fn is_narrowed(&self) -> bool {
        self.repositories.is_some()
    }

    /// What the token was given and the installation still has.
    pub(crate) fn may(&self, installation: &Installation, permission: &str, level: Level) -> bool {
        holds(&self.permissions, permission, level) && holds(&installation.permissions, permission, level)
    }

    pub(crate) fn reaches(&self, installation: &Installation, repository: u64) -> bool {
        installation.selection.covers(repository)
            && self.repositories.as_ref().is_none_or(|ids| ids.contains(&repository))
    }
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rejection {
    /// Unknown, expired, revoked, not known everywhere yet, or of an installation that was removed: all look the same.
    Bad,
    /// Good, but its installation is suspended.
    Suspended,
}

/// A token to mint; what it asks for was checked.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) installation: u64,
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) repositories: Option<BTreeSet<u64>>,
    pub(crate) format: TokenFormat,
}

/// A token as its owner sees it, once.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: secrecy::SecretString,
    pub(crate) expires_at: OffsetDateTime,
}

#[derive(Debug, Default)]
pub(crate) struct InstallationTokens {
    tokens: HashMap<Fingerprint, InstallationToken>,
    pub(crate) format: TokenFormat,
    pub(crate) lag: Option<TokenLag>,
}

impl Model {
    pub(crate) fn mint(&mut self, new: NewToken, now: OffsetDateTime) -> Result<Minted, SimError> {
        let NewToken { installation, permissions, repositories, format } = new;
        let unknown = SimError::UnknownInstallation(installation);
        let app_id = self.installation(installation).ok_or(unknown)?.app_id;
        let token = match format {
            TokenFormat::Opaque => random::alphanumeric("ghs_", 36)?,
            TokenFormat::Stateless => stateless(app_id, installation, now)?,
        };
        let expires_at = now + LIVES;
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
        // Now and then, or a long run would slow down with every token.
        if issued.tokens.len() % FORGETS_AT == FORGETS_AT - 1 {
            issued.tokens.retain(|_, token| now < token.expires_at);
        }
        issued.tokens.insert(fingerprint(&token), known);
        Ok(Minted { token: token.into(), expires_at })
    }

    /// Whose token it is, whether it is good for anything or not; for counting.
    pub(crate) fn owner_of_token(&self, token: &str, now: OffsetDateTime) -> Option<u64> {
        let token = self.installation_tokens.tokens.get(&fingerprint(token))?;
        let live = now < token.expires_at && self.installation(token.installation).is_some();
        live.then_some(token.installation)
    }

    /// Uses the token: a use is counted while it is not known everywhere.
    pub(crate) fn use_token(
        &mut self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<InstallationToken, Rejection> {
        let known = self.installation_tokens.tokens.get_mut(&fingerprint(token)).ok_or(Rejection::Bad)?;
        if now >= known.expires_at || now < known.unknown_until {
            return Err(Rejection::Bad);
        }
        if known.unknown_uses > 0 {
            known.unknown_uses -= 1;
            return Err(Rejection::Bad);
        }
        let known = known.clone();
        match self.installation(known.installation) {
            None => Err(Rejection::Bad),
            Some(installation) if installation.suspension.is_some() => Err(Rejection::Suspended),
            Some(_) => Ok(known),
        }
    }

    pub(crate) fn revoke_token(&mut self, token: &str) {
        self.installation_tokens.tokens.remove(&fingerprint(token));
    }

    /// Ends every token of the installation; how many were live.
    pub(crate) fn revoke_tokens(
        &mut self,
        installation: u64,
        now: OffsetDateTime,
    ) -> Result<usize, SimError> {
        self.installation(installation).ok_or(SimError::UnknownInstallation(installation))?;
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

    /// The repositories that the token reaches, in the order of their ids.
    pub(crate) fn reach_of<'a>(
        &'a self,
        token: &InstallationToken,
        installation: &Installation,
    ) -> Vec<&'a Repository> {
        let mut reached = self.reach(installation);
        reached.retain(|repository| token.reaches(installation, repository.id));
        reached
    }
}

/// Looks like a JWT, and is signed by nobody: clients must not look inside (GitHub fact 30).
fn stateless(app_id: u64, installation: u64, now: OffsetDateTime) -> Result<String, SimError> {
    let encode = |json: serde_json::Value| data_encoding::BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let header = encode(serde_json::json!({ "alg": "RS256", "typ": "JWT" }));
    // GitHub's are not equally long either.
    let padding = usize::from(random::hex(1)?.starts_with(['0', '1', '2', '3', '4', '5', '6', '7']));
    let claims = encode(serde_json::json!({
        "exp": (now + LIVES).unix_timestamp(),
        "iat": now.unix_timestamp(),
        "inst": installation,
        "jti": random::hex(16 + padding * 4)?,
    }));
    loop {
        let signature = random::base64url(256)?;
        // Two in two hundred have no hyphen; then a pattern that forgets it would pass a test now and then.
        if signature.contains('-') {
            return Ok(format!("ghs_{app_id}_{header}.{claims}.{signature}"));
        }
    }
}
