//! Which of the facts that GitHub reports about an installation are stored.

use fluent_uri::Uri;

use crate::model::InstallationFacts;

/// Removes the link to the settings unless it is an HTTPS page on the host of `github_page`, since operators and tenants are
/// shown the link.
#[must_use]
pub fn storable(mut facts: InstallationFacts, github_page: &str) -> InstallationFacts {
    facts.settings_url.take_if(|url| !is_page_on(url, github_page));
    facts
}

fn is_page_on(url: &str, github_page: &str) -> bool {
    let authority = |url: &str| Some(Uri::parse(url).ok()?.authority()?.as_str().to_ascii_lowercase());
    let is_https = Uri::parse(url).is_ok_and(|url| url.scheme().as_str().eq_ignore_ascii_case("https"));
    is_https && authority(url).is_some() && authority(url) == authority(github_page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_links_to_the_apps_github_are_kept() {
        let page = "https://github.com/apps/dockline/installations/new";
        let kept = |url: &str| {
            let facts = InstallationFacts { settings_url: Some(url.to_owned()), ..Default::default() };
            storable(facts, page).settings_url.is_some()
        };
        assert!(kept("https://github.com/organizations/acme/settings/installations/1"));
        assert!(kept("https://GitHub.com/settings/installations/1"));
        for bad in [
            "http://github.com/settings/installations/1",
            "https://github.com.evil.example/settings",
            "https://github.com@evil.example/settings",
            "https://user@github.com/settings",
            "https://evil.example/github.com",
            "javascript:alert(1)",
            "//github.com/settings",
            "/settings/installations/1",
            "",
        ] {
            assert!(!kept(bad), "{bad}");
        }
    }
}
