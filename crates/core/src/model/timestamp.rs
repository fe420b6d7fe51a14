use serde::Serializer;
use time::{OffsetDateTime, UtcOffset};

/// Formats a time in UTC as RFC 3339 with exactly six fractional digits and `+00:00`, such as
/// `2026-04-18T19:14:09.123456+00:00`.
#[must_use]
pub fn format_timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute, second) = at.to_hms();
    let micros = at.microsecond();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// Serializes a time by [`format_timestamp`], for `#[serde(serialize_with = …)]`.
pub(crate) fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_timestamp(*at))
}

/// [`serialize`] for a time that may be absent.
pub(crate) fn serialize_option<S: Serializer>(
    at: &Option<OffsetDateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serialize(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn timestamps_have_six_digits_and_a_numeric_offset() {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::days(20_561) + Duration::microseconds(7);
        assert_eq!(format_timestamp(at), "2026-04-18T00:00:00.000007+00:00");
        let elsewhere = at.to_offset(UtcOffset::from_hms(-5, 30, 0).unwrap_or(UtcOffset::UTC));
        assert_eq!(format_timestamp(elsewhere), format_timestamp(at));
    }
}
