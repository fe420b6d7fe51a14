//! The meaning of GitHub's responses.
//!
//! | status | and | error | kind |
//! |---|---|---|---|
//! | 2xx | | none | |
//! | 5xx | | `Server` | `Unavailable` |
//! | 429 | | `RateLimited` | `RateLimited` |
//! | 403 | `retry-after`, or `x-ratelimit-remaining: 0`, or a message about a rate limit or abuse | `RateLimited` | `RateLimited` |
//! | 401, 403 | `X-GitHub-SSO: required`, or a message about SAML | `Denied(SsoRequired)` | an outcome |
//! | 401, 403 | a message about an IP allow list | `Denied(IpBlocked)` | an outcome |
//! | 401, 403 | "Your account was suspended" | `Denied(AccountSuspended)` | an outcome |
//! | 401 | otherwise | `CredentialRejected`, or `ClockSkew` if a JWT with corrected dates is rejected too | `Rejected` |
//! | 403 | "This installation has been suspended" | `Suspended` | an outcome, or `Rejected` |
//! | 403 | "Resource not accessible by …", or `X-Accepted-GitHub-Permissions` | `PermissionMissing` | an outcome, or `Rejected` |
//! | 403 | otherwise | `Denied(Other)` | an outcome, or `Rejected` |
//! | 404 | "Integration not found" | `UnknownApp` | `Rejected` |
//! | 404 | JSON with a message, and a header of GitHub's | `NotFound` | an outcome if the port has one, else `Unexpected` |
//! | 404 | otherwise | `NotFound`, not GitHub's own | `Corrupt` where an outcome depends on it, else `Unexpected` |
//! | 451 | | `Denied(LegalBlock)` | an outcome |
//! | 3xx | | `Redirect` | `Corrupt` |
//! | 400 | a message about the version | `UnsupportedApiVersion` | `Unexpected` |
//! | 422 | | `Unprocessable` | an outcome if the port has one, else `Unexpected` |
//! | other | | `UnexpectedStatus` | `Unexpected` |
//! | any | body too large, or not the expected JSON | `TooLarge`, `InvalidResponse` | `Corrupt` |
//! | none | no connection, cut connection, timeout | `Unreachable`, `TimedOut` | `Unavailable` |
//!
//! A rate limit lasts as long as `retry-after` says; else, if the budget is used up, until `x-ratelimit-reset` by GitHub's
//! own `Date`, so that our clock does not matter; else a minute. It is bounded to between a second and an hour.

use std::time::Duration;

use super::rate_limit::MAX_PAUSE;
use super::redact::{has_message, message, redacted};
use super::response::Response;
use crate::error::{Denial, GithubError};

const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// Returns the error that the status and the headers stand for; `None` for 2xx.
pub(crate) fn error_of(response: &Response) -> Option<GithubError> {
    let status = response.status;
    if (200..300).contains(&status) {
        return None;
    }
    let message = message(&response.body);
    let says = |part: &str| message.to_ascii_lowercase().contains(part);
    Some(match status {
        500.. => GithubError::Server { status, message },
        429 => rate_limited(response, message),
        403 if response.header("retry-after").is_some() || is_used_up(response) => {
            rate_limited(response, message)
        }
        403 if says("rate limit") || says("abuse detection") => rate_limited(response, message),
        401 | 403 if sso_required(response).is_some() || says("saml") => {
            let url = sso_required(response).flatten();
            GithubError::Denied { status, denial: Denial::SsoRequired { url }, message }
        }
        401 | 403 if says("ip allow list") => {
            GithubError::Denied { status, denial: Denial::IpBlocked, message }
        }
        403 if says("installation has been suspended") => GithubError::Suspended,
        401 | 403 if says("account was suspended") || says("account has been suspended") => {
            GithubError::Denied { status, denial: Denial::AccountSuspended, message }
        }
        401 => GithubError::CredentialRejected { date: response.date(), message },
        403 => {
            let needed = response.header("x-accepted-github-permissions").map(redacted);
            if needed.is_some() || says("resource not accessible by") {
                GithubError::PermissionMissing { needed, message }
            } else {
                GithubError::Denied { status, denial: Denial::Other, message }
            }
        }
        451 => GithubError::Denied { status, denial: Denial::LegalBlock, message },
        404 if says("integration not found") => GithubError::UnknownApp,
        404 => GithubError::NotFound { own: is_own(response), message },
        300..400 => GithubError::Redirect { status },
        400 if says("version") => GithubError::UnsupportedApiVersion { message },
        422 => GithubError::Unprocessable { message },
        _ => GithubError::UnexpectedStatus { status, message },
    })
}

/// Returns whether `X-GitHub-SSO` requires single sign-on, and the page that it names.
fn sso_required(response: &Response) -> Option<Option<String>> {
    let rest = response.header("x-github-sso")?.trim().strip_prefix("required")?;
    Some(rest.split(';').find_map(|part| part.trim().strip_prefix("url=")).map(str::to_owned))
}

/// Returns whether the response is GitHub's own, not that of a proxy: it is JSON with a message, and has a header that
/// GitHub adds.
fn is_own(response: &Response) -> bool {
    let has_header = ["x-github-request-id", "x-github-media-type"]
        .into_iter()
        .any(|name| response.header(name).is_some_and(|value| !value.is_empty()));
    has_header && has_message(&response.body)
}

fn is_used_up(response: &Response) -> bool {
    response.header("x-ratelimit-remaining").is_some_and(|left| left.trim() == "0")
}

fn rate_limited(response: &Response, message: String) -> GithubError {
    let number = |name: &str| response.header(name).and_then(|text| text.trim().parse::<u64>().ok());
    let retry_after = number("retry-after");
    let until_reset = number("x-ratelimit-reset").filter(|_| is_used_up(response)).and_then(|reset| {
        let now = u64::try_from(response.date()?.unix_timestamp()).ok()?;
        Some(reset.saturating_sub(now))
    });
    let wait = retry_after.or(until_reset).map_or(DEFAULT_PAUSE, Duration::from_secs);
    GithubError::RateLimited { wait: wait.clamp(Duration::from_secs(1), MAX_PAUSE), message }
}

#[cfg(test)]
mod tests {
    use dockline::PortErrorKind::{self, Corrupt, RateLimited, Rejected, Unavailable, Unexpected};

    use super::*;

    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    const UNIX: u64 = 784_111_777;

    fn error(status: u16, headers: &[(&str, &str)], message: &str) -> GithubError {
        let body = serde_json::json!({ "message": message, "status": status.to_string() }).to_string();
        error_of(&Response::new(status, headers, body)).expect("not a success")
    }

    fn limit(seconds: u64) -> PortErrorKind {
        RateLimited { retry_after: Duration::from_secs(seconds) }
    }

    #[test]
    fn each_row_of_the_table_l34_l58() {
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
            assert_eq!(error(status, headers, message).kind(), kind, "{status} {headers:?} {message:?}");
        }
        assert_eq!(error_of(&Response::new(200, &[], "")), None);
        assert_eq!(error_of(&Response::new(204, &[], "")), None);
    }

    #[test]
    fn errors_of_the_same_kind_stay_distinct_l57() {
        assert_eq!(error(403, &[], "This installation has been suspended"), GithubError::Suspended);
        assert_eq!(error(404, &[], "Integration not found"), GithubError::UnknownApp);
        let GithubError::PermissionMissing { needed, .. } =
            error(403, &[("x-accepted-github-permissions", "members=read")], "Resource not accessible")
        else {
            panic!("another error")
        };
        assert_eq!(needed.as_deref(), Some("members=read"));
        assert!(matches!(
            error(400, &[], "unsupported API version"),
            GithubError::UnsupportedApiVersion { .. }
        ));
        let message = "Validation Failed".to_owned();
        assert_eq!(error(422, &[], &message), GithubError::Unprocessable { message });
    }

    #[test]
    fn each_denial_is_told_apart_by_headers_and_words_l73() {
        let denial = |status, headers: &[(&str, &str)], message: &str| {
            let error = error(status, headers, message);
            if let GithubError::Denied { denial, .. } = error {
                return Some(denial);
            }
            assert!(matches!(error, GithubError::PermissionMissing { .. }), "{error:?}");
            None
        };
        let page = "https://github.com/orgs/acme/sso?authorization_request=AB1";
        let saml = "Resource protected by organization SAML enforcement. You must grant your OAuth token access to \
                    this organization.";
        let ip = "Although you appear to have the correct authorization credentials, the `acme` organization has an IP \
                  allow list enabled, and your IP address is not permitted to access this resource.";
        let required = format!("required; url={page}");
        let sso = |url: Option<&str>| Some(Denial::SsoRequired { url: url.map(str::to_owned) });
        assert_eq!(denial(403, &[("x-github-sso", &required)], saml), sso(Some(page)));
        assert_eq!(denial(403, &[("x-github-sso", "required")], ""), sso(None));
        assert_eq!(denial(403, &[], saml), sso(None));
        assert_eq!(denial(403, &[], ip), Some(Denial::IpBlocked));
        assert_eq!(denial(401, &[], ip), Some(Denial::IpBlocked));
        for words in ["Sorry. Your account was suspended.", "Your account has been suspended"] {
            assert_eq!(denial(403, &[], words), Some(Denial::AccountSuspended), "{words}");
        }
        assert_eq!(denial(451, &[], "Repository access blocked"), Some(Denial::LegalBlock));
        assert_eq!(denial(403, &[], "Forbidden"), Some(Denial::Other));
        assert_eq!(denial(403, &[], "Resource not accessible by integration"), None);
        assert_eq!(denial(403, &[("x-accepted-github-permissions", "members=read")], "Forbidden"), None);
        // Headers of a successful or partial answer deny nothing.
        let partial = ("x-github-sso", "partial-results; organizations=21955855,20582480");
        assert_eq!(denial(403, &[partial], "Forbidden"), Some(Denial::Other));
        // A limit is a limit, whatever else the response says.
        assert!(matches!(error(403, &[("retry-after", "9")], saml), GithubError::RateLimited { .. }));
    }
}
