//! A running simulator with an App, and a client of its own that shares no code with the simulator.

use std::collections::HashMap;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use dockline_github_sim::{AppCredentials, GithubSim, NewApp, Role, RunningSim};
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Client, Method, Response, Url};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

pub(crate) const CALLBACK: &str = "http://127.0.0.1:1/callback?from=github";

pub(crate) struct Fixture {
    pub(crate) running: RunningSim,
    pub(crate) app: AppCredentials,
    pub(crate) client: Client,
}

impl Fixture {
    /// A simulator where olga owns acme-coffee and mia is a member. The App dockline-dev is not installed.
    pub(crate) async fn new() -> Self {
        Self::with(NewApp::new("dockline-dev", CALLBACK)).await
    }

    pub(crate) async fn with(app: NewApp) -> Self {
        Self::on(GithubSim::default(), app).await
    }

    pub(crate) async fn on(sim: GithubSim, app: NewApp) -> Self {
        sim.create_user("olga").unwrap();
        sim.create_user("mia").unwrap();
        sim.create_organization("acme-coffee").unwrap();
        sim.set_membership("acme-coffee", "olga", Role::Admin).unwrap();
        sim.set_membership("acme-coffee", "mia", Role::Member).unwrap();
        let app = sim.create_app(app).unwrap();
        let running = sim.start().await.unwrap();
        let client = client_builder()
            .user_agent("dockline-github-sim-tests")
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { running, app, client }
    }

    pub(crate) fn sim(&self) -> &GithubSim {
        self.running.sim()
    }

    pub(crate) fn jwt(&self) -> String {
        let now = self.sim().now().unix_timestamp();
        jwt(&self.app, &json!({ "iat": now - 60, "exp": now + 540, "iss": self.app.client_id }))
    }

    pub(crate) async fn send(&self, method: Method, path: &str, token: &str) -> Response {
        let url = format!("{}{path}", self.running.api);
        self.client
            .request(method, url)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        status_and_body(self.send(Method::GET, path, token).await).await
    }

    pub(crate) async fn get_as_app(&self, path: &str) -> (u16, Value) {
        self.get(path, &self.jwt()).await
    }

    /// Exchanges a new code of the user for a token.
    pub(crate) async fn user_token(&self, login: &str) -> String {
        let code = self.sim().issue_code(self.app.app_id, login).unwrap();
        let url = format!("{}/login/oauth/access_token", self.running.web);
        let form = [
            ("client_id", self.app.client_id.as_str()),
            ("client_secret", self.app.client_secret.expose_secret()),
            ("code", code.expose_secret()),
        ];
        let request = self.client.post(url).header(ACCEPT, "application/json").form(&form);
        let (_, tokens) = status_and_body(request.send().await.unwrap()).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Requests an installation token.
    pub(crate) async fn mint(&self, installation: u64, body: &Value) -> (u16, Value) {
        let url = format!("{}/app/installations/{installation}/access_tokens", self.running.api);
        status_and_body(self.client.post(url).bearer_auth(self.jwt()).json(body).send().await.unwrap()).await
    }

    /// Mints an installation token.
    pub(crate) async fn token(&self, installation: u64, body: &Value) -> String {
        let (status, minted) = self.mint(installation, body).await;
        assert_eq!(status, 201, "{minted}");
        minted["token"].as_str().unwrap().to_owned()
    }

    /// Creates private repositories of acme-coffee and returns their ids.
    pub(crate) fn repositories(&self, names: &[&str]) -> Vec<u64> {
        names.iter().map(|name| self.sim().add_repository("acme-coffee", name, true).unwrap()).collect()
    }

    pub(crate) fn install(&self, account: &str) -> u64 {
        self.sim().install(self.app.app_id, account, "olga").unwrap()
    }
}

pub(crate) async fn status_and_body(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

#[track_caller]
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

/// Returns the query parameters of the `Location` header.
pub(crate) fn location_query(response: &Response) -> HashMap<String, String> {
    let location = response.headers()["location"].to_str().unwrap();
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

pub(crate) fn jwt(app: &AppCredentials, claims: &Value) -> String {
    jwt_with_header(app, &json!({ "alg": "RS256", "typ": "JWT" }), claims)
}

pub(crate) fn jwt_with_header(app: &AppCredentials, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let pem: String =
        app.private_key_pem.expose_secret().lines().filter(|line| !line.starts_with('-')).collect();
    let key = KeyPair::from_der(&BASE64.decode(pem.as_bytes()).unwrap()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// Installs a default TLS provider. A workspace build can enable TLS in reqwest without a provider, and then even plain HTTP needs one.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
}
