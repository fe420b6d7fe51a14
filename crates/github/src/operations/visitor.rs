//! Identifies the visitor in the browser and the installations that they reach: exchanges their code for a token, reads the
//! facts, and revokes the token.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dockline::ports::{CodeGrant, VisitorCheck, VisitorInstallations};
use dockline::{
    Account, AccountId, AccountKind, AppId, GithubCredential, Installation, InstallationId, InstalledOn,
    Membership, UnknownReason, Visibility, VisitorFacts,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::error::{Denial, GithubError};
use crate::http::{Api, PER_PAGE, PageOf, Response, next_page, redacted};
use crate::observer::Operation;
use crate::wire::{ExchangeWire, InstallationsWire, MembershipWire, UserWire};

/// Bounds a list that never ends.
const MAX_PAGES: u32 = 100;

/// The characters of a login that are encoded in a path: also the dot, since `..` leads to another path.
const LOGIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

const INSTALLATIONS: &str = "/user/installations";

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

/// An error, and the credential of the call.
type Failure = (GithubCredential, GithubError);

fn of_client(error: GithubError) -> Failure {
    (GithubCredential::OauthClient, error)
}

fn of_visitor(error: GithubError) -> Failure {
    (GithubCredential::Visitor, error)
}

impl VisitorChecker {
    /// Run this in a task of its own: if the future is dropped midway, the token stays live.
    pub(crate) async fn check(
        &self,
        grant: &CodeGrant,
        installation: InstallationId,
    ) -> Result<VisitorCheck, Failure> {
        let token = match self.exchange(grant).await.map_err(of_client)? {
            Exchange::Token(token) => token,
            Exchange::CodeRefused => return Ok(VisitorCheck::CodeRefused),
        };
        let facts = timeout(self.timeout, self.facts(&token, installation)).await;
        self.revoke(&token).await;
        match facts.unwrap_or(Err(GithubError::TimedOut)) {
            Ok(facts) => Ok(VisitorCheck::Visitor(facts)),
            Err(error) => unknown(error).map(VisitorCheck::Denied).map_err(of_visitor),
        }
    }

    /// Run this in a task of its own, as [`Self::check`].
    pub(crate) async fn installations(&self, grant: &CodeGrant) -> Result<VisitorInstallations, Failure> {
        let token = match self.exchange(grant).await.map_err(of_client)? {
            Exchange::Token(token) => token,
            Exchange::CodeRefused => return Ok(VisitorInstallations::CodeRefused),
        };
        let listed = timeout(self.timeout, self.first_page(&token)).await;
        self.revoke(&token).await;
        match listed.unwrap_or(Err(GithubError::TimedOut)) {
            Ok((installations, hidden)) => Ok(VisitorInstallations::Listed { installations, hidden }),
            Err(error) => unknown(error).map(VisitorInstallations::Denied).map_err(of_visitor),
        }
    }

    fn exchange_form(&self, grant: &CodeGrant) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("code", grant.code.expose());
        if let Some(redirect_uri) = &grant.redirect_uri {
            form.append_pair("redirect_uri", redirect_uri);
        }
        if let Some(verifier) = &grant.verifier {
            form.append_pair("code_verifier", verifier.expose());
        }
        form.finish()
    }

    async fn exchange(&self, grant: &CodeGrant) -> Result<Exchange, GithubError> {
        let response = match self.api.exchange_code(self.exchange_form(grant)).await {
            // The response to an unknown client.
            Err(GithubError::NotFound { .. } | GithubError::CredentialRejected { .. }) => {
                return Err(GithubError::OauthClientRejected { error: "no such client".to_owned() });
            }
            result => result?,
        };
        let wire: ExchangeWire = response.json()?;
        match (wire.error.as_deref(), wire.access_token) {
            // Only the visitor can verify their address, so this is handled like an expired code.
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
        let (visibility, installation_age) = match self.visibility(token, installation).await {
            Ok(seen) => seen,
            Err(error) => (Visibility::Unknown(unknown(error)?), None),
        };
        let membership = match &visibility {
            Visibility::Seen(InstalledOn::Account(
                account @ Account { kind: AccountKind::Organization, .. },
            )) => self.membership(token, account).await?,
            Visibility::Seen(_) | Visibility::NotSeen | Visibility::Unknown(_) => Membership::Outsider,
        };
        Ok(VisitorFacts { visitor, visibility, membership, installation_age })
    }

    /// Looks for `installation` among our App's installations that the visitor sees, on all pages. Returns its age, too.
    async fn visibility(
        &self,
        token: &SecretString,
        installation: InstallationId,
    ) -> Result<(Visibility, Option<time::Duration>), GithubError> {
        let (mut number, mut seen) = (1, 0);
        let mut hidden = None;
        for _ in 0..MAX_PAGES {
            let path = format!("{INSTALLATIONS}?per_page={PER_PAGE}&page={number}");
            let response = self.api.as_visitor(Operation::VisitorInstallations, &path, token).await?;
            hidden = hidden.or_else(|| hidden_by(&response));
            let listed: InstallationsWire = response.json()?;
            let (entries, total) = (listed.installations.len(), listed.total_count);
            seen += entries;
            let is_it = |id: u64, app: u64| id == installation.get() && app == self.app.get();
            if let Some(found) = listed.installations.into_iter().find(|one| is_it(one.id, one.app_id)) {
                let age = found.age_at(response.date());
                return Ok((Visibility::Seen(found.installed_on()?), age));
            }
            let page = PageOf { number, entries, total };
            match next_page(&response, self.api.base(), INSTALLATIONS, page)? {
                Some(next) => number = next,
                None => return Ok((hidden.map_or(Visibility::NotSeen, Visibility::Unknown), None)),
            }
        }
        tracing::warn!(
            seen,
            "gave up looking for an installation in a visitor's list, which has more entries"
        );
        Ok((Visibility::Unknown(hidden.unwrap_or(UnknownReason::TooManyInstallations)), None))
    }

    async fn first_page(
        &self,
        token: &SecretString,
    ) -> Result<(Vec<Installation>, Option<UnknownReason>), GithubError> {
        let path = "/user/installations?per_page=100";
        let response = self.api.as_visitor(Operation::VisitorInstallations, path, token).await?;
        let hidden = hidden_by(&response);
        let listed: InstallationsWire = response.json()?;
        let ours = listed.installations.into_iter().filter(|one| one.app_id == self.app.get()).take(100);
        Ok((ours.map(Installation::try_from).collect::<Result<_, _>>()?, hidden))
    }

    async fn membership(
        &self,
        token: &SecretString,
        organization: &Account,
    ) -> Result<Membership, GithubError> {
        let login = utf8_percent_encode(&organization.login, LOGIN);
        let path = format!("/user/memberships/orgs/{login}");
        let error = match self.api.as_visitor(Operation::VisitorMembership, &path, token).await {
            Ok(response) => return Ok(response.json::<MembershipWire>()?.membership(organization.id)),
            Err(GithubError::NotFound { .. }) => return Ok(Membership::Outsider),
            Err(error) => error,
        };
        // Logged once, since a setting of the App causes it for every visitor.
        if matches!(error, GithubError::PermissionMissing { .. })
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %error,
                "GitHub does not say whether a visitor administers their organization, so proofs stay at \
                 Visible: give the App the organization permission \"Members: read\", and have it accepted"
            );
        }
        let failed = matches!(
            error,
            GithubError::Server { .. } | GithubError::TimedOut | GithubError::Unreachable { .. }
        );
        if failed {
            tracing::warn!(%error, "GitHub failed to say whether a visitor is a member of their organization");
            return Ok(Membership::Unknown(UnknownReason::Unavailable));
        }
        unknown(error).map(Membership::Unknown)
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

/// Returns why GitHub does not answer, if a setting of the account, the visitor or the App is the cause. Logs GitHub's words,
/// which are for operators only.
fn unknown(error: GithubError) -> Result<UnknownReason, GithubError> {
    let reason = if let GithubError::Denied { denial, .. } = &error {
        match denial {
            Denial::SsoRequired { url } => UnknownReason::SsoRequired { url: url.clone() },
            Denial::IpBlocked => UnknownReason::IpBlocked,
            Denial::AccountSuspended => UnknownReason::AccountSuspended,
            Denial::LegalBlock | Denial::Other => UnknownReason::Denied,
        }
    } else if matches!(error, GithubError::PermissionMissing { .. }) {
        UnknownReason::PermissionMissing
    } else if matches!(error, GithubError::Suspended) {
        UnknownReason::Denied
    } else {
        return Err(error);
    };
    tracing::info!(%error, "GitHub does not answer a question about a visitor");
    Ok(reason)
}

/// Returns why the response, a list, is not complete.
fn hidden_by(response: &Response) -> Option<UnknownReason> {
    response.hides_results_by_sso().then_some(UnknownReason::SsoRequired { url: None })
}
