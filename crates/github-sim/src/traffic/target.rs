//! The installation, the account and the caller of a request, which scopes of fault rules compare.

use axum::http::header::HeaderMap;
use time::OffsetDateTime;

use super::rate_limit::RateLimitCaller as Caller;
use crate::api::{app_of_jwt, authorization, decode_basic};
use crate::fixture::Fixture;
use crate::model::Model;
use crate::model::grant::Grant;
use crate::urls::API;

/// Finds the caller of a valid credential. A token may also be the password of Basic credentials, as in git.
pub(crate) fn caller(fixture: &Fixture, headers: &HeaderMap) -> Option<Caller> {
    let (scheme, credential) = authorization(headers)?;
    let password = (scheme == "basic").then(|| decode_basic(credential)).flatten();
    let secret = password.as_ref().map_or(credential, |(_, password)| password);
    let (model, now) = (&fixture.model, fixture.now());
    if let Some(id) = model.installation_of_token(secret, now) {
        return Some(Caller::Installation(id));
    }
    if let Some(grant) = model.grants.token(secret, now) {
        return Some(Caller::User(grant.user));
    }
    app_of_jwt(model, secret, now).map(Caller::App)
}

/// The subject of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Target {
    /// The installation in the path, on the account in the path, or of the token.
    pub(crate) installation: Option<u64>,
    /// The account in the path, or of the installation.
    pub(crate) account: Option<u64>,
    pub(crate) caller: Option<Caller>,
}

impl Target {
    pub(crate) fn of(fixture: &Fixture, path: &str, headers: &HeaderMap) -> Self {
        let model = &fixture.model;
        let caller = caller(fixture, headers);
        let (installation, account) = match named(path) {
            Some(Named::Installation(id)) => (Some(id), None),
            Some(Named::Account(login)) => (None, model.account_by_login(login).map(|account| account.id)),
            None => (None, None),
        };
        let installation = installation.or_else(|| match (caller?, account) {
            (Caller::Installation(id), _) => Some(id),
            (Caller::App(app_id), Some(account)) => Some(model.installation_on(app_id, account)?.id),
            (Caller::App(_) | Caller::User(_), _) => None,
        });
        let account = account.or_else(|| Some(model.installation(installation?)?.account));
        Self { installation, account, caller }
    }

    pub(crate) fn user(self) -> Option<u64> {
        match self.caller? {
            Caller::User(user) => Some(user),
            Caller::App(_) | Caller::Installation(_) => None,
        }
    }

    /// Returns the login of the account.
    pub(crate) fn login(self, model: &Model) -> Option<&str> {
        Some(&model.account(self.account?)?.login)
    }
}

enum Named<'a> {
    Installation(u64),
    Account(&'a str),
}

/// Returns the user token of a request, if it has one.
pub(crate) fn user_token<'a>(
    model: &'a Model,
    now: OffsetDateTime,
    headers: &HeaderMap,
) -> Option<&'a Grant> {
    let (_, secret) = authorization(headers)?;
    model.grants.token(secret, now)
}

/// Finds an installation or an account in the path.
fn named(path: &str) -> Option<Named<'_>> {
    let Some(path) = path.strip_prefix(API) else {
        let (owner, repository) = path.strip_prefix('/')?.split_once('/')?;
        return repository.contains(".git").then_some(Named::Account(owner));
    };
    match *path.split('/').skip(1).collect::<Vec<_>>() {
        ["app" | "user", "installations", id, ..] => id.parse().ok().map(Named::Installation),
        ["orgs" | "users" | "repos", login, ..] | ["user", "memberships", "orgs", login] => {
            Some(Named::Account(login))
        }
        _ => None,
    }
}
