use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use octocrab::models::InstallationId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{Connection, FromRow, PgConnection};
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::App;
use crate::auth::Caller;
use crate::error::Failure;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registration {
    installation_id: i64,
    state: String,
}

/// A stored binding, as the API shows it.
#[derive(Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    installation_id: i64,
    account_login: String,
    account_kind: String,
    #[serde(with = "rfc3339")]
    registered_at: OffsetDateTime,
}

async fn find(connection: &mut PgConnection, organization: &str) -> Result<Option<Binding>, sqlx::Error> {
    sqlx::query_as(
        "SELECT installation_id, account_login, account_kind, registered_at FROM rival.bindings WHERE organization = $1",
    )
    .bind(organization)
    .fetch_optional(connection)
    .await
}

pub async fn get(mut caller: Caller) -> Result<Json<Binding>, Failure> {
    find(&mut caller.connection, &caller.organization).await?.map(Json).ok_or(Failure::NotFound)
}

pub async fn register(
    State(app): State<App>,
    mut caller: Caller,
    Json(wanted): Json<Registration>,
) -> Result<(StatusCode, Json<Binding>), Failure> {
    match find(&mut caller.connection, &caller.organization).await? {
        Some(bound) if bound.installation_id == wanted.installation_id => {
            return Ok((StatusCode::CREATED, Json(bound)));
        }
        Some(_) => return Err(Failure::Conflict),
        None => {}
    }
    let digest = Sha256::digest(wanted.state.as_bytes());
    let state: Option<(i64,)> = sqlx::query_as(
        "SELECT installation_id FROM rival.states WHERE digest = $1 AND organization = $2 AND expires_at > now()",
    )
    .bind(&digest[..])
    .bind(&caller.organization)
    .fetch_optional(&mut *caller.connection)
    .await?;
    if state != Some((wanted.installation_id,)) {
        return Err(Failure::InvalidState);
    }
    // No connection is held while GitHub is asked.
    let Caller { organization, connection } = caller;
    drop(connection);
    let installation = app.github.apps().installation(InstallationId(wanted.installation_id as u64)).await?;
    let mut connection = app.pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let spent = sqlx::query("DELETE FROM rival.states WHERE digest = $1")
        .bind(&digest[..])
        .execute(&mut *transaction)
        .await?;
    if spent.rows_affected() != 1 {
        return Err(Failure::InvalidState);
    }
    let binding: Binding = sqlx::query_as(
        "INSERT INTO rival.bindings \
         (organization, installation_id, account_id, account_login, account_kind, registered_at) \
         VALUES ($1, $2, $3, $4, $5, now()) \
         RETURNING installation_id, account_login, account_kind, registered_at",
    )
    .bind(&organization)
    .bind(wanted.installation_id)
    .bind(installation.account.id.0 as i64)
    .bind(&installation.account.login)
    .bind(&installation.account.r#type)
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(binding)))
}
