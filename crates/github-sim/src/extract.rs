//! What every handler may ask of a request: the bases of its addresses, and its query.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::sim::GithubSim;
use crate::urls::{Params, Urls};

impl FromRequestParts<GithubSim> for Urls {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, sim: &GithubSim) -> Result<Self, Infallible> {
        if let Some(base_url) = &sim.config().base_url {
            return Ok(Self::of(base_url.clone()));
        }
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.and_then(|host| host.parse::<Authority>().ok());
        let host = host.as_ref().map_or("localhost", Authority::as_str);
        Ok(Self::of(format!("http://{host}")))
    }
}

impl FromRequestParts<GithubSim> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &GithubSim) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default().as_bytes()))
    }
}
