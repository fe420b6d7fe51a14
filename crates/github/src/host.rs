use std::fmt;
use std::str::FromStr;

use fluent_uri::Uri;

use crate::base_url::{Paths, base};
use crate::error::{ConfigError, HostProblem};

/// A GitHub: the base URL of its pages and that of its API. Every request goes to one of the two.
///
/// As text (for options of a program): `github.com`, `acme.ghe.com`, `github.example.com` for an enterprise server, or any
/// two URLs separated by a comma, such as `http://127.0.0.1:4000,http://127.0.0.1:4000/api`.
#[derive(Clone, PartialEq, Eq)]
pub struct GithubHost {
    web: String,
    api: String,
    /// The path of App pages, which differs on enterprise servers.
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
    /// [`ConfigError::Host`] if `subdomain` is not one label of a host name.
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

    /// GitHub Enterprise Server: `https://HOST` and `https://HOST/api/v3`.
    ///
    /// # Errors
    /// [`ConfigError::Host`] if `host` is not `HOST` or `HOST:PORT`.
    pub fn enterprise_server(host: &str) -> Result<Self, ConfigError> {
        let web = base(&format!("https://{}", host.trim()), Paths::Rejected)?;
        Ok(Self { api: format!("{web}/api/v3"), web, apps: "github-apps" })
    }

    /// Two explicit base URLs: for simulators, and for hosts that the other constructors do not cover. With an https
    /// API base that ends in `/api/v3`, install links have the path of an enterprise server; otherwise that of
    /// github.com.
    ///
    /// # Errors
    /// [`ConfigError::Host`] if either is not an https URL without user, query and fragment. http is accepted for
    /// `localhost` and loopback addresses.
    pub fn at(web: &str, api: &str) -> Result<Self, ConfigError> {
        let (web, api) = (base(web.trim(), Paths::Accepted)?, base(api.trim(), Paths::Accepted)?);
        let is_enterprise_server = web.starts_with("https:") && api.ends_with("/api/v3");
        Ok(Self { web, api, apps: if is_enterprise_server { "github-apps" } else { "apps" } })
    }

    /// Returns the base URL of the pages, without a trailing slash.
    #[must_use]
    pub fn web(&self) -> &str {
        &self.web
    }

    /// Returns the base URL of the API, without a trailing slash, with which GitHub would return 404.
    #[must_use]
    pub fn api(&self) -> &str {
        &self.api
    }

    pub(crate) fn install_page(&self, slug: &str) -> String {
        format!("{}/{}/{slug}/installations/new", self.web, self.apps)
    }

    /// Returns the page that takes the manifest of a new App: that of an organization, or of the signed-in user.
    pub(crate) fn new_app_page(&self, organization: Option<&str>) -> String {
        let path = organization.map(|login| {
            let login: String = form_urlencoded::byte_serialize(login.as_bytes()).collect();
            format!("/organizations/{login}")
        });
        format!("{}{}/settings/apps/new", self.web, path.unwrap_or_default())
    }

    /// Returns the page on which a visitor authorizes the App, without a state.
    pub(crate) fn authorize_page(&self, client_id: &str) -> String {
        let client_id: String = form_urlencoded::byte_serialize(client_id.as_bytes()).collect();
        format!("{}/login/oauth/authorize?client_id={client_id}", self.web)
    }

    /// Returns whether the URL is one of an HTTPS page of this GitHub.
    pub(crate) fn has_page(&self, url: &str) -> bool {
        let authority = |url: &str| {
            let url = Uri::parse(url).ok()?;
            Some(url.authority()?.as_str().to_ascii_lowercase())
        };
        Uri::parse(url).is_ok_and(|url| url.scheme().as_str().eq_ignore_ascii_case("https"))
            && authority(url).is_some()
            && authority(url) == authority(&self.web)
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
        let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let web = base(&url, Paths::Rejected)?;
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
    /// Writes the base URL of the pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.web)
    }
}

impl fmt::Debug for GithubHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GithubHost({}, {})", self.web, self.api)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_github_has_its_own_urls_l45() {
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
                "GitHub.Example.com:443",
                "https://github.example.com",
                "https://github.example.com/api/v3",
                "https://github.example.com/github-apps/dock/installations/new",
            ),
            (
                "https://git.example.com/hub, https://git.example.com/hub/api/v3/",
                "https://git.example.com/hub",
                "https://git.example.com/hub/api/v3",
                "https://git.example.com/hub/github-apps/dock/installations/new",
            ),
            (
                "http://127.0.0.1:4000,http://localhost:4001/api/",
                "http://127.0.0.1:4000",
                "http://localhost:4001/api",
                "http://127.0.0.1:4000/apps/dock/installations/new",
            ),
            (
                "HTTP://[0::1]:4000,http://[::1]:4000/api/v3",
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
            let authorize = format!("{web}/login/oauth/authorize?client_id=Iv1.a_b-%26state%3D");
            assert_eq!(host.authorize_page("Iv1.a_b-&state="), authorize, "{text}");
        }
    }

    #[test]
    fn the_default_is_github_com_and_is_displayed_by_its_pages() {
        let host = GithubHost::default();
        assert_eq!(host.to_string(), "https://github.com");
        assert_eq!(format!("{host:?}"), "GithubHost(https://github.com, https://api.github.com)");
    }

    #[test]
    fn plain_http_is_accepted_for_this_machine_only_i18() {
        for elsewhere in [
            "http://github.com",
            "http://10.0.0.1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://127.1",
            "http://[::2]",
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
    fn an_invalid_host_is_rejected_with_its_cause_l44() {
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
            "a-.ghe.com",
            "github.com:99999",
            "gith%75b.com",
            "https://[v1.x]",
        ] {
            assert_eq!(bad.parse::<GithubHost>(), Err(HostProblem::Malformed.into()), "{bad}");
        }
        for api in ["api.github.com", "https://api.github.com", "api.acme.ghe.com", "api.ghe.com"] {
            assert_eq!(api.parse::<GithubHost>(), Err(HostProblem::IsTheApi.into()), "{api}");
        }
        for bad in [
            "https://github.example.com/a/../b",
            "https://github.example.com/?x",
            "https://github.example.com/#x",
        ] {
            assert_eq!(GithubHost::at(bad, bad), Err(HostProblem::Malformed.into()), "{bad}");
        }
        assert_eq!(GithubHost::ghe_com("api"), Err(HostProblem::IsTheApi.into()));
        assert_eq!(GithubHost::ghe_com(&"a".repeat(64)), Err(HostProblem::Malformed.into()));
        assert!(GithubHost::ghe_com(&"a".repeat(63)).is_ok());
        assert!(GithubHost::enterprise_server("github.example.com/x").is_err());
        assert!(GithubHost::enterprise_server("u@github.example.com").is_err());
    }
}
