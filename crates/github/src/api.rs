use std::sync::Arc;

use dockline::InstallationToken;
use dockline::ports::{Clock, RateLeft};
use reqwest::Method;
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::config::GithubAppConfig;
use crate::error::ConfigError;
use crate::fault::{GithubFault, Scope};
use crate::host::GithubHost;
use crate::jwt::{Jwt, Jwts};
use crate::observer::Operation;
use crate::pause::{Pause, Pauses};
use crate::rate::RateGauge;
use crate::transport::{Body, Call, Credential, LARGE, Transport, USUAL};
use crate::verdict::fault_of;

/// GitHub's API with what every call needs: the App's JWT, the pause that GitHub asked for, the table of faults.
pub(crate) struct Api {
    host: GithubHost,
    transport: Transport,
    jwts: Jwts,
    clock: Arc<dyn Clock>,
    pause: Pause,
    /// Of installations whose own hourly budget is used up.
    pauses: Pauses,
    rate: RateGauge,
}

/// What to ask as the App.
#[derive(Clone)]
pub(crate) struct Ask<'a> {
    operation: Operation,
    method: Method,
    path: &'a str,
    body: Option<String>,
    header: Option<(&'static str, &'static str)>,
    room: usize,
}

impl<'a> Ask<'a> {
    pub(crate) const fn get(operation: Operation, path: &'a str) -> Self {
        Self { operation, method: Method::GET, path, body: None, header: None, room: USUAL }
    }

    pub(crate) fn delete(operation: Operation, path: &'a str) -> Self {
        Self { method: Method::DELETE, ..Self::get(operation, path) }
    }

    /// With a body of JSON.
    pub(crate) fn post(operation: Operation, path: &'a str, body: String) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(operation, path) }
    }

    pub(crate) fn with_header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// The answer may hold repositories.
    pub(crate) fn with_large_answer(self) -> Self {
        Self { room: LARGE, ..self }
    }
}

impl Api {
    pub(crate) fn new(config: &GithubAppConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            host: config.host.clone(),
            transport: Transport::new(config)?,
            jwts: Jwts::new(
                config.signer()?,
                config.public_key.clone(),
                config.signing_timeout,
                config.issuer_text(),
                config.observer.clone(),
            ),
            clock: Arc::clone(&config.clock),
            pause: Pause::default(),
            pauses: Pauses::default(),
            rate: RateGauge::default(),
        })
    }

    /// The time by our clock.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// A time by GitHub's clock in ours, as far as the two are known to differ.
    pub(crate) fn in_our_time(&self, github: OffsetDateTime) -> OffsetDateTime {
        github.saturating_sub(time::Duration::seconds(self.jwts.ahead()))
    }

    /// Where the API is.
    pub(crate) fn base(&self) -> &str {
        self.host.api()
    }

    /// What GitHub's last answer to the App left it.
    pub(crate) fn rate_left(&self) -> Option<RateLeft> {
        self.rate.left()
    }

    /// Calls the API as the App. Where GitHub refuses the JWT while its clock and ours differ, signs once more with the
    /// difference, and remembers it once GitHub accepts that (lesson L-43).
    pub(crate) async fn as_app(&self, ask: Ask<'_>) -> Result<Answer, GithubFault> {
        let jwt = self.jwts.jwt(self.clock.now()).await?;
        let refused = self.with_jwt(ask.clone(), &jwt).await;
        let Err(GithubFault::CredentialRefused { date, .. }) = &refused else {
            return refused;
        };
        let now = self.clock.now();
        let Some(ahead) = Jwts::measured(&jwt, *date, now) else {
            return refused;
        };
        let jwt = self.jwts.corrected(now, ahead).await?;
        let answer = self.with_jwt(ask, &jwt).await;
        match &answer {
            Err(GithubFault::CredentialRefused { message, .. }) => Err(GithubFault::ClockSkew {
                seconds: ahead.unsigned_abs(),
                behind: ahead > 0,
                message: message.clone(),
            }),
            Ok(_)
            | Err(
                GithubFault::NotFound { .. }
                | GithubFault::NotGranted { .. }
                | GithubFault::Suspended
                | GithubFault::Unprocessable { .. },
            ) => {
                if self.jwts.adopt(jwt) {
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

    async fn with_jwt(&self, ask: Ask<'_>, jwt: &Jwt) -> Result<Answer, GithubFault> {
        self.admit()?;
        let call = Call {
            body: ask.body.map_or(Body::None, Body::Json),
            header: ask.header,
            room: ask.room,
            ..Call::new(ask.operation, ask.method, self.url(ask.path), Credential::Bearer(jwt.text()))
        };
        let answer = self.transport.send(call).await?;
        self.rate.note(&answer);
        self.judged(answer)
    }

    /// Reads from the API as an installation. Its used-up hourly budget is its own, as a visitor's is, but its token stays
    /// in use: until then it is held up alone.
    pub(crate) async fn as_installation(
        &self,
        path: &str,
        token: &InstallationToken,
    ) -> Result<Answer, GithubFault> {
        self.admit()?;
        if let Some(wait) = self.pauses.remaining(token.installation(), self.now()) {
            return Err(GithubFault::Paused { wait });
        }
        let credential = Credential::Installation(token);
        let call = Call {
            room: LARGE,
            ..Call::new(Operation::Repositories, Method::GET, self.url(path), credential)
        };
        self.judged_alone(self.transport.send(call).await?, token)
    }

    /// Ends an installation's token. No pause holds it up, for the reason given at [`Self::revoke_visitors`].
    pub(crate) async fn revoke_installations(
        &self,
        token: &InstallationToken,
    ) -> Result<Answer, GithubFault> {
        let url = self.url("/installation/token");
        let call = Call::new(Operation::RevokeToken, Method::DELETE, url, Credential::Installation(token));
        self.judged_alone(self.transport.send(call).await?, token)
    }

    fn judged_alone(&self, answer: Answer, token: &InstallationToken) -> Result<Answer, GithubFault> {
        match fault_of(&answer) {
            Some(fault @ GithubFault::Limited { scope: Scope::Credential, wait, .. }) => {
                self.pauses.begin(token.installation(), self.now(), wait);
                Err(fault)
            }
            Some(fault) => Err(self.noted(fault)),
            None => Ok(answer),
        }
    }

    /// Calls the API as a visitor.
    ///
    /// A visitor's used-up hourly budget is theirs, shared with all that they do elsewhere: if it made everybody wait,
    /// any visitor could stop the product for an hour. Their token is given back at once, so that it is not used before
    /// its time either.
    pub(crate) async fn as_visitor(
        &self,
        operation: Operation,
        path: &str,
        token: &SecretString,
    ) -> Result<Answer, GithubFault> {
        self.admit()?;
        let call = Call::new(operation, Method::GET, self.url(path), Credential::Bearer(token));
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
        self.admit()?;
        let call = Call::new(Operation::ExchangeCode, Method::POST, url, Credential::InBody);
        let call = Call { body: Body::Form(form), ..call };
        self.judged(self.transport.send(call).await?)
    }

    /// Revokes a visitor's token. The one call that a pause does not hold up: a live token that nobody needs is worse
    /// than a call too early.
    pub(crate) async fn revoke_visitors(
        &self,
        client: (&str, &SecretString),
        body: String,
    ) -> Result<Answer, GithubFault> {
        let url = self.url(&format!("/applications/{}/token", client.0));
        let credential = Credential::Basic(client.0, client.1);
        let call = Call::new(Operation::RevokeVisitorsToken, Method::DELETE, url, credential);
        let call = Call { body: Body::Json(body), ..call };
        self.judged(self.transport.send(call).await?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.host.api())
    }

    fn judged(&self, answer: Answer) -> Result<Answer, GithubFault> {
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
