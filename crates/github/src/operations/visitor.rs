//! Who the visitor in the browser is and which installations they reach: exchanges their code for a token, reads the
//! facts, and revokes the token.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dockline::ports::VisitorCheck;
use dockline::{
    Account, AccountId, AccountKind, AppId, AuthorizationCode, InstallationId, InstalledOn, VisitorFacts,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::github_error::GithubError;
use crate::http::{Api, redacted};
use crate::observer::Operation;
use crate::wire::{ExchangeWire, InstallationsWire, MembershipWire, UserWire};

/// Bounds a list that never ends; no visitor sees ten thousand installations of one App.
const MAX_PAGES: u32 = 100;

/// The characters of a login that are encoded in a path: also the dot, since `..` leads to another path.
const LOGIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// Checks visitors with the App's OAuth client.
pub(crate) struct VisitorChecker {
    pub(crate) api: Arc<Api>,
    pub(crate) app: AppId,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    /// For all calls between the exchange and the revocation.
    pub(crate) timeout: Duration,
    pub(crate) warned: AtomicBool,
}

enum Exchange {
    Token(SecretString),
    CodeRefused,
}

impl VisitorChecker {
    /// Run this in a task of its own: if the future is dropped midway, the token stays live.
    pub(crate) async fn check(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, GithubError> {
        let token = match self.exchange(code).await? {
            Exchange::Token(token) => token,
            Exchange::CodeRefused => return Ok(VisitorCheck::CodeRefused),
        };
        let facts = timeout(self.timeout, self.facts(&token, installation)).await;
        self.revoke(&token).await;
        facts.map_err(|_| GithubError::TimedOut)?.map(VisitorCheck::Visitor)
    }

    async fn exchange(&self, code: &AuthorizationCode) -> Result<Exchange, GithubError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("code", code.expose())
            .finish();
        let response = match self.api.exchange_code(form).await {
            // The response to an unknown client.
            Err(GithubError::NotFound { .. } | GithubError::CredentialRejected { .. }) => {
                return Err(GithubError::OauthClientRejected { error: "no such client".to_owned() });
            }
            result => result?,
        };
        let wire: ExchangeWire = response.json()?;
        match (wire.error.as_deref(), wire.access_token) {
            // Visitors without a verified address can only help themselves, as with an expired code.
            (Some("bad_verification_code" | "unverified_user_email"), _) => Ok(Exchange::CodeRefused),
            (
                Some(
                    error @ ("incorrect_client_credentials"
                    | "redirect_uri_mismatch"
                    | "application_suspended"),
                ),
                _,
            ) => Err(GithubError::OauthClientRejected { error: error.to_owned() }),
            (Some(error), _) => Err(GithubError::ExchangeRejected { error: redacted(error) }),
            (None, Some(token)) if !token.is_empty() => Ok(Exchange::Token(token.into())),
            (None, _) => Err(GithubError::invalid_response("neither a token nor an error")),
        }
    }

    async fn facts(
        &self,
        token: &SecretString,
        installation: InstallationId,
    ) -> Result<VisitorFacts, GithubError> {
        let visitor: AccountId =
            self.api.as_visitor(Operation::Visitor, "/user", token).await?.json::<UserWire>()?.try_into()?;
        let visible = self.visible(token, installation).await?;
        let administers_organization = match &visible {
            Some(InstalledOn::Account(account @ Account { kind: AccountKind::Organization, .. })) => {
                self.administers(token, account).await?
            }
            Some(InstalledOn::Account(_) | InstalledOn::Enterprise { .. } | InstalledOn::Unknown) | None => {
                false
            }
        };
        Ok(VisitorFacts { visitor, visible, administers_organization })
    }

    /// Returns the account of `installation` if the visitor sees it among our App's installations, on any page.
    async fn visible(
        &self,
        token: &SecretString,
        installation: InstallationId,
    ) -> Result<Option<InstalledOn>, GithubError> {
        let mut seen = 0_u64;
        for page in 1..=MAX_PAGES {
            let path = format!("/user/installations?per_page=100&page={page}");
            let listed: InstallationsWire =
                self.api.as_visitor(Operation::VisitorInstallations, &path, token).await?.json()?;
            seen += listed.installations.len() as u64;
            let is_last = listed.installations.is_empty() || seen >= listed.total_count;
            let is_it = |id: u64, app: u64| id == installation.get() && app == self.app.get();
            if let Some(found) = listed.installations.into_iter().find(|one| is_it(one.id, one.app_id)) {
                return found.installed_on().map(Some);
            }
            if is_last {
                return Ok(None);
            }
        }
        tracing::warn!(
            seen,
            "gave up looking for an installation in a visitor's list, which has more entries"
        );
        Ok(None)
    }

    /// Returns whether the visitor administers the organization; false if GitHub does not say.
    async fn administers(&self, token: &SecretString, organization: &Account) -> Result<bool, GithubError> {
        let login = utf8_percent_encode(&organization.login, LOGIN);
        let path = format!("/user/memberships/orgs/{login}");
        match self.api.as_visitor(Operation::VisitorMembership, &path, token).await {
            Ok(response) => Ok(response.json::<MembershipWire>()?.administers(organization.id)),
            Err(GithubError::NotFound { .. } | GithubError::Suspended) => Ok(false),
            Err(error @ GithubError::PermissionMissing { .. }) => {
                // Logged once, since a setting of the App causes it for every visitor.
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        %error,
                        "GitHub does not say whether a visitor administers their organization, so proofs stay at \
                         Visible: give the App the organization permission \"Members: read\", and have it accepted"
                    );
                }
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    async fn revoke(&self, token: &SecretString) {
        let body = serde_json::json!({ "access_token": token.expose_secret() }).to_string();
        match self.api.revoke_visitor_token((&self.client_id, &self.client_secret), body).await {
            // 404: the token is already revoked.
            Ok(_) | Err(GithubError::NotFound { .. }) => {}
            Err(error) => tracing::warn!(
                %error,
                "a visitor's token could not be revoked: it expires unused within eight hours"
            ),
        }
    }
}
