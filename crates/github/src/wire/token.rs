//! The request for an installation token, and the token.

use std::collections::BTreeMap;

use dockline::{RepositoryScope, TokenScope};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::GithubError;

/// The body of a token request. A field is absent if it does not narrow the token: GitHub reads an empty list or object as
/// "everything".
#[derive(Serialize)]
pub(crate) struct TokenRequestWire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_ids: Option<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<BTreeMap<&'a str, &'static str>>,
}

impl<'a> From<&'a TokenScope> for TokenRequestWire<'a> {
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

/// The response to a token request. Its repositories and permissions are not read: a hundred repositories are half a
/// megabyte.
#[derive(Deserialize)]
pub(crate) struct TokenWire {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    expires_at: String,
}

impl TokenWire {
    /// Returns the token and when it expires. The token is opaque, but must fit into a header; without an expiry it is
    /// invalid.
    pub(crate) fn checked(self) -> Result<(SecretString, OffsetDateTime), GithubError> {
        let token = self.token.expose_secret();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(GithubError::invalid_response("a token with characters that a header cannot hold"));
        }
        let expires_at = OffsetDateTime::parse(&self.expires_at, &Rfc3339)
            .map_err(|_| GithubError::invalid_response("a token without a valid expiry"))?;
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
        serde_json::to_value(TokenRequestWire::from(scope)).unwrap()
    }

    #[test]
    fn the_body_has_only_the_fields_that_narrow_the_token_l48() {
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
