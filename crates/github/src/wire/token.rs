//! A token, and what to ask for with it.

use std::collections::BTreeMap;

use dockline::{RepositoryScope, TokenScope};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::fault::GithubFault;

/// The body of a mint. What is not narrowed is not there: GitHub reads an empty narrowing as everything (lesson L-48),
/// and a [`TokenScope`] holds none.
#[derive(Serialize)]
pub(crate) struct Narrowing<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_ids: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<BTreeMap<&'a str, &'static str>>,
}

impl<'a> From<&'a TokenScope> for Narrowing<'a> {
    fn from(scope: &'a TokenScope) -> Self {
        let (repositories, repository_ids) = match scope.repositories() {
            RepositoryScope::All => (None, None),
            RepositoryScope::Ids(ids) => (None, Some(ids.iter().map(|id| id.get()).collect())),
            RepositoryScope::Names(names) => (Some(names.iter().map(|name| name.as_str()).collect()), None),
        };
        let permissions = scope.permissions().map(|permissions| {
            permissions.iter().map(|(name, access)| (name.as_str(), access.as_str())).collect()
        });
        Self { repositories, repository_ids, permissions }
    }
}

/// The answer to a mint. Neither the repositories nor the permissions in it are read: a hundred of the former are half a
/// megabyte (lesson L-66).
#[derive(Deserialize)]
pub(crate) struct TokenWire {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    expires_at: String,
}

impl TokenWire {
    /// The token and its end. Whatever the token looks like, it must fit behind `Bearer` (lesson L-47); one without an
    /// end is none (lesson L-40).
    pub(crate) fn checked(self) -> Result<(SecretString, OffsetDateTime), GithubFault> {
        let token = self.token.expose_secret();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(GithubFault::not_githubs("a token that no header can carry"));
        }
        let expires_at = OffsetDateTime::parse(&self.expires_at, &Rfc3339)
            .map_err(|_| GithubFault::not_githubs("a token without a readable end"))?;
        Ok((self.token, expires_at))
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use dockline::{Access, PermissionName, RepositoryId};
    use serde_json::{Value, json};

    use super::*;

    fn body(scope: &TokenScope) -> Value {
        serde_json::to_value(Narrowing::from(scope)).unwrap()
    }

    #[test]
    fn what_is_not_narrowed_is_not_in_the_body_l48() {
        let everything = TokenScope::everything;
        assert_eq!(body(&everything()), json!({}));
        let ids = [9, 3_000_000_000].map(|id| RepositoryId::new(id).unwrap());
        let by_id = everything().with_repositories(ids).unwrap();
        assert_eq!(body(&by_id), json!({ "repository_ids": [9, 3_000_000_000_u64] }));
        let by_name = everything().with_repository_names(["Roast", "beans"]).unwrap();
        assert_eq!(body(&by_name), json!({ "repositories": ["beans", "roast"] }));
        let permissions = [("contents", Access::Read), ("issues", Access::Write), ("members", Access::Admin)]
            .map(|(name, access)| (PermissionName::new(name).unwrap(), access));
        let permitted = everything().with_permissions(permissions).unwrap();
        assert_eq!(
            body(&permitted),
            json!({ "permissions": { "contents": "read", "issues": "write", "members": "admin" } })
        );
        let both =
            by_id.with_permissions([(PermissionName::new("contents").unwrap(), Access::Read)]).unwrap();
        assert_eq!(
            body(&both),
            json!({ "repository_ids": [9, 3_000_000_000_u64], "permissions": { "contents": "read" } })
        );
    }
}
