//! Checks the URL that a browser is redirected to at the end.

use std::net::{Ipv4Addr, Ipv6Addr};

use fluent_uri::Uri;
use fluent_uri::component::Scheme;

const HTTPS: &Scheme = Scheme::new_or_panic("https");
const HTTP: &Scheme = Scheme::new_or_panic("http");

/// The maximum number of characters of a `returnUrl`.
pub const LONGEST: usize = 2_048;

/// The parameters that are appended to a `returnUrl`. A product that reads the first of two would read the caller's.
pub const RESERVED: [&str; 4] = ["installation_id", "state", "setup_action", "error"];

/// Why a `returnUrl` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReturnUrlError {
    /// The URL is absolute, but the caller may not return to its host or by its scheme, or it contains a user name.
    #[error("the caller may not return to this URL")]
    NotAllowed,
    /// The text is not an absolute URL of at most [`LONGEST`] ASCII characters.
    #[error("not an absolute URL of at most 2048 ASCII characters")]
    Malformed,
    /// The query has one of the [`RESERVED`] parameters.
    #[error("the query has a parameter that is added at the end")]
    Reserved,
}

/// Checks a `returnUrl`. Its host must be one of `allowed_hosts`, compared exactly but for case. Its scheme must be
/// `https`, or may be `http` if the host is `localhost` or a loopback address. A user name is not allowed, since it makes
/// one host look like another.
///
/// The parser follows RFC 3986 strictly: a URL that browsers would repair, such as one with backslashes or spaces, is
/// malformed, so that it cannot be read in two ways.
///
/// # Errors
/// See [`ReturnUrlError`].
pub fn check(return_url: &str, allowed_hosts: &[String]) -> Result<(), ReturnUrlError> {
    if return_url.len() > LONGEST {
        return Err(ReturnUrlError::Malformed);
    }
    let url = Uri::parse(return_url).map_err(|_| ReturnUrlError::Malformed)?;
    let authority = url.authority().ok_or(ReturnUrlError::Malformed)?;
    let host = authority.host();
    if host.is_empty() || authority.port_to_u16().is_err() {
        return Err(ReturnUrlError::Malformed);
    }
    if url.query().is_some_and(|query| has_reserved_parameter(query.as_str())) {
        return Err(ReturnUrlError::Reserved);
    }
    let scheme_allowed = url.scheme() == HTTPS || (url.scheme() == HTTP && is_loopback(host));
    let host_allowed =
        allowed_hosts.iter().any(|allowed| unbracketed(allowed).eq_ignore_ascii_case(unbracketed(host)));
    if scheme_allowed && host_allowed && !authority.has_userinfo() {
        Ok(())
    } else {
        Err(ReturnUrlError::NotAllowed)
    }
}

/// Appends query parameters, whose values must need no encoding, before the fragment.
#[must_use]
pub fn with_parameters(return_url: &str, parameters: &[(&str, &str)]) -> String {
    let (address, fragment) = return_url.split_once('#').map_or((return_url, None), |(a, f)| (a, Some(f)));
    let mut url = address.to_owned();
    for (name, value) in parameters {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(name);
        url.push('=');
        url.push_str(value);
    }
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// Returns host and port of a checked `returnUrl`, to be shown to a visitor.
#[must_use]
pub fn host(return_url: &str) -> String {
    let url = Uri::parse(return_url).ok();
    url.and_then(|url| Some(url.authority()?.as_str().to_owned())).unwrap_or_default()
}

/// Compares decoded names without their case, since some frameworks ignore it.
fn has_reserved_parameter(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let name: Vec<u8> = percent_encoding::percent_decode_str(name).collect();
        RESERVED.iter().any(|reserved| reserved.as_bytes().eq_ignore_ascii_case(&name))
    })
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || unbracketed(host).parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_https_hosts_and_listed_loopback_are_allowed_l_22() {
        let list: Vec<String> =
            ["App.example.com", "127.0.0.1", "localhost", "::1", "10.0.0.1"].map(str::to_owned).into();
        let (allowed, not_allowed, malformed) =
            (Ok(()), Err(ReturnUrlError::NotAllowed), Err(ReturnUrlError::Malformed));
        let table = [
            ("https://app.example.com", allowed),
            ("https://APP.example.COM:8443/a?b=c#d", allowed),
            ("HTTPS://app.example.com/", allowed),
            ("http://127.0.0.1:3000/back", allowed),
            ("http://localhost/back", allowed),
            ("http://[::1]:3000/back", allowed),
            ("http://app.example.com/", not_allowed),
            ("http://10.0.0.1/", not_allowed),
            ("http://127.0.0.2/", not_allowed),
            ("https://sub.app.example.com/", not_allowed),
            ("https://app.example.com.evil.test/", not_allowed),
            ("https://app.example.com./", not_allowed),
            ("https://app%2eexample.com/", not_allowed),
            ("https://app.example.com@evil.test/", not_allowed),
            ("https://user@app.example.com/", not_allowed),
            ("javascript://app.example.com/%0aalert(1)", not_allowed),
            ("ftp://app.example.com/", not_allowed),
            ("//app.example.com/", malformed),
            ("/back", malformed),
            ("app.example.com", malformed),
            ("https:app.example.com", malformed),
            ("https:///back", malformed),
            ("https://app.example.com\\@evil.test/", malformed),
            ("https://app.example.com/a b", malformed),
            ("https://app.example.com/\r\nSet-Cookie: a=b", malformed),
            ("https://app.example.com:99999/", malformed),
            ("https://äpp.example.com/", malformed),
            ("", malformed),
        ];
        for (url, expected) in table {
            assert_eq!(check(url, &list), expected, "{url:?}");
        }
        let long = format!("https://app.example.com/{}", "a".repeat(LONGEST));
        assert_eq!(check(&long[..LONGEST], &list), allowed);
        assert_eq!(check(&long[..=LONGEST], &list), malformed);
        assert_eq!(check("https://app.example.com/", &[]), not_allowed);
    }

    #[test]
    fn parameters_that_are_appended_are_reserved_c_16() {
        let list = ["app.example.com".to_owned()];
        for reserved in [
            "?state=x",
            "?a=b&installation_id=7",
            "?error",
            "?setup_action=",
            "?STATE=x",
            "?st%61te=x",
            "?a&%73tate=x#top",
        ] {
            let url = format!("https://app.example.com/done{reserved}");
            assert_eq!(check(&url, &list), Err(ReturnUrlError::Reserved), "{url}");
        }
        for free in ["?states=x", "?a=state", "#state=x", "/state?x-error=1", "?a=%26state%3Dx"] {
            assert_eq!(check(&format!("https://app.example.com{free}"), &list), Ok(()), "{free}");
        }
        // Before the question whether the caller may return there.
        assert_eq!(check("https://evil.test/?state=x", &list), Err(ReturnUrlError::Reserved));
    }

    #[test]
    fn the_host_is_shown_with_its_port() {
        for (url, expected) in [
            ("https://App.example.com:8443/a?b#c", "App.example.com:8443"),
            ("http://[::1]:3000/", "[::1]:3000"),
            ("https://app.example.com", "app.example.com"),
        ] {
            assert_eq!(host(url), expected);
        }
    }

    #[test]
    fn parameters_are_appended_to_the_query_before_the_fragment() {
        let parameters = [("installation_id", "1"), ("state", "s")];
        for (url, expected) in [
            ("https://a.test", "https://a.test?installation_id=1&state=s"),
            ("https://a.test/b?c=d", "https://a.test/b?c=d&installation_id=1&state=s"),
            ("https://a.test/#/r?x", "https://a.test/?installation_id=1&state=s#/r?x"),
        ] {
            assert_eq!(with_parameters(url, &parameters), expected);
        }
    }
}
