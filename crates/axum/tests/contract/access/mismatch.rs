//! I39: the answer about another key, as a bug in a batch or a pooler would give it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dockline::PortError;
use dockline::ports::{Admission, AdmissionAnswer, AdmissionRequest};
use dockline_memory::{MemoryAdmission, MemoryBindingRepo, MemoryRateLimiter};

use crate::fixture::tenant;
use crate::in_process::{InProcess, bearer};
use crate::logs::Logs;

/// Gives each call the answer of the call before.
#[derive(Debug)]
struct Shifted {
    right: MemoryAdmission,
    before: Mutex<Option<AdmissionAnswer>>,
}

#[async_trait]
impl Admission for Shifted {
    async fn admit(&self, request: AdmissionRequest) -> Result<AdmissionAnswer, PortError> {
        let answer = self.right.admit(request).await?;
        let before = self.before.lock().unwrap().replace(answer.clone());
        Ok(before.unwrap_or(answer))
    }
}

#[tokio::test]
async fn an_answer_about_another_key_is_a_500_an_error_line_and_a_closed_connection_i_39() {
    let api = InProcess::with_admission(|keys| {
        let (limiter, bindings) = (MemoryRateLimiter::new(), MemoryBindingRepo::new());
        Arc::new(Shifted { right: MemoryAdmission::new(keys, limiter, bindings), before: Mutex::default() })
    });
    let rival = tenant(&api.keys, "org_rival", "Rival Roasters", |_| {});
    let (logs, _guard) = Logs::capture();
    let own = api.get("", "/v1/whoami", &bearer(&api.acme)).await;
    assert_eq!((own.status, own.json["organizationId"].as_str()), (200, Some("org_acme")));
    assert!(!own.headers.contains_key("connection"));
    let mixed_up = api.get("", "/v1/whoami", &bearer(&rival)).await;
    assert_eq!((mixed_up.status, mixed_up.json["error"]["code"].as_str()), (500, Some("INTERNAL")));
    assert_eq!(mixed_up.headers["connection"], "close");
    assert!(!mixed_up.json.to_string().contains("acme"), "{}", mixed_up.json);
    let lines = logs.of("the store answered about another key; the answer was not used");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "ERROR");
}
