//! A browser, as far as the scenario needs one: it stores cookies and submits forms, and follows redirects only on request.

use std::sync::Arc;

use http::header;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::{Client, RequestBuilder, Url};

use super::html::Form;
use super::response::{NoResponse, Response};
use crate::http_client;

/// A page could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The server sent no response.
    #[error(transparent)]
    NoResponse(#[from] NoResponse),
    /// The URL is malformed, or not of plain HTTP.
    #[error("{0:?} is not an http URL")]
    Url(String),
    /// The response is no redirect.
    #[error("the response with status {0} is not a redirect")]
    NoRedirect(http::StatusCode),
    /// No form of the page has this button.
    #[error("the page has no button #{0}")]
    NoButton(String),
}

/// The browser of one person.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    cookies: Arc<Jar>,
}

impl Browser {
    /// Creates a browser without cookies.
    ///
    /// # Errors
    /// Fails if the HTTP client cannot be created, which would be a bug.
    pub fn new() -> reqwest::Result<Self> {
        let cookies = Arc::new(Jar::default());
        let client = http_client::loopback().cookie_provider(Arc::clone(&cookies)).build()?;
        Ok(Self { client, cookies })
    }

    /// Opens a URL.
    ///
    /// # Errors
    /// Fails if the URL is malformed or there is no response; a response of any status is fine.
    pub async fn open(&self, url: &str) -> Result<Response, BrowserError> {
        let parsed = Url::parse(url).ok().filter(|url| url.scheme() == "http");
        let url = parsed.ok_or_else(|| BrowserError::Url(url.to_owned()))?;
        self.send(self.client.get(url.clone()), &url).await
    }

    /// Presses a button: submits its form with the values of the page.
    ///
    /// # Errors
    /// Fails if the page has no such button or there is no response.
    pub async fn press(&self, page: &Response, button: &str) -> Result<Response, BrowserError> {
        let form =
            Form::of_button(&page.body, button).ok_or_else(|| BrowserError::NoButton(button.to_owned()))?;
        let url = match form.action {
            Some(action) => page.url.join(&action).map_err(|_| BrowserError::Url(action))?,
            None => page.url.clone(),
        };
        self.send(self.client.post(url.clone()).form(&form.fields), &url).await
    }

    /// Follows one redirect.
    ///
    /// # Errors
    /// Fails if the response is no redirect or there is no response to the request.
    pub async fn follow(&self, redirect: &Response) -> Result<Response, BrowserError> {
        let url = redirect.location().ok_or(BrowserError::NoRedirect(redirect.status))?;
        self.send(self.client.get(url.clone()), &url).await
    }

    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, BrowserError> {
        let cookies = self.cookies.cookies(url);
        let names = cookies.iter().filter_map(|cookies| cookies.to_str().ok()).flat_map(|cookies| {
            cookies.split("; ").filter_map(|cookie| cookie.split('=').next()).map(|name| format!("{name}=…"))
        });
        let names = names.collect::<Vec<_>>().join("; ");
        let sent_headers = if names.is_empty() { Vec::new() } else { vec![format!("cookie: {names}")] };
        Ok(Response::to(request.header(header::ACCEPT, "text/html"), sent_headers).await?)
    }
}
