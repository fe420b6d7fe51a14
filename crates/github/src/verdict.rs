//! The one table from an answer of GitHub's to what it means for us.
//!
//! | status | and | fault | kind |
//! |---|---|---|---|
//! | 2xx | | none | |
//! | 5xx | | `Server` | `Unavailable` |
//! | 429 | | `Limited` | `RateLimited` |
//! | 403 | `retry-after`, or `x-ratelimit-remaining: 0`, or a message about a rate limit or abuse | `Limited` | `RateLimited` |
//! | 401 | | `CredentialRefused` (`ClockSkew` once a corrected JWT is refused, too) | `Rejected` |
//! | 403 | "This installation has been suspended" | `Suspended` | `Rejected` |
//! | 403 | otherwise | `NotGranted` | `Rejected` |
//! | 404 | "Integration not found" | `UnknownApp` | `Rejected` |
//! | 404 | otherwise | `NotFound` | a value where the port has one, else `Unexpected` |
//! | 3xx | | `Redirected` | `Corrupt` |
//! | 400 | a message about the version | `ApiVersion` | `Unexpected` |
//! | 422 | | `Unprocessable` | a value where the port has one, else `Unexpected` |
//! | other | | `Unforeseen` | `Unexpected` |
//! | any | body larger than the call has room for, or not the JSON that it should be | `TooLarge`, `NotGithubs` | `Corrupt` |
//! | none | no connection, cut, timeout | `Unreachable`, `TimedOut` | `Unavailable` |
//!
//! How long a limit lasts: `retry-after`, else `x-ratelimit-reset` against GitHub's own `Date` where the budget is
//! used up (our clock does not matter), else a minute; from one second to an hour.

use std::time::Duration;

use crate::answer::Answer;
use crate::excerpt;
use crate::fault::{GithubFault, Scope};
use crate::pause::LONGEST;

const UNTOLD: Duration = Duration::from_secs(60);

/// `None` for 2xx.
pub(crate) fn fault_of(answer: &Answer) -> Option<GithubFault> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return None;
    }
    let message = excerpt::message(&answer.body);
    let says = |part: &str| message.to_ascii_lowercase().contains(part);
    Some(match status {
        500.. => GithubFault::Server { status, message },
        429 => limited(answer, message),
        403 if answer.header("retry-after").is_some() || is_used_up(answer) => limited(answer, message),
        403 if says("rate limit") || says("abuse detection") => limited(answer, message),
        401 => GithubFault::CredentialRefused { date: answer.date(), message },
        403 if says("installation has been suspended") => GithubFault::Suspended,
        403 => GithubFault::NotGranted {
            needed: answer.header("x-accepted-github-permissions").map(excerpt::cleaned),
            message,
        },
        404 if says("integration not found") => GithubFault::UnknownApp,
        404 => GithubFault::NotFound { message },
        300..400 => GithubFault::Redirected { status },
        400 if says("version") => GithubFault::ApiVersion { message },
        422 => GithubFault::Unprocessable { message },
        _ => GithubFault::Unforeseen { status, message },
    })
}

fn is_used_up(answer: &Answer) -> bool {
    answer.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0")
}

fn limited(answer: &Answer, message: String) -> GithubFault {
    let number = |name: &str| answer.header(name).and_then(|text| text.trim().parse::<u64>().ok());
    let asked = number("retry-after");
    let reset = number("x-ratelimit-reset").filter(|_| is_used_up(answer)).and_then(|reset| {
        let now = u64::try_from(answer.date()?.unix_timestamp()).ok()?;
        Some(reset.saturating_sub(now))
    });
    let wait = asked.or(reset).map_or(UNTOLD, Duration::from_secs);
    // An hourly budget is the credential's own; what comes with `retry-after` is about how we behave.
    let scope = if asked.is_none() && is_used_up(answer) { Scope::Credential } else { Scope::Everyone };
    GithubFault::Limited { wait: wait.clamp(Duration::from_secs(1), LONGEST), scope, message }
}

#[cfg(test)]
mod tests {
    use dockline::PortErrorKind::{self, Corrupt, RateLimited, Rejected, Unavailable, Unexpected};

    use super::*;

    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    const UNIX: u64 = 784_111_777;

    fn judged(status: u16, headers: &[(&str, &str)], message: &str) -> GithubFault {
        let body = serde_json::json!({ "message": message, "status": status.to_string() }).to_string();
        fault_of(&Answer::new(status, headers, body.into_bytes())).expect("not a success")
    }

    fn limit(seconds: u64) -> PortErrorKind {
        RateLimited { retry_after: Duration::from_secs(seconds) }
    }

    #[test]
    fn every_row_of_the_table_l34_l58() {
        let (soon, long_ago, far) =
            ((UNIX + 90).to_string(), (UNIX - 5).to_string(), (UNIX + 90_000).to_string());
        let used_up = ("x-ratelimit-remaining", "0");
        for (status, headers, message, kind) in [
            (500, &[][..], "", Unavailable),
            (502, &[], "", Unavailable),
            (503, &[("retry-after", "5")], "", Unavailable),
            (429, &[], "", limit(60)),
            (429, &[("retry-after", "17")], "", limit(17)),
            (429, &[("retry-after", "0")], "", limit(1)),
            (429, &[("retry-after", "999999")], "", limit(3600)),
            (429, &[("retry-after", "soon")], "", limit(60)),
            (403, &[("retry-after", "7")], "anything", limit(7)),
            (403, &[used_up, ("x-ratelimit-reset", &soon), DATE], "API rate limit exceeded", limit(90)),
            (403, &[used_up, ("x-ratelimit-reset", &long_ago), DATE], "", limit(1)),
            (403, &[used_up, ("x-ratelimit-reset", &far), DATE], "", limit(3600)),
            (403, &[used_up, ("x-ratelimit-reset", &soon)], "", limit(60)),
            (403, &[used_up], "", limit(60)),
            (
                403,
                &[("x-ratelimit-remaining", "10"), ("x-ratelimit-reset", &soon), DATE],
                "You have exceeded a secondary rate limit",
                limit(60),
            ),
            (401, &[], "A JSON web token could not be decoded", Rejected),
            (403, &[("x-ratelimit-remaining", "10")], "This installation has been suspended", Rejected),
            (403, &[], "Resource not accessible by integration", Rejected),
            (404, &[], "Integration not found", Rejected),
            (404, &[], "Not Found", Unexpected),
            (301, &[("location", "https://example.com")], "", Corrupt),
            (304, &[], "", Corrupt),
            (400, &[], "1999-01-01 is not a supported version", Unexpected),
            (400, &[], "Problems parsing JSON", Unexpected),
            (422, &[], "Validation Failed", Unexpected),
            (418, &[], "", Unexpected),
        ] {
            assert_eq!(judged(status, headers, message).kind(), kind, "{status} {headers:?} {message:?}");
        }
        assert_eq!(fault_of(&Answer::new(200, &[], Vec::new())), None);
        assert_eq!(fault_of(&Answer::new(204, &[], Vec::new())), None);
    }

    #[test]
    fn what_shares_a_kind_is_still_told_apart_l57() {
        assert_eq!(judged(403, &[], "This installation has been suspended"), GithubFault::Suspended);
        assert_eq!(judged(404, &[], "Integration not found"), GithubFault::UnknownApp);
        let GithubFault::NotGranted { needed, .. } =
            judged(403, &[("x-accepted-github-permissions", "members=read")], "Resource not accessible")
        else {
            panic!("another fault")
        };
        assert_eq!(needed.as_deref(), Some("members=read"));
        assert!(matches!(judged(400, &[], "unsupported API version"), GithubFault::ApiVersion { .. }));
        let message = "Validation Failed".to_owned();
        assert_eq!(judged(422, &[], &message), GithubFault::Unprocessable { message });
    }

    #[test]
    fn a_used_up_budget_is_its_owners_the_rest_is_everyones_i19() {
        let scope = |headers: &[(&str, &str)]| {
            let GithubFault::Limited { scope, .. } = judged(403, headers, "rate limit") else {
                panic!("another fault")
            };
            scope
        };
        assert_eq!(scope(&[("x-ratelimit-remaining", "0")]), Scope::Credential);
        assert_eq!(scope(&[("x-ratelimit-remaining", "0"), ("retry-after", "3")]), Scope::Everyone);
        assert_eq!(scope(&[]), Scope::Everyone);
    }
}
