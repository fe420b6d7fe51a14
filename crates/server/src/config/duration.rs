//! Durations as option values.

use std::str::FromStr;
use std::time::Duration;

/// A duration as an option value: `250ms`, `90s`, `15m`, `1h`, `2d`, or `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationArg(pub Duration);

impl DurationArg {
    /// Returns `None` for zero, which turns an option off.
    #[must_use]
    pub fn non_zero(self) -> Option<Duration> {
        Some(self.0).filter(|duration| !duration.is_zero())
    }
}

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

impl FromStr for DurationArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let help = "write it as a number and ms, s, m, h or d, such as 15m, at most 365d";
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        // "ms" comes first, since it ends in "s".
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", DAY)];
        let read = units.into_iter().find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, millis)));
        let (number, millis) = read.ok_or(help)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| digits).ok_or(help)?;
        let millis = number.checked_mul(millis).filter(|millis| *millis <= 365 * DAY).ok_or(help)?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, seconds) in
            [("0", 0), ("0s", 0), ("90s", 90), ("15m", 900), ("1h", 3_600), ("2d", 172_800)]
        {
            assert_eq!(text.parse(), Ok(DurationArg(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!("250ms".parse(), Ok(DurationArg(Duration::from_millis(250))));
        for text in
            ["", "15", "m", "-1m", "+1m", "1.5h", "1 h", "1w", "ms", "-1ms", "366d", "99999999999999999999d"]
        {
            assert!(text.parse::<DurationArg>().is_err(), "{text}");
        }
    }
}
