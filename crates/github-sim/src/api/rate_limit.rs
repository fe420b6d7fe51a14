//! The hourly limit in every answer's headers, and the answer to those who are over it.

use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::auth::authorization;
use super::errors::ApiError;
use crate::jwt;
use crate::rate_limit::{RateLimited, Standing};
use crate::sim::GithubSim;
use crate::world::World;

/// Counts a request; whose it is.
pub(super) fn count(sim: &GithubSim, headers: &HeaderMap) -> (Option<RateLimited>, Standing) {
    let world = &mut *sim.world();
    let caller = caller(world, headers);
    (caller, world.rate_limits.count(caller, world.clock.now()))
}

/// Whoever is known by what they bring, also where it opens nothing: a suspended installation's token, a path that is not there.
fn caller(world: &World, headers: &HeaderMap) -> Option<RateLimited> {
    let (_, credential) = authorization(headers)?;
    let now = world.now();
    let installation = world.model.owner_of_token(credential, now).map(RateLimited::Installation);
    installation
        .or_else(|| jwt::verify(&world.model, credential, now).ok().map(|app| RateLimited::App(app.id)))
}

/// The refusal of a request that was one too many.
pub(super) fn exceeded(caller: RateLimited) -> ApiError {
    let who = match caller {
        RateLimited::App(id) => format!("app ID {id}"),
        RateLimited::Installation(id) => format!("installation ID {id}"),
    };
    ApiError::new(StatusCode::FORBIDDEN, format!("API rate limit exceeded for {who}."))
}

/// Tells a caller how they stand.
pub(super) fn tell(standing: Standing, headers: &mut HeaderMap) {
    let Standing { limit, used, reset, .. } = standing;
    let mut set =
        |name: &'static str, value: HeaderValue| headers.insert(HeaderName::from_static(name), value);
    set("x-ratelimit-limit", limit.into());
    set("x-ratelimit-remaining", limit.saturating_sub(used).into());
    set("x-ratelimit-used", used.into());
    set("x-ratelimit-reset", reset.into());
    set("x-ratelimit-resource", HeaderValue::from_static("core"));
}
