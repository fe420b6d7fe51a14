//! App manifests, and the codes for the Apps that were created from them.

use std::collections::{BTreeMap, HashMap};

use secrecy::SecretString;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::app::NewApp;
use super::grant::{SecretHash, hash_secret};
use crate::error::SimError;
use crate::random;
use crate::urls::web_url;

const LIFETIME: Duration = Duration::hours(1);
/// GitHub's limit of an App's name.
const LONGEST_NAME: usize = 34;

/// A manifest, with the fields of GitHub's documentation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) name: Option<String>,
    pub(crate) url: String,
    hook_attributes: Option<HookAttributes>,
    pub(crate) redirect_url: Option<String>,
    #[serde(default)]
    callback_urls: Vec<String>,
    setup_url: Option<String>,
    #[expect(dead_code, reason = "the simulator shows no description")]
    description: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "every App of the simulator can be installed by all accounts")]
    public: bool,
    #[serde(default)]
    default_events: Vec<String>,
    #[serde(default)]
    pub(crate) default_permissions: BTreeMap<String, String>,
    #[serde(default)]
    request_oauth_on_install: bool,
    #[serde(default)]
    #[expect(dead_code, reason = "the simulator always redirects on update")]
    setup_on_update: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HookAttributes {
    url: String,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

impl Manifest {
    /// Parses the form field.
    pub(crate) fn parse(text: &str) -> Result<Self, SimError> {
        let manifest: Self =
            serde_json::from_str(text).map_err(|_| SimError::Invalid("the manifest is not valid JSON"))?;
        let is_url = |url: &String| web_url(url).is_some();
        if !is_url(&manifest.url) || !manifest.redirect_url.as_ref().is_none_or(is_url) {
            return Err(SimError::Invalid("url and redirect_url start with http:// or https://"));
        }
        Ok(manifest)
    }

    /// Returns the App with the name that the user chose.
    pub(crate) fn app(self, name: &str, owner: String) -> Result<NewApp, SimError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(SimError::Invalid("the name of an App has 1 to 34 characters"));
        }
        let mut new = NewApp::new(&slug(name), "").named(name);
        new.callback_urls = if self.callback_urls.is_empty() { vec![self.url] } else { self.callback_urls };
        new.setup_url = self.setup_url.filter(|_| !self.request_oauth_on_install);
        new.owner = Some(owner);
        new.permissions = self.default_permissions;
        new.events = self.default_events;
        new.webhook.url = self.hook_attributes.filter(|hook| hook.active).map(|hook| hook.url);
        Ok(new)
    }
}

/// Returns the slug of a name, as GitHub makes it.
fn slug(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// The codes that are not exchanged yet, each with its App and the end of its life.
#[derive(Debug, Default)]
pub(crate) struct ManifestCodes(HashMap<SecretHash, (u64, OffsetDateTime)>);

impl ManifestCodes {
    /// Issues the code for an App.
    pub(crate) fn issue(&mut self, app_id: u64, now: OffsetDateTime) -> SecretString {
        let code = random::hex(20);
        self.0.insert(hash_secret(&code), (app_id, now + LIFETIME));
        code.into()
    }

    /// Consumes the code and returns its App. `None` if it is unknown, used or expired.
    pub(crate) fn redeem(&mut self, code: &str, now: OffsetDateTime) -> Option<u64> {
        let (app_id, expires_at) = self.0.remove(&hash_secret(code))?;
        (now < expires_at).then_some(app_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_has_the_words_of_the_name() {
        for (name, expected) in [("Acme Dock", "acme-dock"), (" A.b_c! ", "a-b-c"), ("dock", "dock")] {
            assert_eq!(slug(name), expected);
        }
    }
}
