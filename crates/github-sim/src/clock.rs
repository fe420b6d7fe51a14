//! The simulator's clock: the system clock plus an offset in seconds.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

const RFC3339: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    offset: i64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the simulator does not use the core's Clock port")]
    pub(crate) fn now(self) -> OffsetDateTime {
        let real = OffsetDateTime::now_utc();
        real.checked_add(Duration::seconds(self.offset)).unwrap_or(real)
    }

    pub(crate) fn offset(self) -> i64 {
        self.offset
    }

    pub(crate) fn set_offset(&mut self, seconds: i64) {
        self.offset = seconds;
    }

    pub(crate) fn advance(&mut self, seconds: i64) {
        self.offset = self.offset.saturating_add(seconds);
    }
}

/// Formats a time as the REST API does: whole seconds, `Z`.
pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(RFC3339).unwrap_or_default()
}

/// Formats a time for the `Date` header.
pub(crate) fn http_date(at: OffsetDateTime) -> String {
    at.format(HTTP_DATE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_are_formatted_as_rfc_3339_and_imf_fixdate() {
        let at = datetime!(1994-11-06 08:49:37.5 UTC);
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(rfc3339(at), "1994-11-06T08:49:37Z");
    }
}
