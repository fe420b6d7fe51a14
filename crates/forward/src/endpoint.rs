use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use fluent_uri::Uri;

use crate::client::HttpClient;
use crate::error::{ConfigError, UnreachableEndpoint};

/// The URL that receives the messages: https, or http on this machine only.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    uri: http::Uri,
    /// Without the query, which may contain a secret.
    shown: String,
}

impl Endpoint {
    pub(crate) const fn uri(&self) -> &http::Uri {
        &self.uri
    }

    /// Returns whether messages are encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&http::uri::Scheme::HTTPS)
    }

    /// Connects and negotiates TLS, but sends nothing: a check for operators.
    ///
    /// # Errors
    /// The cause.
    pub async fn check(&self) -> Result<(), UnreachableEndpoint> {
        let client = HttpClient::new(self).map_err(|error| UnreachableEndpoint(error.to_string()))?;
        client.connect(self).await
    }
}

impl FromStr for Endpoint {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let url = Uri::parse(text).map_err(|_| ConfigError::Endpoint)?;
        let authority = url.authority().ok_or(ConfigError::Endpoint)?;
        let is_named = !authority.host().is_empty() && authority.port_to_u16().is_ok();
        if authority.has_userinfo() || url.has_fragment() || !is_named {
            return Err(ConfigError::Endpoint);
        }
        match url.scheme().as_str().to_ascii_lowercase().as_str() {
            "https" => {}
            "http" if is_this_machine(authority.host()) => {}
            "http" => return Err(ConfigError::PlainHttp),
            _ => return Err(ConfigError::Endpoint),
        }
        let uri: http::Uri = text.parse().map_err(|_| ConfigError::Endpoint)?;
        let shown = text.split('?').next().unwrap_or_default().to_owned();
        Ok(Self { uri, shown })
    }
}

/// Returns whether data sent to this host stays on this machine. Abbreviated addresses such as `127.1` do not count.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Endpoint {
    /// Writes the URL without its query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_urls_and_http_urls_of_this_machine_are_accepted() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443/webhooks/github",
            "HTTPS://app.example.com/",
            "http://localhost:3000/hook",
            "http://127.0.0.1",
            "http://[::1]:3000/hook",
        ] {
            assert_eq!(good.parse::<Endpoint>().unwrap().to_string(), good);
        }
        let endpoint: Endpoint = "https://app.example.com/hook?token=canary".parse().unwrap();
        assert_eq!(endpoint.uri().path_and_query().unwrap(), "/hook?token=canary");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(https://app.example.com/hook)");
    }

    #[test]
    fn other_urls_are_rejected_with_the_cause() {
        for bad in [
            "",
            "app.example.com/hook",
            "/hook",
            "ftp://app.example.com",
            "https://",
            "https:///hook",
            "https://user@app.example.com",
            "https://user:canary@app.example.com",
            "https://app.example.com/#x",
            "https://app.example.com:99999/",
            "https://app example.com",
            "mailto:a@b",
        ] {
            assert_eq!(bad.parse::<Endpoint>().unwrap_err(), ConfigError::Endpoint, "{bad}");
        }
        for bad in
            ["http://app.example.com", "http://10.0.0.1/", "http://127.1/", "http://localhost.example.com/"]
        {
            assert_eq!(bad.parse::<Endpoint>().unwrap_err(), ConfigError::PlainHttp, "{bad}");
        }
    }
}
