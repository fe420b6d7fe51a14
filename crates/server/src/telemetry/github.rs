use dockline_github::{Called, Observer};
use metrics::{counter, histogram};

use super::names::{GITHUB_CALL_DURATION, GITHUB_JWT_SIGNATURES};

/// Counts requests to GitHub and signatures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gateway;

impl Observer for Gateway {
    fn called(&self, called: Called) {
        histogram!(
            GITHUB_CALL_DURATION,
            "operation" => called.operation.as_str(), "outcome" => called.outcome.as_str()
        )
        .record(called.took);
    }

    fn signed(&self) {
        counter!(GITHUB_JWT_SIGNATURES).increment(1);
    }
}
