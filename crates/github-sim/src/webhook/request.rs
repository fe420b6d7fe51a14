//! A delivery's headers and body, and the signatures over the body.

use data_encoding::HEXLOWER;
use ring::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::model::app::App;
use crate::model::hook::ContentType;

const USER_AGENT: &str = "GitHub-Hookshot/5109bc0";

/// Headers, as in GitHub fact 49, and the body that they sign.
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
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("payload", &payload.to_string());
            ("application/x-www-form-urlencoded", form.finish())
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
    fn signatures_agree_with_githubs_own_vector() {
        // GitHub fact 50.
        let signature = hmac(HMAC_SHA256, b"It's a Secret to Everybody", b"Hello, World!");
        assert_eq!(signature, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    }

    #[test]
    fn the_legacy_signature_agrees_with_the_standards_vector() {
        // RFC 2202, test case 2.
        let signature = hmac(HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
