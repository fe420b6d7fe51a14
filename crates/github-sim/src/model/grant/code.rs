//! OAuth codes, with proof keys (PKCE).

use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

use super::{Grant, Grants, hash_secret};
use crate::random;

const LIFETIME: Duration = Duration::minutes(10);

#[derive(Debug)]
pub(super) struct Code {
    pub(super) grant: Grant,
    /// The `code_challenge` with the method `S256`.
    challenge: Option<String>,
}

impl Code {
    /// Compares the challenge with the SHA-256 hash of the verifier. A code without a challenge ignores verifiers.
    fn proven_by(&self, verifier: Option<&str>) -> bool {
        let challenge_of = |verifier: &str| BASE64URL_NOPAD.encode(&hash_secret(verifier));
        self.challenge.as_ref().is_none_or(|challenge| verifier.map(challenge_of).as_ref() == Some(challenge))
    }
}

impl Grants {
    pub(crate) fn issue_code(
        &mut self,
        app_id: u64,
        user: u64,
        challenge: Option<&str>,
        now: OffsetDateTime,
    ) -> SecretString {
        let code = random::hex(10);
        self.authorized.insert((app_id, user));
        let grant = Grant::new(app_id, user, now, LIFETIME);
        self.codes.insert(hash_secret(&code), Code { grant, challenge: challenge.map(str::to_owned) });
        code.into()
    }

    /// Consumes the code and returns its user. `None` if it is unknown, used or expired. Another App, or a missing or wrong verifier, does
    /// not consume it.
    pub(crate) fn redeem_code(
        &mut self,
        app_id: u64,
        code: &str,
        verifier: Option<&str>,
        now: OffsetDateTime,
    ) -> Option<u64> {
        let key = hash_secret(code);
        self.codes.get(&key).filter(|code| code.grant.app_id == app_id && code.proven_by(verifier))?;
        self.codes.remove(&key).filter(|code| now < code.grant.expires_at).map(|code| code.grant.user)
    }
}
