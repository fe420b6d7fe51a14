//! A backend, as far as the walk needs one: it calls the API with a key.

use http::header;
use reqwest::{Client, Method, Url};
use secrecy::{ExposeSecret, SecretString};

use super::WalkFailed;
use super::exchange::Exchange;

#[derive(Debug)]
pub(super) struct Backend {
    client: Client,
    api: String,
}

impl Backend {
    pub(super) fn new(client: Client, api: &str) -> Self {
        Self { client, api: api.to_owned() }
    }

    /// Calls `/v1/github/installation` and what follows it.
    pub(super) async fn call(
        &self,
        method: &'static str,
        below: &str,
        key: Option<&SecretString>,
        body: Option<String>,
    ) -> Result<Exchange, WalkFailed> {
        self.call_path(method, &format!("/v1/github/installation{below}"), key, body).await
    }

    pub(super) async fn repositories(&self, key: &SecretString, query: &str) -> Result<Exchange, WalkFailed> {
        self.call_path("GET", &format!("/v1/github/repos{query}"), Some(key), None).await
    }

    async fn call_path(
        &self,
        method: &'static str,
        path: &str,
        key: Option<&SecretString>,
        body: Option<String>,
    ) -> Result<Exchange, WalkFailed> {
        let address = format!("{}{path}", self.api);
        let url = Url::parse(&address).map_err(|_| WalkFailed::Address(address))?;
        let verb = match method {
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            _ => Method::GET,
        };
        let mut request = self.client.request(verb, url.clone());
        let mut told = Vec::new();
        if let Some(key) = key {
            // The parts before the secret are public; the secret may hold underscores itself.
            let public: Vec<&str> = key.expose_secret().splitn(4, '_').take(3).collect();
            told.push(format!("authorization: Bearer {}_…", public.join("_")));
            request = request.bearer_auth(key.expose_secret());
        }
        if let Some(body) = &body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        Ok(Exchange::of(method, url, told, body, request).await?)
    }

    pub(super) async fn link(&self, key: &SecretString, return_url: &str) -> Result<Exchange, WalkFailed> {
        let return_url: String = form_urlencoded::byte_serialize(return_url.as_bytes()).collect();
        self.call("GET", &format!("/install-url?returnUrl={return_url}"), Some(key), None).await
    }

    pub(super) async fn register(
        &self,
        key: Option<&SecretString>,
        installation: u64,
        state: &str,
    ) -> Result<Exchange, WalkFailed> {
        self.call("POST", "", key, Some(registration(installation, state))).await
    }
}

/// The body of the API page's example.
pub(super) fn registration(installation: u64, state: &str) -> String {
    format!("{{\"installationId\":{installation},\"state\":\"{state}\"}}")
}
