//! Who is in the browser, and what they can reach: the visitor's code for a token, the token for facts, and the token
//! back to GitHub.

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

use crate::api::Api;
use crate::excerpt;
use crate::fault::GithubFault;
use crate::observer::Operation;
use crate::wire::{ExchangeWire, InstallationsWire, MembershipWire, UserWire};

/// Nobody sees ten thousand installations of one App.
const MOST_PAGES: u32 = 100;

/// A login in a path: all but what is plain there, the dot included, since `..` means another path.
const LOGIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// Proves visitors' claims with the App's OAuth client.
pub(crate) struct Prover {
    pub(crate) api: Arc<Api>,
    pub(crate) app: AppId,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    /// For everything between the exchange and the revocation.
    pub(crate) budget: Duration,
    pub(crate) warned: AtomicBool,
}

enum Exchange {
    Token(SecretString),
    Refused,
}

impl Prover {
    /// To be run in a task of its own: whoever drops a future halfway must not leave a live token behind.
    pub(crate) async fn check_visitor(
        &self,
        code: &AuthorizationCode,
        installation: InstallationId,
    ) -> Result<VisitorCheck, GithubFault> {
        let token = match self.exchange(code).await? {
            Exchange::Token(token) => token,
            Exchange::Refused => return Ok(VisitorCheck::CodeRefused),
        };
        let witness = timeout(self.budget, self.witness(&token, installation)).await;
        self.revoke(&token).await;
        witness.map_err(|_| GithubFault::TimedOut)?.map(VisitorCheck::Visitor)
    }

    async fn exchange(&self, code: &AuthorizationCode) -> Result<Exchange, GithubFault> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("code", code.expose())
            .finish();
        let answer = self.api.exchange(form).await.map_err(|fault| {
            // No such client: GitHub has no page for it.
            if matches!(fault, GithubFault::NotFound { .. } | GithubFault::CredentialRefused { .. }) {
                GithubFault::OauthClientRefused { error: "no such client".to_owned() }
            } else {
                fault
            }
        })?;
        let wire: ExchangeWire = answer.json()?;
        match (wire.error.as_deref(), wire.access_token) {
            // A visitor whose own address GitHub has not verified is refused like a stale code: nobody here can mend it.
            (Some("bad_verification_code" | "unverified_user_email"), _) => Ok(Exchange::Refused),
            (
                Some(
                    error @ ("incorrect_client_credentials"
                    | "redirect_uri_mismatch"
                    | "application_suspended"),
                ),
                _,
            ) => Err(GithubFault::OauthClientRefused { error: error.to_owned() }),
            (Some(error), _) => Err(GithubFault::ExchangeRefused { error: excerpt::cleaned(error) }),
            (None, Some(token)) if !token.is_empty() => Ok(Exchange::Token(token.into())),
            (None, _) => Err(GithubFault::not_githubs("neither a token nor an error")),
        }
    }

    async fn witness(
        &self,
        token: &SecretString,
        installation: InstallationId,
    ) -> Result<VisitorFacts, GithubFault> {
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

    /// What `installation` is on, if it is among those that the visitor sees: all pages, by number, of our App only
    /// (lesson L-54).
    async fn visible(
        &self,
        token: &SecretString,
        installation: InstallationId,
    ) -> Result<Option<InstalledOn>, GithubFault> {
        let mut seen = 0_u64;
        for page in 1..=MOST_PAGES {
            let path = format!("/user/installations?per_page=100&page={page}");
            let listed: InstallationsWire =
                self.api.as_visitor(Operation::VisitorsInstallations, &path, token).await?.json()?;
            seen += listed.installations.len() as u64;
            let last = listed.installations.is_empty() || seen >= listed.total_count;
            let is_it = |id: u64, app: u64| id == installation.get() && app == self.app.get();
            if let Some(found) = listed.installations.into_iter().find(|one| is_it(one.id, one.app_id)) {
                return found.installed_on().map(Some);
            }
            if last {
                return Ok(None);
            }
        }
        tracing::warn!(
            seen,
            "a visitor sees more installations than are searched: theirs was not among the first"
        );
        Ok(None)
    }

    /// Whether the visitor administers the organization. What GitHub will not say is a no.
    async fn administers(&self, token: &SecretString, organization: &Account) -> Result<bool, GithubFault> {
        let login = utf8_percent_encode(&organization.login, LOGIN);
        match self
            .api
            .as_visitor(Operation::VisitorsMembership, &format!("/user/memberships/orgs/{login}"), token)
            .await
        {
            Ok(answer) => Ok(answer.json::<MembershipWire>()?.administers(organization.id)),
            Err(GithubFault::NotFound { .. } | GithubFault::Suspended) => Ok(false),
            Err(fault @ GithubFault::NotGranted { .. }) => {
                // Once: it is a setting of the App's, and concerns every proof after this one.
                if !self.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        %fault,
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
        match self.api.revoke_visitors((&self.client_id, &self.client_secret), body).await {
            // Gone already: GitHub or the visitor was faster.
            Ok(_) | Err(GithubFault::NotFound { .. }) => {}
            Err(fault) => {
                tracing::warn!(%fault, "a visitor's token could not be revoked: it lives for up to eight hours, unused");
            }
        }
    }
}
