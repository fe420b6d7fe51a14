//! Deliveries as GitHub signs them.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fixture::{Fixture, WEBHOOKS};
use crate::response::Response;

/// Returns `X-Hub-Signature-256` of a body.
pub(crate) fn signed(secret: &str, body: &[u8]) -> String {
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", HEXLOWER.encode(&hmac.finalize().into_bytes()))
}

impl Fixture {
    /// Posts raw headers and a raw body.
    pub(crate) async fn post_hook(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Response {
        let mut request = self.http.post(format!("{}{WEBHOOKS}", self.api)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Response::of(request).await
    }

    /// Posts a signed event.
    pub(crate) async fn post_event(&self, event: &str, payload: &Value) -> Response {
        let body = payload.to_string();
        let signature = signed(self.app.webhook_secret.expose_secret(), body.as_bytes());
        let headers = [
            ("x-github-event", event),
            ("x-hub-signature-256", &signature),
            ("content-type", "application/json"),
            ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ];
        self.post_hook(&headers, body).await
    }

    /// Returns the parts of an `installation` payload that are read.
    pub(crate) fn payload(&self, installation: u64, action: &str) -> Value {
        json!({
            "action": action,
            "installation": {
                "id": installation, "app_id": self.app.app_id, "account": { "id": 4_242, "login": "acme-coffee" },
                "permissions": {},
            },
            "sender": { "id": 4_343 },
        })
    }
}
