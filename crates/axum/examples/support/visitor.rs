//! A browser for `--check`: it stores cookies and follows redirects only on request.

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::simulation::Result;

/// The headers of a request that one of the host's own pages sends.
pub(crate) const OWN_PAGE: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

pub(crate) struct Visitor(Client);

pub(crate) struct Page {
    pub(crate) status: u16,
    /// The target of a redirect.
    pub(crate) location: Option<Url>,
    pub(crate) body: String,
}

impl Visitor {
    pub(crate) fn new() -> Result<Self> {
        // A reqwest with TLS needs a provider even for plain HTTP; an error means that one is installed.
        drop(rustls::crypto::ring::default_provider().install_default());
        Ok(Self(Client::builder().cookie_store(true).redirect(Policy::none()).no_proxy().build()?))
    }

    pub(crate) async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Page> {
        Self::send(self.0.get(url), headers).await
    }

    pub(crate) async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        kind: &str,
        body: &str,
    ) -> Result<Page> {
        Self::send(self.0.post(url).header("content-type", kind).body(body.to_owned()), headers).await
    }

    /// Submits a form.
    pub(crate) async fn submit(&self, url: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(url, OWN_PAGE, "application/x-www-form-urlencoded", &form).await
    }

    /// Opens a URL and follows redirects up to a page.
    pub(crate) async fn open(&self, url: &str) -> Result<Page> {
        let mut page = self.get(url, &[]).await?;
        for _ in 0..5 {
            let Some(next) = page.location.take() else { break };
            page = self.get(next.as_str(), &[]).await?;
        }
        Ok(page)
    }

    async fn send(request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Result<Page> {
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.header("accept", "text/html,*/*").send().await?;
        let location = response.headers().get("location").and_then(|url| url.to_str().ok());
        let location = location.map(|location| response.url().join(location)).transpose()?;
        Ok(Page { status: response.status().as_u16(), location, body: response.text().await? })
    }
}

impl Page {
    /// Fails if the status is another.
    pub(crate) fn expect(self, status: u16, what: &str) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("{what}: expected {status}, got {}: {}", self.status, self.body).into())
    }

    /// Returns the value of a field of the page's form.
    pub(crate) fn field(&self, name: &str) -> Result<&str> {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).ok_or("no such field")?;
        Ok(rest.split('"').next().unwrap_or_default())
    }

    /// Returns a query parameter of the redirect's target.
    pub(crate) fn parameter(&self, name: &str) -> Result<String> {
        let location = self.location.as_ref().ok_or("no redirect")?;
        let found = location.query_pairs().find(|(key, _)| key == name);
        Ok(found.ok_or_else(|| format!("no {name} in {location}"))?.1.into_owned())
    }
}
