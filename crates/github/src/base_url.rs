//! Base URLs, of GitHub and of proxies.

use std::net::{IpAddr, Ipv6Addr};

use fluent_uri::Uri;

use crate::error::HostProblem;

/// Whether a base URL may have a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    Accepted,
    Rejected,
}

/// Checks a base URL and returns it normalized: lower case, no default port, no trailing slash.
pub(crate) fn base(text: &str, paths: Paths) -> Result<String, HostProblem> {
    let url = Uri::parse(text).map_err(|_| HostProblem::Malformed)?;
    let authority = url.authority().ok_or(HostProblem::Malformed)?;
    let host = host_name(authority.host()).ok_or(HostProblem::Malformed)?;
    let port = authority.port_to_u16().map_err(|_| HostProblem::Malformed)?;
    let path = url.path().as_str().trim_end_matches('/');
    let is_plain_path = path.split('/').all(|segment| segment != "." && segment != "..");
    if authority.has_userinfo()
        || url.has_query()
        || url.has_fragment()
        || !is_plain_path
        || (paths == Paths::Rejected && !path.is_empty())
    {
        return Err(HostProblem::Malformed);
    }
    let (scheme, default_port) = match url.scheme().as_str().to_ascii_lowercase().as_str() {
        "https" => ("https", 443),
        "http" if is_this_machine(&host) => ("http", 80),
        "http" => return Err(HostProblem::PlainHttp),
        _ => return Err(HostProblem::Malformed),
    };
    let port = port.filter(|port| *port != default_port).map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}{path}"))
}

/// Returns a host name in lower case, or an IP address in its canonical form.
pub(crate) fn host_name(text: &str) -> Option<String> {
    if let Some(address) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (!text.is_empty() && text.bytes().all(is_name_byte)).then(|| text.to_ascii_lowercase())
}

/// Whether data sent to this host stays on this machine. Abbreviated addresses such as `127.1` do not count.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
