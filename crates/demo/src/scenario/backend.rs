//! The product's backend, as far as the scenario needs one: it calls the API with a key.

use http::Method;
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::response::{NoResponse, Response};

const INSTALLATION: &str = "/v1/github/installation";

#[derive(Debug)]
pub(super) struct Backend {
    client: Client,
    api: String,
}

impl Backend {
    pub(super) fn new(client: Client, api: &str) -> Self {
        Self { client, api: api.to_owned() }
    }

    pub(super) async fn install_link(
        &self,
        key: &SecretString,
        return_url: &str,
    ) -> Result<Response, NoResponse> {
        let request = self.request(Method::GET, &format!("{INSTALLATION}/install-url"));
        self.send(request.query(&[("returnUrl", return_url)]), Some(key)).await
    }

    pub(super) async fn register(
        &self,
        key: Option<&SecretString>,
        installation: u64,
        state: &str,
    ) -> Result<Response, NoResponse> {
        self.post(key, &json!({ "installationId": installation, "state": state })).await
    }

    /// Registers with any body.
    pub(super) async fn post(
        &self,
        key: Option<&SecretString>,
        body: &Value,
    ) -> Result<Response, NoResponse> {
        self.send(self.request(Method::POST, INSTALLATION).json(body), key).await
    }

    pub(super) async fn binding(&self, key: &SecretString) -> Result<Response, NoResponse> {
        self.send(self.request(Method::GET, INSTALLATION), Some(key)).await
    }

    pub(super) async fn detach(&self, key: &SecretString) -> Result<Response, NoResponse> {
        self.send(self.request(Method::DELETE, INSTALLATION), Some(key)).await
    }

    pub(super) async fn repositories(
        &self,
        key: &SecretString,
        query: &[(&str, &str)],
    ) -> Result<Response, NoResponse> {
        self.send(self.request(Method::GET, "/v1/github/repos").query(query), Some(key)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.api))
    }

    async fn send(
        &self,
        request: RequestBuilder,
        key: Option<&SecretString>,
    ) -> Result<Response, NoResponse> {
        let Some(key) = key.map(ExposeSecret::expose_secret) else {
            return Response::to(request, Vec::new()).await;
        };
        // The parts before the secret are public; the secret itself can contain underscores.
        let public: Vec<&str> = key.splitn(4, '_').take(3).collect();
        let header = format!("authorization: Bearer {}_…", public.join("_"));
        Response::to(request.bearer_auth(key), vec![header]).await
    }
}
