//! The headers and the body of a delivery, with its signatures.

use data_encoding::HEXLOWER;
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::model::app::App;
use crate::model::hook::ContentType;
use crate::urls::encode_query;

const USER_AGENT: &str = "GitHub-Hookshot/5109bc0";

/// Returns the headers and the body that they sign.
pub(super) fn signed(
    app: &App,
    event: &str,
    guid: &str,
    payload: &Value,
) -> (Vec<(String, String)>, Vec<u8>) {
    let hook = &app.hook;
    let (content_type, body) = match hook.content_type {
        ContentType::Json => ("application/json", payload.to_string()),
        ContentType::Form => {
            ("application/x-www-form-urlencoded", encode_query([("payload", payload.to_string().as_str())]))
        }
    };
    let mut headers = vec![
        ("Accept", "*/*".to_owned()),
        ("Content-Type", content_type.to_owned()),
        ("User-Agent", USER_AGENT.to_owned()),
        ("X-GitHub-Delivery", guid.to_owned()),
        ("X-GitHub-Event", event.to_owned()),
        ("X-GitHub-Hook-ID", hook.id.to_string()),
        ("X-GitHub-Hook-Installation-Target-ID", app.id.to_string()),
        ("X-GitHub-Hook-Installation-Target-Type", "integration".to_owned()),
    ];
    let secret = hook.secret.expose_secret().as_bytes();
    if !secret.is_empty() {
        let legacy = hmac(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret, body.as_bytes());
        headers.push(("X-Hub-Signature", format!("sha1={legacy}")));
        let signature = hmac(HMAC_SHA256, secret, body.as_bytes());
        headers.push(("X-Hub-Signature-256", format!("sha256={signature}")));
    }
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value));
    (headers.collect(), body.into_bytes())
}

fn hmac(algorithm: hmac::Algorithm, secret: &[u8], body: &[u8]) -> String {
    HEXLOWER.encode(hmac::sign(&hmac::Key::new(algorithm, secret), body).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_signature_matches_githubs_documentation() {
        // From GitHub's page "Validating webhook deliveries".
        let signature = hmac(HMAC_SHA256, b"It's a Secret to Everybody", b"Hello, World!");
        assert_eq!(signature, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    }

    #[test]
    fn sha1_signature_matches_rfc_2202() {
        // Test case 2.
        let signature = hmac(HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
