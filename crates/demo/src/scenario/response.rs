//! An HTTP response, with the request that it answers.

use http::{HeaderMap, Method, StatusCode, header};
use reqwest::{RequestBuilder, Url};
use serde_json::Value;

use super::html;

/// A response, with the request that it answers.
#[derive(Debug)]
pub struct Response {
    pub(super) method: Method,
    /// The URL of the request.
    pub url: Url,
    /// The request headers to print, without secrets.
    pub(super) sent_headers: Vec<String>,
    pub(super) sent_body: Option<String>,
    /// The status.
    pub status: StatusCode,
    /// The response headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// The server sent no response.
#[derive(Debug, thiserror::Error)]
#[error("{origin} sent no response: {cause}")]
pub struct NoResponse {
    origin: String,
    cause: reqwest::Error,
}

impl From<reqwest::Error> for NoResponse {
    fn from(cause: reqwest::Error) -> Self {
        let origin = cause.url().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        // The URL can contain a secret.
        Self { origin, cause: cause.without_url() }
    }
}

impl Response {
    /// Sends the request and reads the whole response.
    pub(super) async fn to(request: RequestBuilder, sent_headers: Vec<String>) -> Result<Self, NoResponse> {
        let (client, request) = request.build_split();
        let request = request?;
        let (method, url) = (request.method().clone(), request.url().clone());
        let sent_body = request.body().and_then(|body| body.as_bytes());
        let sent_body = sent_body.map(|body| String::from_utf8_lossy(body).into_owned());
        let response = client.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await?;
        Ok(Self { method, url, sent_headers, sent_body, status, headers, body })
    }

    /// Returns a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the target of the redirect.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        self.url.join(self.header(header::LOCATION.as_str())?).ok()
    }

    /// Returns a query parameter of the redirect's target.
    #[must_use]
    pub fn redirect_parameter(&self, name: &str) -> Option<String> {
        self.location()?.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the body as JSON, or null.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Returns the text of the element with this id.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<String> {
        html::elements(&self.body)
            .find(|element| element.attribute("id") == Some(id))
            .map(|element| element.text)
    }

    /// Returns whether the page has an element with this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.text(id).is_some()
    }

    /// Returns the value of the `option` with this label.
    #[must_use]
    pub fn option(&self, label: &str) -> Option<String> {
        html::elements(&self.body)
            .find(|element| element.name == "option" && element.text == label)?
            .attribute("value")
            .map(str::to_owned)
    }

    /// Returns the page's title.
    pub(super) fn title(&self) -> Option<String> {
        html::elements(&self.body).find(|element| element.name == "title").map(|element| element.text)
    }
}
