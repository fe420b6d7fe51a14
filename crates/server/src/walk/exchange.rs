//! One request and its answer.

use http::{HeaderMap, StatusCode, header};
use reqwest::{RequestBuilder, Url};

use super::html::{tags, text_of};

/// A request, and all that was answered.
#[derive(Debug)]
pub struct Exchange {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The address that was asked.
    pub url: Url,
    /// The body that was sent.
    pub sent: Option<String>,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The answer's body, as text.
    pub body: String,
}

/// The server did not answer.
#[derive(Debug, thiserror::Error)]
#[error("{origin} did not answer: {cause}")]
pub struct Unanswered {
    origin: String,
    cause: reqwest::Error,
}

impl Exchange {
    /// Sends `request` and reads the whole answer; the other arguments say once more what is in it.
    pub(super) async fn of(
        method: &'static str,
        url: Url,
        sent: Option<String>,
        request: RequestBuilder,
    ) -> Result<Self, Unanswered> {
        let origin = url.origin().ascii_serialization();
        // The address may hold a secret.
        let unanswered =
            |cause: reqwest::Error| Unanswered { origin: origin.clone(), cause: cause.without_url() };
        let response = request.send().await.map_err(unanswered)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(unanswered)?;
        Ok(Self { method, url, sent, status, headers, body })
    }

    /// A header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where it redirects to.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.header(header::LOCATION.as_str())
    }

    /// A parameter of the address that it redirects to.
    #[must_use]
    pub fn redirected_with(&self, name: &str) -> Option<String> {
        let to = self.location().and_then(|to| self.url.join(to).ok())?;
        to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The text of the page's element with this id.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<String> {
        text_of(&self.body, id)
    }

    /// Whether an element of the page has this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        tags(&self.body).any(|tag| tag.attribute("id").as_deref() == Some(id))
    }

    /// The value of the page's option that shows this text.
    #[must_use]
    pub fn option(&self, label: &str) -> Option<String> {
        tags(&self.body)
            .filter(|tag| tag.name == "option" && tag.text() == label)
            .find_map(|tag| tag.attribute("value"))
    }

    /// The page's first heading.
    #[must_use]
    pub fn heading(&self) -> Option<String> {
        tags(&self.body).find(|tag| tag.name == "title").map(|tag| tag.text())
    }

    /// Everything in it that a transcript must not show in full: states, codes, tickets and cookies.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        let to = self.location().and_then(|to| self.url.join(to).ok());
        for url in [Some(self.url.clone()), to].into_iter().flatten() {
            secrets.extend(url.query_pairs().filter_map(|(name, value)| secret(&name, &value)));
        }
        let sent = self.sent.as_deref().unwrap_or_default();
        secrets.extend(
            form_urlencoded::parse(sent.as_bytes()).filter_map(|(name, value)| secret(&name, &value)),
        );
        for json in [sent, self.body.as_str()] {
            let json: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
            secrets.extend(json.get("state").and_then(|state| state.as_str()).map(str::to_owned));
        }
        for cookie in self.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|cookie| cookie.split(';').next()?.split_once('='));
            secrets.extend(pair.map(|(_, value)| value.to_owned()));
        }
        secrets
    }
}

fn secret(name: &str, value: &str) -> Option<String> {
    matches!(name, "state" | "code" | "ticket").then(|| value.to_owned())
}
