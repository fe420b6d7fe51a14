//! Minting and revoking installation tokens.

use dockline::ports::MintOutcome;
use dockline::{InstallationId, InstallationToken, NewToken, TokenScope};

use super::app::AppClient;
use crate::error::{GithubError, denied};
use crate::http::{Api, Request};
use crate::observer::Operation;
use crate::wire::{TokenRequestWire, TokenWire};

/// Selects the token format of one request.
const FORMAT_HEADER: &str = "x-github-stateless-s2s-token";

/// Mints installation tokens.
pub(crate) struct TokenMinter {
    pub(crate) app: AppClient,
    /// The origin at which the tokens work for git.
    pub(crate) web_origin: String,
    /// The format to request; GitHub chooses if `None`.
    pub(crate) stateless: Option<bool>,
}

impl TokenMinter {
    pub(crate) async fn mint(
        &self,
        id: InstallationId,
        scope: &TokenScope,
    ) -> Result<MintOutcome, GithubError> {
        let path = format!("/app/installations/{id}/access_tokens");
        let body = serde_json::json!(TokenRequestWire::from(scope)).to_string();
        let request = Request::post_json(Operation::Mint, path, body).with_large_response();
        let request = match self.stateless {
            Some(true) => request.with_header(FORMAT_HEADER, "enabled"),
            Some(false) => request.with_header(FORMAT_HEADER, "disabled"),
            None => request,
        };
        let response = match self.app.send_or_missing(request).await {
            Ok(Some(response)) => response,
            Ok(None) => return Ok(MintOutcome::Missing),
            Err(GithubError::Suspended) => return Ok(MintOutcome::Suspended),
            Err(GithubError::Unprocessable { message }) => return Ok(MintOutcome::NotGranted { message }),
            Err(error) => return denied(id, error).map(MintOutcome::Denied),
        };
        if response.status != 201 {
            return Err(GithubError::invalid_response(format!("{} to a token request", response.status)));
        }
        let (secret, expires_at) = response.json::<TokenWire>()?.checked()?;
        Ok(MintOutcome::Minted(InstallationToken::new(NewToken {
            installation: id,
            secret,
            issued_at: self.app.api.now(),
            // If our clock is behind GitHub's, an expired token would look valid.
            expires_at: self.app.api.to_our_clock(expires_at),
            web_origin: self.web_origin.clone(),
        })))
    }
}

/// Revokes a token. A token that GitHub no longer accepts counts as revoked.
pub(crate) async fn revoke(api: &Api, token: &InstallationToken) -> Result<(), GithubError> {
    match api.revoke_installation_token(token).await {
        Ok(response) if response.status == 204 => Ok(()),
        Ok(response) => Err(GithubError::invalid_response(format!("{} to a revocation", response.status))),
        Err(GithubError::CredentialRejected { .. } | GithubError::NotFound { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}
