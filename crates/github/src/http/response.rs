use http::HeaderMap;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::error::GithubError;

/// A response, read to its end. Not `Debug`: the body may hold a token.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// Returns the header if it is present and text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns whether GitHub leaves out what belongs to organizations whose single sign-on is required.
    pub(crate) fn hides_results_by_sso(&self) -> bool {
        self.header("x-github-sso").is_some_and(|value| value.trim().starts_with("partial-results"))
    }

    /// Returns GitHub's time, from the `Date` header.
    pub(crate) fn date(&self) -> Option<OffsetDateTime> {
        httpdate::parse_http_date(self.header("date")?).ok().map(OffsetDateTime::from)
    }

    /// Parses the body. The error names only the position, since serde's messages quote the input, which may be a token.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, GithubError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            GithubError::invalid_response(format!(
                "unexpected JSON in line {}, column {} of {} bytes",
                error.line(),
                error.column(),
                self.body.len()
            ))
        })
    }

    #[cfg(test)]
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        use http::{HeaderName, HeaderValue};

        let headers = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        Self { status, headers, body: body.into() }
    }
}
