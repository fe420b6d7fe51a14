//! Where a browser may be sent in the end (`contract.md` §2 and §3; invariant I28, lesson L-22).

use std::net::{Ipv4Addr, Ipv6Addr};

use fluent_uri::Uri;
use fluent_uri::component::Scheme;

const HTTPS: &Scheme = Scheme::new_or_panic("https");
const HTTP: &Scheme = Scheme::new_or_panic("http");

/// The most characters of a `returnUrl`.
pub const LONGEST: usize = 2_048;

/// What a `returnUrl` comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It may be returned to.
    Allowed,
    /// It is an absolute URL that the key may not return to.
    NotAllowed,
    /// It is no absolute URL of at most [`LONGEST`] ASCII characters.
    Malformed,
}

/// Judges a `returnUrl` against the hosts of a key: exact, compared without case, no wildcards. The scheme is `https`;
/// `http` only for `localhost` and loopback addresses, which must be on the list as well. A URL that carries a user
/// name is never allowed: it makes one host look like another.
///
/// The parser is strict RFC 3986, so what browsers would repair (backslashes, blanks, control characters) is malformed
/// here rather than read in two ways.
#[must_use]
pub fn judge(return_url: &str, allowed_hosts: &[String]) -> Judgement {
    if return_url.len() > LONGEST {
        return Judgement::Malformed;
    }
    let Ok(url) = Uri::parse(return_url) else { return Judgement::Malformed };
    let Some(authority) = url.authority() else { return Judgement::Malformed };
    let host = authority.host();
    if host.is_empty() || authority.port_to_u16().is_err() {
        return Judgement::Malformed;
    }
    let scheme_fits = url.scheme() == HTTPS || (url.scheme() == HTTP && is_loopback(host));
    let listed =
        allowed_hosts.iter().any(|allowed| unbracketed(allowed).eq_ignore_ascii_case(unbracketed(host)));
    if scheme_fits && listed && !authority.has_userinfo() {
        Judgement::Allowed
    } else {
        Judgement::NotAllowed
    }
}

/// Appends query parameters whose values need no encoding, before any fragment.
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
        let table = [
            ("https://app.example.com", Judgement::Allowed),
            ("https://APP.example.COM:8443/a?b=c#d", Judgement::Allowed),
            ("HTTPS://app.example.com/", Judgement::Allowed),
            ("http://127.0.0.1:3000/back", Judgement::Allowed),
            ("http://localhost/back", Judgement::Allowed),
            ("http://[::1]:3000/back", Judgement::Allowed),
            ("http://app.example.com/", Judgement::NotAllowed),
            ("http://10.0.0.1/", Judgement::NotAllowed),
            ("http://127.0.0.2/", Judgement::NotAllowed),
            ("https://sub.app.example.com/", Judgement::NotAllowed),
            ("https://app.example.com.evil.test/", Judgement::NotAllowed),
            ("https://app.example.com./", Judgement::NotAllowed),
            ("https://app%2eexample.com/", Judgement::NotAllowed),
            ("https://app.example.com@evil.test/", Judgement::NotAllowed),
            ("https://user@app.example.com/", Judgement::NotAllowed),
            ("javascript://app.example.com/%0aalert(1)", Judgement::NotAllowed),
            ("ftp://app.example.com/", Judgement::NotAllowed),
            ("//app.example.com/", Judgement::Malformed),
            ("/back", Judgement::Malformed),
            ("app.example.com", Judgement::Malformed),
            ("https:app.example.com", Judgement::Malformed),
            ("https:///back", Judgement::Malformed),
            ("https://app.example.com\\@evil.test/", Judgement::Malformed),
            ("https://app.example.com/a b", Judgement::Malformed),
            ("https://app.example.com/\r\nSet-Cookie: a=b", Judgement::Malformed),
            ("https://app.example.com:99999/", Judgement::Malformed),
            ("https://äpp.example.com/", Judgement::Malformed),
            ("", Judgement::Malformed),
        ];
        for (url, expected) in table {
            assert_eq!(judge(url, &list), expected, "{url:?}");
        }
        let long = format!("https://app.example.com/{}", "a".repeat(LONGEST));
        assert_eq!(judge(&long, &list), Judgement::Malformed);
        assert_eq!(judge("https://app.example.com/", &[]), Judgement::NotAllowed);
    }

    #[test]
    fn parameters_go_behind_an_existing_query_and_before_a_fragment() {
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
