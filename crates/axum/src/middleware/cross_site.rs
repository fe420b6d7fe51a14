//! Rejects requests that a browser sends for a page of another site. Otherwise any page could use a credential that the
//! browser adds by itself: a link to install-url with a state that the attacker knows would bind the visitor's organization
//! to the attacker's account.

use http::{HeaderMap, StatusCode, header};

use crate::wire::ApiErrorCode;
use crate::wire::error::ApiError;

/// Accepts a request whose `Sec-Fetch-Site` is `same-origin` or `none` (typed, or a bookmark); without that header, one
/// whose `Origin` is in `allowed_origins`.
pub(super) fn check(headers: &HeaderMap, allowed_origins: &[String]) -> Result<(), ApiError> {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let own = match (sites.next(), sites.next()) {
        (Some(site), None) => matches!(site.as_bytes(), b"same-origin" | b"none"),
        (Some(_), Some(_)) => false,
        (None, _) => {
            let mut origins = headers.get_all(header::ORIGIN).iter();
            match (origins.next(), origins.next()) {
                (Some(origin), None) => {
                    allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
                }
                _ => false,
            }
        }
    };
    if own {
        return Ok(());
    }
    let message = "This request does not come from a page of this site. Send it from the site's own page.";
    Err(ApiError::new(StatusCode::FORBIDDEN, ApiErrorCode::CrossSiteRequest, message))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn accepted(lines: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        check(&headers, &["https://app.example.com".to_owned()]).is_ok()
    }

    #[test]
    fn only_own_pages_and_typed_addresses_are_accepted() {
        for site in ["same-origin", "none"] {
            assert!(accepted(&[("sec-fetch-site", site)]), "{site}");
        }
        for site in ["same-site", "cross-site", "", "Same-Origin", "none, none"] {
            assert!(!accepted(&[("sec-fetch-site", site)]), "{site}");
            // A listed origin does not outweigh Sec-Fetch-Site.
            assert!(!accepted(&[("sec-fetch-site", site), ("origin", "https://app.example.com")]), "{site}");
        }
        assert!(!accepted(&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn without_the_header_only_a_listed_origin_is_accepted() {
        assert!(accepted(&[("origin", "https://app.example.com")]));
        for origin in ["null", "https://app.example.com.evil.test", "http://app.example.com", ""] {
            assert!(!accepted(&[("origin", origin)]), "{origin}");
        }
        assert!(!accepted(&[("origin", "https://app.example.com"), ("origin", "https://evil.test")]));
        assert!(!accepted(&[]));
    }
}
