//! Calls of the API by a product's backend.

use crate::http_client::loopback;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

const INSTALLATION: &str = "/v1/github/installation";

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// A product's backend, with a key and a client.
#[derive(Clone)]
pub(crate) struct Backend {
    http: reqwest::Client,
    key: SecretString,
}

impl Backend {
    pub(crate) fn new(key: SecretString) -> Self {
        Self { http: loopback(), key }
    }

    /// Sends the request. Returns `None` if the connection failed.
    async fn answer(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        let response = request.bearer_auth(self.key.expose_secret()).send().await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, body: response.text().await.ok()? })
    }

    pub(crate) async fn register(&self, api: &str, installation: u64, state: &str) -> Option<Answer> {
        let body = format!(r#"{{"installationId":{installation},"state":"{state}"}}"#);
        let request = self.http.post(format!("{api}{INSTALLATION}"));
        self.answer(request.header("content-type", "application/json").body(body)).await
    }

    pub(crate) async fn inspect(&self, api: &str) -> Option<Answer> {
        self.answer(self.http.get(format!("{api}{INSTALLATION}"))).await
    }

    pub(crate) async fn detach(&self, api: &str) -> Option<Answer> {
        self.answer(self.http.delete(format!("{api}{INSTALLATION}"))).await
    }

    pub(crate) async fn detach_and_uninstall(&self, api: &str) -> Option<Answer> {
        self.answer(self.http.delete(format!("{api}{INSTALLATION}?uninstall=true"))).await
    }

    pub(crate) async fn repositories(&self, api: &str) -> Option<Answer> {
        self.answer(self.http.get(format!("{api}/v1/github/repos"))).await
    }

    /// Returns the install URL.
    pub(crate) async fn install_url(&self, api: &str) -> String {
        let url = format!("{api}{INSTALLATION}/install-url?returnUrl=https://app.example.com/");
        self.answer(self.http.get(url)).await.unwrap().json()["installUrl"].as_str().unwrap().to_owned()
    }

    /// Requests an install URL. Returns `None` without a response, and for 503.
    pub(crate) async fn try_state(&self, api: &str) -> Option<String> {
        let url = format!("{api}{INSTALLATION}/install-url?returnUrl=https://app.example.com/");
        let answer = self.answer(self.http.get(url)).await.filter(|answer| answer.status != 503)?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Some(answer.json()["state"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn state(&self, api: &str) -> String {
        self.try_state(api).await.expect("no state")
    }
}
