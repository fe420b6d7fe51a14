//! The product's backend as a client of the API: four calls with the key.

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::ProductConfig;

#[derive(Debug)]
pub(super) struct Api {
    client: Client,
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
pub(super) struct Bound {
    pub(super) installation_id: u64,
    pub(super) org_login: String,
    pub(super) status: String,
    pub(super) registered_at: String,
}

/// What the API, or the way to it, has to complain about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trouble {
    pub(super) code: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) request_id: String,
}

#[derive(Deserialize)]
struct Envelope {
    error: Trouble,
}

impl Trouble {
    fn unreachable() -> Self {
        Self {
            code: "UNREACHABLE".to_owned(),
            message: "The API did not answer as it should. Try again.".to_owned(),
            request_id: String::new(),
        }
    }
}

impl Api {
    pub(super) fn new(client: Client, config: &ProductConfig) -> Self {
        let installation = format!("{}/v1/github/installation", config.api);
        Self { client, installation, uninstall: config.uninstall, key: config.key.clone() }
    }

    pub(super) async fn install_link(&self, return_url: &str) -> Result<InstallLink, Trouble> {
        let return_url: String = form_urlencoded::byte_serialize(return_url.as_bytes()).collect();
        let url = format!("{}/install-url?returnUrl={return_url}", self.installation);
        self.call(self.client.get(url)).await.and_then(|body| read(&body))
    }

    pub(super) async fn register(&self, installation: u64, state: &str) -> Result<Bound, Trouble> {
        let body = json!({ "installationId": installation, "state": state }).to_string();
        let request =
            self.client.post(&self.installation).header("content-type", "application/json").body(body);
        self.call(request).await.and_then(|body| read(&body))
    }

    /// `None` where nothing is bound.
    pub(super) async fn bound(&self) -> Result<Option<Bound>, Trouble> {
        match self.call(self.client.get(&self.installation)).await {
            Ok(body) => read(&body).map(Some),
            Err(trouble) if trouble.code == "NOT_FOUND" => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Fine where nothing was bound.
    pub(super) async fn detach(&self) -> Result<(), Trouble> {
        let query = if self.uninstall { "?uninstall=true" } else { "" };
        let request = self.client.delete(format!("{}{query}", self.installation));
        match self.call(request).await {
            Ok(_) => Ok(()),
            Err(trouble) if trouble.code == "NOT_FOUND" => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    async fn call(&self, request: RequestBuilder) -> Result<Vec<u8>, Trouble> {
        let request = request.bearer_auth(self.key.expose_secret());
        let response = request.send().await.map_err(|_| Trouble::unreachable())?;
        let status = response.status();
        let body = response.bytes().await.map_err(|_| Trouble::unreachable())?.to_vec();
        if status.is_success() {
            return Ok(body);
        }
        Err(serde_json::from_slice::<Envelope>(&body).map_or_else(|_| Trouble::unreachable(), |e| e.error))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|_| Trouble::unreachable())
}
