//! A browser, as far as the walk needs one: it keeps cookies, follows nothing by itself, and fills in forms.

use std::collections::BTreeMap;

use http::{HeaderMap, header};
use reqwest::{Client, Url};

use super::exchange::{Exchange, Unanswered};
use super::html::Form;

/// Why a page did not come.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The server did not answer.
    #[error(transparent)]
    Unreachable(#[from] Unanswered),
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
    pub async fn open(&mut self, url: &str) -> Result<Exchange, BrowserError> {
        let url = parse(url)?;
        self.go("GET", url, None).await
    }

    /// Presses a button of a page's form: sends its fields as they stand on the page.
    ///
    /// # Errors
    /// See [`BrowserError`].
    pub async fn press(&mut self, page: &Exchange, button: &str) -> Result<Exchange, BrowserError> {
        let form =
            Form::with_button(&page.body, button).ok_or_else(|| BrowserError::NoButton(button.to_owned()))?;
        let url = match form.action.as_deref() {
            Some(action) => page.url.join(action).map_err(|_| BrowserError::Address(action.to_owned()))?,
            None => page.url.clone(),
        };
        let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        self.go("POST", url, Some(fields)).await
    }

    /// Follows a redirect, once.
    ///
    /// # Errors
    /// See [`BrowserError`]; a page that is no redirect is one.
    pub async fn follow(&mut self, page: &Exchange) -> Result<Exchange, BrowserError> {
        let location = page.location().unwrap_or_default();
        let url = page.url.join(location).map_err(|_| BrowserError::Address(location.to_owned()))?;
        self.go("GET", url, None).await
    }

    async fn go(
        &mut self,
        method: &'static str,
        url: Url,
        sent: Option<String>,
    ) -> Result<Exchange, BrowserError> {
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
        let exchange = Exchange::of(method, url, sent, request).await?;
        self.keep(&exchange.url, &exchange.headers);
        Ok(exchange)
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

fn parse(url: &str) -> Result<Url, BrowserError> {
    Url::parse(url)
        .ok()
        .filter(|url| url.scheme() == "http")
        .ok_or_else(|| BrowserError::Address(url.to_owned()))
}

fn within(path: &str, of: &str) -> bool {
    of == "/" || path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
