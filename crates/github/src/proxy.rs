use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use fluent_uri::Uri;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};

use crate::base_url::host_name;
use crate::error::ConfigError;

/// A proxy through which the gateway reaches GitHub. It is asked to `CONNECT` to GitHub's host and port; TLS is then
/// negotiated with GitHub itself, so the proxy reads and changes nothing.
///
/// Its `Debug` and `Display` show scheme, host and port, never the credentials.
#[derive(Clone)]
pub struct HttpsProxy {
    url: http::Uri,
    /// `user:password`, decoded.
    credentials: Option<SecretString>,
}

impl HttpsProxy {
    /// Parses `http://[USER:PASSWORD@]HOST[:PORT]`, or the same with https for a proxy that itself speaks TLS. User and
    /// password are percent-encoded.
    ///
    /// # Errors
    /// [`ConfigError::Proxy`] if the text is anything else. The error does not quote it.
    pub fn parse(url: &SecretString) -> Result<Self, ConfigError> {
        parsed(url.expose_secret().trim()).ok_or(ConfigError::Proxy)
    }

    pub(crate) const fn url(&self) -> &http::Uri {
        &self.url
    }

    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == Some(&http::uri::Scheme::HTTPS)
    }

    /// Returns the value of `Proxy-Authorization`, marked as sensitive.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let credentials = self.credentials.as_ref()?.expose_secret();
        let text = SecretString::from(format!("Basic {}", BASE64.encode(credentials.as_bytes())));
        let mut value = HeaderValue::from_str(text.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn parsed(text: &str) -> Option<HttpsProxy> {
    let url = Uri::parse(text).ok()?;
    let scheme = url.scheme().as_str().to_ascii_lowercase();
    let authority = url.authority()?;
    let is_plain = matches!(url.path().as_str(), "" | "/") && !url.has_query() && !url.has_fragment();
    if !matches!(scheme.as_str(), "http" | "https") || !is_plain {
        return None;
    }
    let credentials = match authority.userinfo() {
        None => None,
        Some(given) => {
            let (user, password) = given.as_str().split_once(':').unwrap_or((given.as_str(), ""));
            let decoded =
                |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
            let (user, password) = (decoded(user)?, SecretString::from(decoded(password)?));
            // A colon in the user would end it too early for the proxy.
            if user.contains(':') {
                return None;
            }
            Some(SecretString::from(format!("{user}:{}", password.expose_secret())))
        }
    };
    let host = host_name(authority.host())?;
    let port = authority.port_to_u16().ok()?;
    if port == Some(0) {
        return None;
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let url = http::Uri::from_str(&format!("{scheme}://{host}{port}")).ok()?;
    Some(HttpsProxy { url, credentials })
}

impl fmt::Display for HttpsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.url.authority().map(ToString::to_string).unwrap_or_default();
        write!(f, "{}://{authority}", self.url.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for HttpsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsProxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<HttpsProxy, ConfigError> {
        HttpsProxy::parse(&SecretString::from(text))
    }

    #[test]
    fn proxies_are_urls_with_optional_credentials() {
        for (text, shown, credentials) in [
            ("http://proxy.example.com:3128", "http://proxy.example.com:3128", None),
            (" http://proxy.example.com:3128\n", "http://proxy.example.com:3128", None),
            ("HTTP://Proxy.example.com/", "http://proxy.example.com", None),
            ("https://[::1]:443", "https://[::1]:443", None),
            ("http://ann:p%40ss%3Aw%2Ford@10.0.0.1:8080", "http://10.0.0.1:8080", Some("ann:p@ss:w/ord")),
            ("http://ann:can:ary@proxy:1", "http://proxy:1", Some("ann:can:ary")),
            ("http://ann@proxy:1", "http://proxy:1", Some("ann:")),
        ] {
            let proxy = parse(text).unwrap();
            assert_eq!(proxy.to_string(), shown);
            let expected = credentials.map(|pair| format!("Basic {}", BASE64.encode(pair.as_bytes())));
            let authorization = proxy.authorization();
            assert_eq!(authorization.as_ref().map(|value| value.to_str().unwrap()), expected.as_deref());
            assert!(authorization.is_none_or(|value| value.is_sensitive()));
            assert_eq!(format!("{proxy:?}"), format!("HttpsProxy({shown})"), "without credentials");
        }
    }

    #[test]
    fn anything_else_is_no_proxy() {
        for bad in [
            "",
            "http://",
            "proxy.example.com:3128",
            "ann:canary@proxy:3128",
            "socks5://proxy:1080",
            "http://proxy:99999",
            "http://proxy:0",
            "http://proxy/path",
            "http://proxy?x",
            "http://proxy#x",
            "http://u:pass/word@proxy:1",
            "http://u%3Ax:p@proxy:1",
            "http://u:%ff@proxy:1",
            "http://pro xy",
        ] {
            assert_eq!(parse(bad).unwrap_err(), ConfigError::Proxy, "{bad}");
        }
    }
}
