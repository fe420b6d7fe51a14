//! How much GitHub still lets us ask as our App.

use std::sync::{Mutex, PoisonError};

use dockline::ports::RateLeft;
use time::OffsetDateTime;

use crate::answer::Answer;

/// What the last answer that said so said (GitHub fact 43). One that does not, such as a proxy's in between, takes
/// nothing back.
#[derive(Default)]
pub(crate) struct RateGauge(Mutex<Option<RateLeft>>);

impl RateGauge {
    pub(crate) fn note(&self, answer: &Answer) {
        if let Some(told) = told(answer) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    }

    pub(crate) fn left(&self) -> Option<RateLeft> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(answer: &Answer) -> Option<RateLeft> {
    let number = |name: &str| answer.header(name)?.trim().parse::<u64>().ok();
    let resets_at = i64::try_from(number("x-ratelimit-reset")?).ok()?;
    Some(RateLeft {
        limit: number("x-ratelimit-limit")?,
        remaining: number("x-ratelimit-remaining")?,
        resets_at: OffsetDateTime::from_unix_timestamp(resets_at).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_says_it_all_says_anything() {
        let gauge = RateGauge::default();
        let say = |limit: &str, remaining: &str, reset: &str| {
            let headers = [
                ("x-ratelimit-limit", limit),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", reset),
            ];
            gauge.note(&Answer::new(200, &headers, Vec::new()));
            gauge.left()
        };
        for (limit, remaining, reset) in [
            ("", "4999", "1795000000"),
            ("5000", "-1", "1795000000"),
            ("5000", "4999", "soon"),
            ("5000", "4999", "18446744073709551615"),
            ("5000", "4999", "9223372036854775807"),
        ] {
            assert_eq!(say(limit, remaining, reset), None, "{limit} {remaining} {reset}");
        }
        let resets_at = OffsetDateTime::from_unix_timestamp(1_795_000_000).unwrap();
        let told = Some(RateLeft { limit: 5_000, remaining: 4_999, resets_at });
        assert_eq!(say("5000", " 4999", "1795000000"), told);
        gauge.note(&Answer::new(502, &[("x-ratelimit-limit", "1")], Vec::new()));
        assert_eq!(gauge.left(), told);
    }
}
