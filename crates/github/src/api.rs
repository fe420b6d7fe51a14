use std::sync::Arc;

use dockline::ports::Clock;
use reqwest::Method;
use secrecy::SecretString;

use crate::answer::Answer;
use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::fault::{GithubFault, Scope};
use crate::host::GithubHost;
use crate::jwt::{Jwt, Signer};
use crate::key;
use crate::pause::Pause;
use crate::transport::{Body, Call, Credential, Transport};
use crate::verdict::fault_of;

/// GitHub's API with what every call needs: the App's JWT, the pause that GitHub asked for, the table of faults.
pub(crate) struct Api {
    host: GithubHost,
    transport: Transport,
    signer: Signer,
    clock: Arc<dyn Clock>,
    pause: Pause,
}

impl Api {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            host: config.host.clone(),
            transport: Transport::new(config)?,
            signer: Signer::new(key::parse(&config.private_key_pem)?, config.issuer_text()),
            clock: Arc::clone(&config.clock),
            pause: Pause::default(),
        })
    }

    /// Calls the API as the App. Where GitHub refuses the JWT while its clock and ours differ, signs once more with the
    /// difference, and remembers it once GitHub accepts that (lesson L-43).
    pub(crate) async fn as_app(&self, method: Method, path: &str) -> Result<Answer, GithubFault> {
        let jwt = self.signer.jwt(self.clock.now())?;
        let refused = self.with_jwt(method.clone(), path, &jwt).await;
        let Err(GithubFault::CredentialRefused { date, .. }) = &refused else {
            return refused;
        };
        let now = self.clock.now();
        let Some(ahead) = Signer::measured(&jwt, *date, now) else {
            return refused;
        };
        let jwt = self.signer.corrected(now, ahead)?;
        let answer = self.with_jwt(method, path, &jwt).await;
        match &answer {
            Err(GithubFault::CredentialRefused { message, .. }) => Err(GithubFault::ClockSkew {
                seconds: ahead.unsigned_abs(),
                behind: ahead > 0,
                message: message.clone(),
            }),
            Ok(_)
            | Err(GithubFault::NotFound { .. } | GithubFault::NotGranted { .. } | GithubFault::Suspended) => {
                if self.signer.adopt(jwt) {
                    let (seconds, direction) =
                        (ahead.unsigned_abs(), if ahead > 0 { "behind" } else { "ahead of" });
                    tracing::warn!(
                        seconds,
                        "our clock is {direction} GitHub's, by which JWTs are dated now: set it"
                    );
                }
                answer
            }
            // Says nothing about the JWT.
            Err(_) => answer,
        }
    }

    async fn with_jwt(&self, method: Method, path: &str, jwt: &Jwt) -> Result<Answer, GithubFault> {
        let url = format!("{}{path}", self.host.api());
        self.judged(Call { method, url, credential: Credential::Bearer(jwt.text()), body: Body::None }).await
    }

    /// Calls the API as a visitor.
    ///
    /// A visitor's used-up hourly budget is theirs, shared with all that they do elsewhere: if it made everybody wait,
    /// any visitor could stop the product for an hour. Their token is given back at once, so that it is not used before
    /// its time either.
    pub(crate) async fn as_visitor(&self, path: &str, token: &SecretString) -> Result<Answer, GithubFault> {
        self.admit()?;
        let url = format!("{}{path}", self.host.api());
        let call = Call { method: Method::GET, url, credential: Credential::Bearer(token), body: Body::None };
        let answer = self.transport.send(call).await?;
        match fault_of(&answer) {
            None => Ok(answer),
            Some(GithubFault::CredentialRefused { .. }) => Err(GithubFault::VisitorTokenRefused),
            Some(fault @ GithubFault::Limited { scope: Scope::Credential, .. }) => Err(fault),
            Some(fault) => Err(self.noted(fault)),
        }
    }

    /// Exchanges a visitor's code for a token, on the pages' host.
    pub(crate) async fn exchange(&self, form: String) -> Result<Answer, GithubFault> {
        let url = format!("{}/login/oauth/access_token", self.host.web());
        let body = Body::Form(form);
        self.judged(Call { method: Method::POST, url, credential: Credential::InBody, body }).await
    }

    /// Revokes a visitor's token. The one call that a pause does not hold up: a live token that nobody needs is worse
    /// than a call too early.
    pub(crate) async fn revoke(
        &self,
        client: (&str, &SecretString),
        body: String,
    ) -> Result<Answer, GithubFault> {
        let url = format!("{}/applications/{}/token", self.host.api(), client.0);
        let credential = Credential::Basic(client.0, client.1);
        let call = Call { method: Method::DELETE, url, credential, body: Body::Json(body) };
        let answer = self.transport.send(call).await?;
        fault_of(&answer).map_or(Ok(answer), |fault| Err(self.noted(fault)))
    }

    async fn judged(&self, call: Call<'_>) -> Result<Answer, GithubFault> {
        self.admit()?;
        let answer = self.transport.send(call).await?;
        fault_of(&answer).map_or(Ok(answer), |fault| Err(self.noted(fault)))
    }

    fn admit(&self) -> Result<(), GithubFault> {
        self.pause.remaining(self.clock.now()).map_or(Ok(()), |wait| Err(GithubFault::Paused { wait }))
    }

    fn noted(&self, fault: GithubFault) -> GithubFault {
        if let GithubFault::Limited { wait, .. } = fault {
            self.pause.begin(self.clock.now(), wait);
        }
        fault
    }
}
