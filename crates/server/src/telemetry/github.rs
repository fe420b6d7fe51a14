use dockline_github::{CompletedCall, Observer};
use metrics::{counter, histogram};

use super::names::{GITHUB_CALL_DURATION, GITHUB_JWT_SIGNATURES};

/// Counts requests to GitHub and signatures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gateway;

impl Observer for Gateway {
    fn call_completed(&self, call: CompletedCall) {
        histogram!(
            GITHUB_CALL_DURATION,
            "operation" => call.operation.as_str(), "outcome" => call.outcome.as_str()
        )
        .record(call.duration);
    }

    fn jwt_signed(&self) {
        counter!(GITHUB_JWT_SIGNATURES).increment(1);
    }
}
