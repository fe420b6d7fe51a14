//! A store that takes no more calls.

use std::sync::Arc;

use dockline::PortErrorKind;
use dockline::ports::Admission;
use dockline_memory::{MemoryAdmission, MemoryBindingRepo, MemoryRateLimiter};
use dockline_testkit::faults::{Fault, Faulty};

use crate::in_process::{InProcess, bearer};
use crate::logs::Logs;

/// An error line per request would make the overload worse.
#[tokio::test]
async fn a_request_refused_in_an_overload_is_a_503_with_retry_after_and_no_error_line() {
    let api = InProcess::with_admission(|keys| {
        let (limiter, bindings) = (MemoryRateLimiter::new(), MemoryBindingRepo::new());
        let admission: Arc<dyn Admission> = Arc::new(MemoryAdmission::new(keys, limiter, bindings));
        let admission = Faulty::over(admission);
        admission.set(Fault::FailsAs(PortErrorKind::Overloaded).once());
        admission.set(Fault::FailsBefore.once());
        Arc::new(admission)
    });
    let (logs, _guard) = Logs::capture();
    for (text, level) in
        [("Too many requests are waiting.", "INFO"), ("Our store cannot be reached.", "ERROR")]
    {
        let refused = api.get("", "/v1/whoami", &bearer(&api.acme)).await;
        assert_eq!((refused.status, refused.code(), refused.wait()), (503, "UNAVAILABLE", 1));
        let message = refused.json["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(text), "{message}");
        assert!(!refused.headers.contains_key("x-ratelimit-limit"));
        let answered = logs.of("answered");
        assert_eq!(answered.last().unwrap()["level"], level);
    }
    assert_eq!(logs.of("port unavailable").len(), 1);
    assert_eq!(api.get("", "/v1/whoami", &bearer(&api.acme)).await.status, 200);
}
