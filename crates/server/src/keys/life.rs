use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::period::Period;

/// How long a key lives: for ever unless one of these is given.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct Life {
    /// After how long the key is refused, such as 90d; at most 365d.
    #[arg(long, value_name = "PERIOD")]
    expires_in: Option<Period>,
    /// From when on the key is refused, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    expires_at: Option<OffsetDateTime>,
}

fn moment(text: &str) -> Result<OffsetDateTime, &'static str> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "write it as 2027-01-01T00:00:00Z")
}

impl Life {
    /// From when on a key is refused that is made `now`; `None` where nothing was given.
    ///
    /// # Errors
    /// Where it would never be in force.
    pub(super) fn end(self, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, &'static str> {
        let end = self.expires_at.or_else(|| self.expires_in.map(|life| now + life.0));
        if end.is_some_and(|end| end <= now) {
            return Err("--expires-at and --expires-in must lead into the future");
        }
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_life_ends_in_the_future_or_never() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let life = |expires_in: Option<&str>, expires_at: Option<&str>| Life {
            expires_in: expires_in.map(|text| text.parse().unwrap()),
            expires_at: expires_at.map(|text| moment(text).unwrap()),
        };
        assert_eq!(life(None, None).end(now), Ok(None));
        assert_eq!(life(Some("90d"), None).end(now), Ok(Some(now + Duration::days(90))));
        let at = life(None, Some("1970-01-01T01:00:01+01:00")).end(now);
        assert_eq!(at, Ok(Some(now + Duration::SECOND)));
        assert!(life(Some("0"), None).end(now).is_err());
        assert!(life(None, Some("1970-01-01T00:00:00Z")).end(now).is_err());
        for bad in ["", "2027-01-01", "tomorrow", "2027-01-01 00:00"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
