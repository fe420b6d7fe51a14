//! The manifest of the created App: the settings that Dockline needs.

use std::net::IpAddr;

use http::Uri;
use serde_json::{Value, json};

/// Returns the manifest. An App whose API GitHub cannot reach has no webhook, since GitHub refuses such URLs.
pub(super) fn manifest(name: Option<&str>, public_url: &str, redirect_url: &str) -> Value {
    let mut manifest = json!({
        "url": public_url,
        "redirect_url": redirect_url,
        "callback_urls": [format!("{public_url}/v1/github/installation/callback")],
        "public": true,
        "request_oauth_on_install": true,
        "setup_on_update": true,
        "default_permissions": { "members": "read", "metadata": "read" },
        "default_events": [],
    });
    let hook = is_reachable(public_url)
        .then(|| json!({ "url": format!("{public_url}/v1/github/webhooks"), "active": true }));
    if let Some(fields) = manifest.as_object_mut() {
        fields.extend(hook.map(|hook| ("hook_attributes".to_owned(), hook)));
        fields.extend(name.map(|name| ("name".to_owned(), name.into())));
    }
    manifest
}

/// Returns whether GitHub may reach the API. It refuses webhooks to names and addresses of this machine or a private network.
pub(super) fn is_reachable(public_url: &str) -> bool {
    let Some(host) = public_url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_ascii_lowercase))
    else {
        return false;
    };
    let is_public = match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(IpAddr::V4(it)) => {
            !(it.is_loopback() || it.is_private() || it.is_link_local() || it.is_unspecified())
        }
        Ok(IpAddr::V6(it)) => {
            !(it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local() || it.is_unspecified())
        }
        Err(_) => host != "localhost" && !host.ends_with(".localhost"),
    };
    public_url.starts_with("https://") && is_public
}
