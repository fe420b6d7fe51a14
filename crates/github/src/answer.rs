use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;

use crate::fault::GithubFault;

/// What GitHub answered. Not `Debug`: the body may hold a token.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The header, where it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The time by GitHub's clock.
    pub(crate) fn date(&self) -> Option<OffsetDateTime> {
        httpdate::parse_http_date(self.header("date")?).ok().map(OffsetDateTime::from)
    }

    /// The body as JSON of a shape. serde's own texts quote what they stumble over, which may be a token: only the place
    /// is told.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, GithubFault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            GithubFault::not_githubs(format!(
                "unexpected JSON in line {}, column {} of {} bytes",
                error.line(),
                error.column(),
                self.body.len()
            ))
        })
    }

    #[cfg(test)]
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> Self {
        use reqwest::header::{HeaderName, HeaderValue};

        let headers = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        Self { status, headers, body }
    }
}
