//! Device codes: a device shows a user code, which the user enters in a browser.

use secrecy::{ExposeSecret, SecretString};
use time::{Duration, OffsetDateTime};

use super::{Grants, hash_secret};
use crate::random;

/// `expires_in` of device codes.
pub(crate) const DEVICE_LIFETIME: Duration = Duration::seconds(900);
/// `interval` between polls, in seconds. Each `slow_down` adds as much.
pub(crate) const POLL_INTERVAL: i64 = 5;

#[derive(Debug)]
pub(super) struct DeviceCode {
    app_id: u64,
    user_code: String,
    answer: Option<Answer>,
    expires_at: OffsetDateTime,
    interval: i64,
    next_poll: OffsetDateTime,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Authorized(u64),
    Denied,
}

/// Why a poll returned no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DevicePoll {
    Pending,
    /// The new interval in seconds.
    SlowDown(i64),
    Expired,
    Denied,
    /// The device code is unknown, used, or another App's.
    Incorrect,
}

impl Grants {
    /// Returns a device code and its user code.
    pub(crate) fn issue_device_code(&mut self, app_id: u64, now: OffsetDateTime) -> (SecretString, String) {
        let code: SecretString = random::hex(20).into();
        let letters = random::hex(4).to_ascii_uppercase();
        let (first, second) = letters.split_at_checked(4).unwrap_or_default();
        let user_code = format!("{first}-{second}");
        let device_code = DeviceCode {
            app_id,
            user_code: user_code.clone(),
            answer: None,
            expires_at: now + DEVICE_LIFETIME,
            interval: POLL_INTERVAL,
            next_poll: now,
        };
        self.device_codes.insert(hash_secret(code.expose_secret()), device_code);
        (code, user_code)
    }

    /// Returns the App of an open user code.
    pub(crate) fn app_of_user_code(&self, user_code: &str, now: OffsetDateTime) -> Option<u64> {
        let mut codes = self.device_codes.values();
        codes.find(|code| code.is_open(user_code, now)).map(|code| code.app_id)
    }

    /// Authorizes the App of an open user code, or denies it if `user` is `None`.
    pub(crate) fn answer_user_code(&mut self, user_code: &str, user: Option<u64>, now: OffsetDateTime) {
        let Some(code) = self.device_codes.values_mut().find(|code| code.is_open(user_code, now)) else {
            return;
        };
        code.answer = Some(user.map_or(Answer::Denied, Answer::Authorized));
        self.authorized.extend(user.map(|user| (code.app_id, user)));
    }

    /// Returns the user, and consumes the code, if the user authorized the App.
    pub(crate) fn poll_device_code(
        &mut self,
        app_id: u64,
        code: &str,
        now: OffsetDateTime,
    ) -> Result<u64, DevicePoll> {
        let key = hash_secret(code);
        let known = self.device_codes.get_mut(&key).filter(|code| code.app_id == app_id);
        let known = known.ok_or(DevicePoll::Incorrect)?;
        if now >= known.expires_at {
            return Err(DevicePoll::Expired);
        }
        let early = now < known.next_poll;
        if early {
            known.interval += POLL_INTERVAL;
        }
        known.next_poll = now + Duration::seconds(known.interval);
        match known.answer {
            _ if early => Err(DevicePoll::SlowDown(known.interval)),
            None => Err(DevicePoll::Pending),
            Some(Answer::Denied) => Err(DevicePoll::Denied),
            Some(Answer::Authorized(user)) => {
                self.device_codes.remove(&key);
                Ok(user)
            }
        }
    }
}

impl DeviceCode {
    fn is_open(&self, user_code: &str, now: OffsetDateTime) -> bool {
        self.answer.is_none() && now < self.expires_at && self.user_code.eq_ignore_ascii_case(user_code)
    }
}
