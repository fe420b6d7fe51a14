use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use subtle::ConstantTimeEq;

use crate::App;
use crate::error::Failure;

/// The organization of the API key `lp_<environment>_<id>_<secret>`, and the request's connection.
pub struct Caller {
    pub organization: String,
    pub connection: PoolConnection<Postgres>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let presented = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key =
            presented.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Failure::Unauthenticated)?;
        let mut parts = key.splitn(4, '_').skip(2);
        let (Some(id), Some(secret)) = (parts.next(), parts.next()) else {
            return Err(Failure::Unauthenticated);
        };
        let secret = BASE64URL_NOPAD.decode(secret.as_bytes()).map_err(|_| Failure::Unauthenticated)?;
        let mut connection = app.pool.acquire().await?;
        let found: Option<(Vec<u8>, String)> =
            sqlx::query_as("SELECT secret_hash, organization FROM rival.api_keys WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *connection)
                .await?;
        match found {
            Some((hash, organization)) if bool::from(hash.ct_eq(&Sha256::digest(secret)[..])) => {
                Ok(Self { organization, connection })
            }
            _ => Err(Failure::Unauthenticated),
        }
    }
}
