//! URLs in responses, pages and redirects, and query parameters.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{HOST, HeaderMap};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use url::Url;

use crate::sim::GithubSim;

/// Path of the REST API, as on GitHub Enterprise Server.
pub(crate) const API: &str = "/api/v3";

/// The base URLs of the pages and of the REST API.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    pub(crate) web: String,
    pub(crate) api: String,
}

impl Urls {
    pub(crate) fn at(web: String) -> Self {
        Self { api: format!("{web}{API}"), web }
    }

    /// Returns the URLs of responses to a request with these headers.
    pub(crate) fn of(sim: &GithubSim, headers: &HeaderMap) -> Self {
        if let Some(base_url) = &sim.config().base_url {
            return Self::at(base_url.clone());
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        let host = host.as_ref().map_or("localhost", Authority::as_str);
        Self::at(format!("http://{host}"))
    }
}

impl FromRequestParts<GithubSim> for Urls {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, Infallible> {
        Ok(Self::of(sim, &parts.headers))
    }
}

/// Parses an absolute `http` or `https` URL.
pub(crate) fn web_url(url: &str) -> Option<Url> {
    Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Appends parameters to the query of `url`.
pub(crate) fn with_query(url: &str, pairs: &[(&str, &str)]) -> Option<String> {
    let mut url = web_url(url)?;
    url.query_pairs_mut().extend_pairs(pairs);
    Some(url.into())
}

/// Encodes parameters as a query string or a form.
pub(crate) fn encode_query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The parameters of a query string or a form. A name may occur more than once.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        form_urlencoded::parse(encoded).into_owned().collect()
    }

    /// Adds parameters, which those with the same name hide.
    #[must_use]
    pub(crate) fn or(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Returns the first value of the parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns all parameters in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns all values of the parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl FromRequestParts<GithubSim> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &GithubSim) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_appended_to_the_query() {
        let cases = [
            ("http://h/c", Some("http://h/c?a=1+2&b=%26")),
            ("http://h/c?", Some("http://h/c?a=1+2&b=%26")),
            ("http://h/c?x=y", Some("http://h/c?x=y&a=1+2&b=%26")),
            ("http://h/c?x#f", Some("http://h/c?x&a=1+2&b=%26#f")),
            ("http://h/c#f?", Some("http://h/c?a=1+2&b=%26#f?")),
            ("/c", None),
        ];
        for (url, expected) in cases {
            assert_eq!(with_query(url, &[("a", "1 2"), ("b", "&")]).as_deref(), expected);
        }
    }
}
