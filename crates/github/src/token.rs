//! Installation tokens: to be had, and to be ended.

use dockline::ports::MintOutcome;
use dockline::{InstallationId, InstallationToken, NewToken, TokenScope};

use crate::api::{Api, Ask};
use crate::fault::GithubFault;
use crate::observer::Operation;
use crate::our_app::OurApp;
use crate::wire::{Narrowing, TokenWire};

/// Asks GitHub to choose a token's format for this call (GitHub fact 31).
const FORMAT: &str = "x-github-stateless-s2s-token";

/// Gives tokens out.
pub(crate) struct Mint {
    pub(crate) app: OurApp,
    /// Where the tokens are good for git.
    pub(crate) web_origin: String,
    /// Which format to ask for; `None` leaves it to GitHub.
    pub(crate) stateless: Option<bool>,
}

impl Mint {
    pub(crate) async fn mint(
        &self,
        id: InstallationId,
        scope: &TokenScope,
    ) -> Result<MintOutcome, GithubFault> {
        let path = format!("/app/installations/{id}/access_tokens");
        let body = serde_json::json!(Narrowing::from(scope)).to_string();
        let ask = Ask::post(Operation::Mint, &path, body).with_large_answer();
        let ask = match self.stateless {
            Some(stateless) => ask.with_header(FORMAT, if stateless { "enabled" } else { "disabled" }),
            None => ask,
        };
        let answer = match self.app.api.as_app(ask).await {
            Ok(answer) => answer,
            Err(GithubFault::NotFound { .. }) => {
                self.app.confirm_credential().await?;
                return Ok(MintOutcome::Missing);
            }
            Err(GithubFault::Suspended) => return Ok(MintOutcome::Suspended),
            Err(GithubFault::Unprocessable { message }) => return Ok(MintOutcome::NotGranted { message }),
            Err(other) => return Err(other),
        };
        if answer.status != 201 {
            return Err(GithubFault::not_githubs(format!("{} to a mint", answer.status)));
        }
        let (secret, expires_at) = answer.json::<TokenWire>()?.checked()?;
        Ok(MintOutcome::Minted(InstallationToken::new(NewToken {
            installation: id,
            secret,
            issued_at: self.app.api.now(),
            // L-40: dated by a clock an hour ahead, a dead token would pass for a live one.
            expires_at: self.app.api.in_our_time(expires_at),
            web_origin: self.web_origin.clone(),
        })))
    }
}

/// Ends a token. One that GitHub does not take any more has ended (GitHub fact 26).
pub(crate) async fn revoke(api: &Api, token: &InstallationToken) -> Result<(), GithubFault> {
    match api.revoke_installations(token).await {
        Ok(answer) if answer.status == 204 => Ok(()),
        Ok(answer) => Err(GithubFault::not_githubs(format!("{} to a revocation", answer.status))),
        Err(GithubFault::CredentialRefused { .. } | GithubFault::NotFound { .. }) => Ok(()),
        Err(other) => Err(other),
    }
}
