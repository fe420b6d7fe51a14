use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use crate::error::{ConfigError, HostProblem};

/// Which GitHub: where people visit it and where its API is. Every call goes to one of these two bases, none to
/// another (lesson L-45, invariant I18).
///
/// As text (operators' flags): `github.com`, `acme.ghe.com`, `github.example.com` for an enterprise server, or two
/// URLs with a comma between, `http://127.0.0.1:4000,http://127.0.0.1:4000/api`, for anything else.
#[derive(Clone, PartialEq, Eq)]
pub struct GithubHost {
    web: String,
    api: String,
    apps: &'static str,
}

impl GithubHost {
    /// `https://github.com` and `https://api.github.com`.
    #[must_use]
    pub fn github_com() -> Self {
        Self { web: "https://github.com".to_owned(), api: "https://api.github.com".to_owned(), apps: "apps" }
    }

    /// GitHub Enterprise Cloud with data residency: `https://SUB.ghe.com` and `https://api.SUB.ghe.com`.
    ///
    /// # Errors
    /// [`ConfigError::Host`] unless `subdomain` is one label of a host name.
    pub fn ghe_com(subdomain: &str) -> Result<Self, ConfigError> {
        let subdomain = subdomain.trim().to_ascii_lowercase();
        let is_label = (1..=63).contains(&subdomain.len())
            && subdomain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !subdomain.starts_with('-')
            && !subdomain.ends_with('-');
        match subdomain.as_str() {
            "api" => Err(HostProblem::IsTheApi.into()),
            _ if is_label => Ok(Self {
                web: format!("https://{subdomain}.ghe.com"),
                api: format!("https://api.{subdomain}.ghe.com"),
                apps: "apps",
            }),
            _ => Err(HostProblem::Malformed.into()),
        }
    }

    /// GitHub Enterprise Server: `https://HOST` and `https://HOST/api/v3`. Its install page has another path.
    ///
    /// # Errors
    /// [`ConfigError::Host`] unless `host` is `HOST` or `HOST:PORT`.
    pub fn enterprise_server(host: &str) -> Result<Self, ConfigError> {
        let web = base(&format!("https://{}", host.trim()), Paths::Refused)?;
        Ok(Self { api: format!("{web}/api/v3"), web, apps: "github-apps" })
    }

    /// Two explicit bases: for simulators, and for what the other constructors do not cover. An https API base that ends
    /// in `/api/v3` is an enterprise server's, whose install page has another path; a simulator on plain http plays
    /// github.com.
    ///
    /// # Errors
    /// [`ConfigError::Host`] for anything but https URLs without user, query and fragment; http is accepted for
    /// `localhost` and loopback addresses.
    pub fn at(web: &str, api: &str) -> Result<Self, ConfigError> {
        let (web, api) = (base(web.trim(), Paths::Accepted)?, base(api.trim(), Paths::Accepted)?);
        let enterprise_server = web.starts_with("https:") && api.ends_with("/api/v3");
        Ok(Self { web, api, apps: if enterprise_server { "github-apps" } else { "apps" } })
    }

    /// The base of the pages that people visit, without a slash at its end.
    #[must_use]
    pub fn web(&self) -> &str {
        &self.web
    }

    /// The base of the API, without a slash at its end (with one, GitHub answers 404).
    #[must_use]
    pub fn api(&self) -> &str {
        &self.api
    }

    pub(crate) fn install_page(&self, slug: &str) -> String {
        format!("{}/{}/{slug}/installations/new", self.web, self.apps)
    }

    /// Where a visitor is asked to let us see who they are; no state yet.
    pub(crate) fn authorize_page(&self, client_id: &str) -> String {
        let client_id: String = form_urlencoded::byte_serialize(client_id.as_bytes()).collect();
        format!("{}/login/oauth/authorize?client_id={client_id}", self.web)
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        !self.web.starts_with("https:") && !self.api.starts_with("https:")
    }
}

impl Default for GithubHost {
    fn default() -> Self {
        Self::github_com()
    }
}

impl FromStr for GithubHost {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        if let Some((web, api)) = text.split_once(',') {
            return Self::at(web, api);
        }
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let web = base(&whole, Paths::Refused)?;
        let Some(host) = web.strip_prefix("https://") else {
            return Err(HostProblem::HalfAPair.into());
        };
        match host {
            "github.com" | "www.github.com" => Ok(Self::github_com()),
            "ghe.com" => Err(HostProblem::Malformed.into()),
            _ if host.ends_with(".github.com") => Err(HostProblem::IsTheApi.into()),
            _ => match host.strip_suffix(".ghe.com") {
                Some(subdomain) if subdomain.starts_with("api.") => Err(HostProblem::IsTheApi.into()),
                Some(subdomain) => Self::ghe_com(subdomain),
                None => Self::enterprise_server(host),
            },
        }
    }
}

impl fmt::Display for GithubHost {
    /// The base that people visit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.web)
    }
}

impl fmt::Debug for GithubHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GithubHost({}, {})", self.web, self.api)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paths {
    Accepted,
    Refused,
}

/// Checks a base URL and takes the slash off its end.
fn base(text: &str, paths: Paths) -> Result<String, HostProblem> {
    let url = Url::parse(text).map_err(|_| HostProblem::Malformed)?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.host_str().is_some_and(|host| !host.is_empty())
        && (paths == Paths::Accepted || url.path() == "/");
    match url.scheme() {
        _ if !bare => Err(HostProblem::Malformed),
        "https" => Ok(url.as_str().trim_end_matches('/').to_owned()),
        "http" if is_this_machine(url.host_str().unwrap_or_default()) => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        "http" => Err(HostProblem::PlainHttp),
        _ => Err(HostProblem::Malformed),
    }
}

/// Whether what is sent there stays on this machine. The URL parser has brought every spelling of an address
/// (`127.1`, `0x7f000001`) into its one form already.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_github_has_its_own_form_of_addresses_l45() {
        for (text, web, api, page) in [
            (
                "github.com",
                "https://github.com",
                "https://api.github.com",
                "https://github.com/apps/dock/installations/new",
            ),
            (
                "https://GitHub.com/\n",
                "https://github.com",
                "https://api.github.com",
                "https://github.com/apps/dock/installations/new",
            ),
            (
                "acme.ghe.com",
                "https://acme.ghe.com",
                "https://api.acme.ghe.com",
                "https://acme.ghe.com/apps/dock/installations/new",
            ),
            (
                "github.example.com:8443",
                "https://github.example.com:8443",
                "https://github.example.com:8443/api/v3",
                "https://github.example.com:8443/github-apps/dock/installations/new",
            ),
            (
                "http://127.0.0.1:4000,http://localhost:4001/api/",
                "http://127.0.0.1:4000",
                "http://localhost:4001/api",
                "http://127.0.0.1:4000/apps/dock/installations/new",
            ),
            (
                "http://[::1]:4000,http://[::1]:4000/api/v3",
                "http://[::1]:4000",
                "http://[::1]:4000/api/v3",
                "http://[::1]:4000/apps/dock/installations/new",
            ),
        ] {
            let host: GithubHost = text.parse().unwrap();
            assert_eq!(
                (host.web(), host.api(), host.install_page("dock").as_str()),
                (web, api, page),
                "{text}"
            );
            // The same path everywhere.
            let authorize = format!("{web}/login/oauth/authorize?client_id=Iv1.a_b-%26state%3D");
            assert_eq!(host.authorize_page("Iv1.a_b-&state="), authorize, "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only_i18() {
        for elsewhere in [
            "http://github.com",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
        ] {
            assert_eq!(
                GithubHost::at(elsewhere, "https://api.github.com"),
                Err(HostProblem::PlainHttp.into()),
                "{elsewhere}"
            );
            assert_eq!(elsewhere.parse::<GithubHost>(), Err(HostProblem::PlainHttp.into()), "{elsewhere}");
        }
        assert_eq!("http://127.0.0.1:4000".parse::<GithubHost>(), Err(HostProblem::HalfAPair.into()));
    }

    #[test]
    fn what_is_no_host_is_refused_with_its_cause_l44() {
        for bad in [
            "",
            "a b",
            "https://",
            "ftp://github.com",
            "https://u:p@github.com",
            "github.com/x",
            "github.com?x",
            "github.com#x",
            "ghe.com",
            "a.b.ghe.com",
            "-.ghe.com",
        ] {
            assert_eq!(bad.parse::<GithubHost>(), Err(HostProblem::Malformed.into()), "{bad}");
        }
        for api in ["api.github.com", "https://api.github.com", "api.acme.ghe.com", "api.ghe.com"] {
            assert_eq!(api.parse::<GithubHost>(), Err(HostProblem::IsTheApi.into()), "{api}");
        }
        assert!(GithubHost::enterprise_server("github.example.com/x").is_err());
        assert!(GithubHost::enterprise_server("u@github.example.com").is_err());
    }
}
