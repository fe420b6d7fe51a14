use serde::Serializer;
use time::{OffsetDateTime, UtcOffset};

/// Returns the time as stores keep it: in UTC, truncated to microseconds.
#[must_use]
pub fn stored_time(at: OffsetDateTime) -> OffsetDateTime {
    at.checked_to_offset(UtcOffset::UTC).unwrap_or(at).truncate_to_microsecond()
}

/// Formats a time in UTC as RFC 3339 with exactly six fractional digits and `+00:00`, such as
/// `2026-04-18T19:14:09.123456+00:00`.
#[must_use]
pub fn format_timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (month, day) = (u8::from(at.month()).into(), at.day().into());
    let (hour, minute, second) = at.to_hms();
    // By hand, since `format!` takes ten times as long, and each response has such a time.
    let mut text = String::with_capacity("2026-04-18T19:14:09.123456+00:00".len());
    if at.year() < 0 {
        text.push('-');
    }
    for (number, digits, separator) in [
        (at.year().unsigned_abs(), 4, "-"),
        (month, 2, "-"),
        (day, 2, "T"),
        (hour.into(), 2, ":"),
        (minute.into(), 2, ":"),
        (second.into(), 2, "."),
        (at.microsecond(), 6, "+00:00"),
    ] {
        push(&mut text, number, digits);
        text.push_str(separator);
    }
    text
}

/// Appends the last `digits` digits of a number.
fn push(text: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        text.extend(char::from_digit(digit, 10));
    }
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
        let late = at.replace_year(7).unwrap() + Duration::new(86_399, 987_654_321);
        assert_eq!(format_timestamp(late), "0007-04-18T23:59:59.987661+00:00");
        let before = at.replace_year(-4).unwrap();
        assert_eq!(format_timestamp(before), "-0004-04-18T00:00:00.000007+00:00");
    }
}
