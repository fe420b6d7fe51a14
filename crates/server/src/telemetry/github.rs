use dockline_github::{CompletedCall, Observer};
use dockline_telemetry::{record_github_call, record_jwt_signature};

/// Counts requests to GitHub and signatures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gateway;

impl Observer for Gateway {
    fn call_completed(&self, call: CompletedCall) {
        record_github_call(call.operation.as_str(), call.outcome.as_str(), call.duration);
    }

    fn jwt_signed(&self) {
        record_jwt_signature();
    }
}
