//! The product's backend as a client of the API.

use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::ProductConfig;

#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    /// The URL of the binding.
    installation: String,
    uninstall: bool,
    key: SecretString,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstallLink {
    pub(super) install_url: String,
    pub(super) state: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Binding {
    pub(super) installation_id: u64,
    pub(super) org_login: String,
    pub(super) status: String,
    pub(super) registered_at: String,
}

/// An error response of the API.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiError {
    pub(super) code: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) request_id: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ApiError,
}

/// For requests without a response, and for malformed responses.
impl From<reqwest::Error> for ApiError {
    fn from(_: reqwest::Error) -> Self {
        Self {
            code: "UNREACHABLE".to_owned(),
            message: "The API returned no valid response. Try again.".to_owned(),
            request_id: String::new(),
        }
    }
}

impl Api {
    pub(super) fn new(client: Client, config: &ProductConfig) -> Self {
        let installation = format!("{}/v1/github/installation", config.api);
        Self { client, installation, uninstall: config.uninstall, key: config.key.clone() }
    }

    pub(super) async fn install_link(&self, return_url: &str) -> Result<InstallLink, ApiError> {
        let request = self.client.get(format!("{}/install-url", self.installation));
        Ok(self.send(request.query(&[("returnUrl", return_url)])).await?.json().await?)
    }

    pub(super) async fn register(&self, installation: u64, state: &str) -> Result<(), ApiError> {
        let body = json!({ "installationId": installation, "state": state });
        self.send(self.client.post(&self.installation).json(&body)).await?;
        Ok(())
    }

    /// Returns the organization's binding, if there is one.
    pub(super) async fn binding(&self) -> Result<Option<Binding>, ApiError> {
        match found(self.send(self.client.get(&self.installation)).await)? {
            Some(response) => Ok(Some(response.json().await?)),
            None => Ok(None),
        }
    }

    /// Detaches the organization's binding, if there is one.
    pub(super) async fn detach(&self) -> Result<(), ApiError> {
        let mut request = self.client.delete(&self.installation);
        if self.uninstall {
            request = request.query(&[("uninstall", "true")]);
        }
        found(self.send(request).await).map(drop)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ApiError> {
        let response = request.bearer_auth(self.key.expose_secret()).send().await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(response.json::<ErrorBody>().await?.error)
    }
}

fn found(result: Result<Response, ApiError>) -> Result<Option<Response>, ApiError> {
    match result {
        Ok(response) => Ok(Some(response)),
        Err(error) if error.code == "NOT_FOUND" => Ok(None),
        Err(error) => Err(error),
    }
}
