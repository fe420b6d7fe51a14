//! The log of requests, for tests that check which requests were sent.

use std::collections::VecDeque;

use serde::Serialize;

/// The oldest requests are dropped beyond this number.
const CAPACITY: usize = 10_000;

/// A request that the simulator received. It has neither query, headers nor body, since those may contain secrets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The path, such as `/api/v3/app`.
    pub path: String,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    requests: VecDeque<RecordedRequest>,
}

impl RequestLog {
    pub(crate) fn record(&mut self, method: &str, path: &str) {
        if self.requests.len() == CAPACITY {
            self.requests.pop_front();
        }
        self.requests.push_back(RecordedRequest { method: method.to_owned(), path: path.to_owned() });
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn count(&self, method: &str, path_prefix: &str) -> usize {
        let matches =
            |r: &&RecordedRequest| r.method.eq_ignore_ascii_case(method) && r.path.starts_with(path_prefix);
        self.requests.iter().filter(matches).count()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }
}
