//! A browser, as far as the walk needs one: it keeps cookies, follows nothing by itself, and fills in forms.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, Url};

use super::html::{Form, Tag, tags, text_of};

/// A page or a redirect, with all that was said on the way to it.
#[derive(Debug)]
pub struct Page {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its address.
    pub url: Url,
    /// The form that was sent to get it.
    pub sent: Option<String>,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub body: String,
}

/// Why a page did not come.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The server did not answer.
    #[error("{0} did not answer: {1}")]
    Unreachable(String, reqwest::Error),
    /// An address that is none, or not of plain HTTP.
    #[error("{0:?} is not an http address")]
    Address(String),
    /// The page has no such button in a form.
    #[error("the page has no button #{0}")]
    NoButton(String),
}

/// One person's browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// By host, as browsers keep them: ports are no part of it. Values stay out of logs by staying in here.
    cookies: BTreeMap<(String, String), Cookie>,
}

struct Cookie {
    value: String,
    path: String,
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cookie({}; [redacted])", self.path)
    }
}

impl Browser {
    /// A fresh profile. `client` must not follow redirects itself.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client, cookies: BTreeMap::new() }
    }

    /// Opens an address.
    ///
    /// # Errors
    /// See [`BrowserError`]; an answer of any status is none.
    pub async fn open(&mut self, url: &str) -> Result<Page, BrowserError> {
        let url = parse(url)?;
        self.go("GET", url, None).await
    }

    /// Presses a button of a page's form: sends its fields as they stand on the page, but for `changed` ones.
    ///
    /// # Errors
    /// See [`BrowserError`].
    pub async fn press(
        &mut self,
        page: &Page,
        button: &str,
        changed: &[(&str, &str)],
    ) -> Result<Page, BrowserError> {
        let form = Form::with_button(&page.body, button)
            .ok_or_else(|| BrowserError::NoButton(button.to_owned()))?;
        let url = match form.action.as_deref() {
            Some(action) => page.url.join(action).map_err(|_| BrowserError::Address(action.to_owned()))?,
            None => page.url.clone(),
        };
        let mut fields = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &form.fields {
            let changed = changed.iter().find(|(changed, _)| changed == name);
            fields.append_pair(name, changed.map_or(value, |(_, value)| value));
        }
        let fields = fields.finish();
        self.go("POST", url, Some(fields)).await
    }

    /// Follows a redirect, once.
    ///
    /// # Errors
    /// See [`BrowserError`]; a page that is no redirect is one.
    pub async fn follow(&mut self, page: &Page) -> Result<Page, BrowserError> {
        let location = page.location().unwrap_or_default();
        let url = page.url.join(&location).map_err(|_| BrowserError::Address(location))?;
        self.go("GET", url, None).await
    }

    /// Values of the cookies that it holds, so that a transcript can mask them.
    pub fn cookie_values(&self) -> impl Iterator<Item = &str> {
        self.cookies.values().map(|cookie| cookie.value.as_str())
    }

    async fn go(&mut self, method: &'static str, url: Url, sent: Option<String>) -> Result<Page, BrowserError> {
        let mut request = match method {
            "POST" => self
                .client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(sent.clone().unwrap_or_default()),
            _ => self.client.get(url.clone()),
        };
        request = request.header(header::ACCEPT, "text/html");
        if let Some(cookies) = self.cookies_for(&url) {
            request = request.header(header::COOKIE, cookies);
        }
        let unreachable = |error: reqwest::Error| BrowserError::Unreachable(origin(&url), error.without_url());
        let response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(unreachable)?;
        self.keep(&url, &headers);
        Ok(Page { method, url, sent, status, headers, body })
    }

    /// `Secure` ones too: the loopback interface counts as trustworthy, as in Chromium.
    fn cookies_for(&self, url: &Url) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let fitting: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), cookie)| of == host && within(url.path(), &cookie.path))
            .map(|((_, name), cookie)| format!("{name}={}", cookie.value))
            .collect();
        Some(fitting.join("; ")).filter(|cookies| !cookies.is_empty())
    }

    fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        let host = url.host_str().unwrap_or_default();
        let set = headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
        for cookie in set {
            let mut parts = cookie.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: Vec<&str> = parts.collect();
            let key = (host.to_owned(), name.to_owned());
            if attributes.iter().any(|attribute| attribute.eq_ignore_ascii_case("Max-Age=0")) {
                self.cookies.remove(&key);
                continue;
            }
            let path = attributes.iter().find_map(|attribute| attribute.strip_prefix("Path=")).unwrap_or("/");
            self.cookies.insert(key, Cookie { value: value.to_owned(), path: path.to_owned() });
        }
    }
}

impl Page {
    /// Where it redirects to.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        self.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned)
    }

    /// The text of the element with this id.
    #[must_use]
    pub fn text(&self, id: &str) -> Option<String> {
        text_of(&self.body, id)
    }

    /// Whether an element has this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        tags(&self.body).any(|tag| tag.attribute("id").as_deref() == Some(id))
    }

    /// The value of the option that shows this text.
    #[must_use]
    pub fn option(&self, label: &str) -> Option<String> {
        tags(&self.body)
            .filter(|tag| tag.name == "option" && tag.text() == label)
            .find_map(|tag: Tag<'_>| tag.attribute("value"))
    }

    /// A parameter of its address, or of the address that it redirects to.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = self.location().and_then(|to| self.url.join(&to).ok()).unwrap_or_else(|| self.url.clone());
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

fn parse(url: &str) -> Result<Url, BrowserError> {
    Url::parse(url).ok().filter(|url| url.scheme() == "http").ok_or_else(|| BrowserError::Address(url.to_owned()))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn within(path: &str, of: &str) -> bool {
    of == "/" || path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
