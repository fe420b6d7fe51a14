//! The rival of the benchmarks: registering an installation, and reading it, without budgets, metrics, logs or deadlines.
//!
//! Reads `DATABASE_URL`, `GITHUB_API_URL`, `GITHUB_APP_ID` and `GITHUB_PRIVATE_KEY_FILE` from the environment, and prints its
//! address as one line of JSON. If `PING` is set, sqlx sends a ping before each use of a connection, as it does by default;
//! that costs a round trip per statement.

mod auth;
mod bindings;
mod error;

use std::error::Error;

use axum::Router;
use axum::routing::post;
use octocrab::Octocrab;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

#[derive(Clone)]
struct App {
    pool: PgPool,
    github: Octocrab,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .test_before_acquire(std::env::var_os("PING").is_some())
        .connect(&std::env::var("DATABASE_URL")?)
        .await?;
    let key = std::fs::read(std::env::var("GITHUB_PRIVATE_KEY_FILE")?)?;
    let github = Octocrab::builder()
        .base_uri(std::env::var("GITHUB_API_URL")?)?
        .app_from_rsa_pem(std::env::var("GITHUB_APP_ID")?.parse::<u64>()?.into(), key)?
        .build()?;
    let router = Router::new()
        .route("/v1/github/installation", post(bindings::register).get(bindings::get))
        .with_state(App { pool, github });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!(r#"{{"api":"http://{}"}}"#, listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
