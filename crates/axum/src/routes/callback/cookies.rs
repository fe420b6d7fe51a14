//! Cookies of the callback: one per question and one per visit to GitHub's web flow.

use std::time::Duration;

use axum::response::Response;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

use crate::wire::header_list;

/// The cookie of a question; its ticket adds to the name. The prefix binds it to this host: no sibling domain can set it, and
/// browsers send it only over HTTPS or to loopback.
pub(super) const VISIT: &str = "__Host-dockline-visit";

/// The cookie of a visit to GitHub's web flow; the visit's nonce adds to the name.
pub(super) const FLOW: &str = "__Host-dockline-flow";

/// The maximum number of cookies of each kind in a browser, so that its requests stay small.
const MOST: usize = 8;

/// Returns the value of the cookie. Cookies are octets: one that is not text, or malformed, does not affect the others.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = pairs(headers).find_map(|(given, value)| (given == name.as_bytes()).then_some(value))?;
    std::str::from_utf8(value).ok()
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    header_list::items(headers, header::COOKIE, b';').filter_map(|pair| {
        let end = pair.iter().position(|byte| *byte == b'=')?;
        Some((pair.get(..end)?, pair.get(end + 1..)?))
    })
}

/// Sets a cookie `<kind>-<…>`, and removes the oldest of its kind if there are too many.
pub(super) fn set(
    response: &mut Response,
    request: &HeaderMap,
    kind: &str,
    name: &str,
    value: &str,
    same_site: SameSite,
    max_age: Duration,
) {
    // Browsers send older cookies first.
    let of_kind = |name: &&str| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with('-'));
    let names = pairs(request).filter_map(|(name, _)| std::str::from_utf8(name).ok());
    let names: Vec<&str> = names.filter(of_kind).filter(|given| *given != name).collect();
    let surplus = names.len().saturating_sub(MOST - 1);
    for old in names.into_iter().take(surplus) {
        append(response, old, "", same_site, Duration::ZERO);
    }
    append(response, name, value, same_site, max_age);
}

fn append(response: &mut Response, name: &str, value: &str, same_site: SameSite, max_age: Duration) {
    let cookie = Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(same_site)
        .max_age(max_age.try_into().unwrap_or(time::Duration::ZERO));
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie.to_string()) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn a_neighbour_that_is_no_text_loses_only_itself_c_21() {
        let name = "__Host-dockline-visit-1";
        for lines in [
            &[&b"__Host-dockline-visit-1=ours"[..]][..],
            &[b"theme=\xe9t\xff; __Host-dockline-visit-1=ours; a"],
            &[b"\xff\xfe; =; ;;  __Host-dockline-visit-1=ours"],
            &[b"x=1", b"\xe9", b"__Host-dockline-visit-1=ours; __Host-dockline-visit-12=other"],
        ] {
            assert_eq!(value(&headers(lines), name), Some("ours"), "{lines:?}");
        }
        for lines in [&[&b""[..]][..], &[b"__Host-dockline-visit-1"], &[b"__Host-dockline-visit-1=\xff"]] {
            assert_eq!(value(&headers(lines), name), None, "{lines:?}");
        }
    }

    #[test]
    fn the_oldest_cookies_of_a_kind_are_removed() {
        let line: Vec<String> = (0..9).map(|number| format!("{VISIT}-{number}=v")).collect();
        let request = headers(&[format!("{}; {FLOW}-1=f; x=y", line.join("; ")).as_bytes()]);
        let mut response = Response::default();
        set(
            &mut response,
            &request,
            VISIT,
            &format!("{VISIT}-new"),
            "v",
            SameSite::Strict,
            Duration::from_secs(9),
        );
        let set: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
        let set: Vec<&str> = set.iter().map(|value| value.to_str().unwrap()).collect();
        let attributes = "HttpOnly; SameSite=Strict; Secure; Path=/";
        assert_eq!(
            set,
            [
                format!("{VISIT}-0=; {attributes}; Max-Age=0"),
                format!("{VISIT}-1=; {attributes}; Max-Age=0"),
                format!("{VISIT}-new=v; {attributes}; Max-Age=9"),
            ]
        );
    }
}
