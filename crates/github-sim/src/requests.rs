//! A record of who was asked what, for tests that say "GitHub was not called".

use std::collections::VecDeque;

use serde::Serialize;

/// Older requests are forgotten beyond this many.
const KEPT: usize = 10_000;

/// One request that reached the simulator: never its query, headers or body, which may hold secrets.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The whole path, such as `/api/v3/app`.
    pub path: String,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    kept: VecDeque<RecordedRequest>,
}

impl RequestLog {
    pub(crate) fn record(&mut self, method: &str, path: &str) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(RecordedRequest { method: method.to_owned(), path: path.to_owned() });
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn count(&self, method: &str, path_prefix: &str) -> usize {
        let wanted =
            |r: &&RecordedRequest| r.method.eq_ignore_ascii_case(method) && r.path.starts_with(path_prefix);
        self.kept.iter().filter(wanted).count()
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}
