use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::DurationArg;

/// When a key expires. By default it does not.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct ExpiryArgs {
    /// Expire the key after this time, such as 90d; at most 365d.
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<DurationArg>,
    /// Expire the key at this time, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<OffsetDateTime>,
}

fn time(text: &str) -> Result<OffsetDateTime, &'static str> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "write it as 2027-01-01T00:00:00Z")
}

impl ExpiryArgs {
    /// Returns when a key created `now` expires, if an option is set.
    ///
    /// # Errors
    /// If that is not in the future.
    pub(super) fn expires_at(self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, &'static str> {
        let expires_at = self.expires_at.or_else(|| self.expires_in.map(|time| now + time.0));
        if expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err("--expires-at or --expires-in is not in the future: set a later time");
        }
        Ok(expires_at)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn key_expires_in_the_future_or_never() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let args = |expires_in: Option<&str>, expires_at: Option<&str>| ExpiryArgs {
            expires_in: expires_in.map(|text| text.parse().unwrap()),
            expires_at: expires_at.map(|text| time(text).unwrap()),
        };
        assert_eq!(args(None, None).expires_at(now), Ok(None));
        assert_eq!(args(Some("90d"), None).expires_at(now), Ok(Some(now + Duration::days(90))));
        let at = args(None, Some("1970-01-01T01:00:01+01:00")).expires_at(now);
        assert_eq!(at, Ok(Some(now + Duration::SECOND)));
        assert!(args(Some("0"), None).expires_at(now).is_err());
        assert!(args(None, Some("1970-01-01T00:00:00Z")).expires_at(now).is_err());
        for bad in ["", "2027-01-01", "tomorrow", "2027-01-01 00:00"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
