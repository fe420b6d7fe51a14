//! The steps, in their order.

use dockline::ClaimPolicy;
use http::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::WalkFailed;
use super::backend::{Backend, registration};
use super::browser::Browser;
use super::exchange::Exchange;
use super::transcript::Transcript;
use crate::github_sim::ORGANIZATION;
use crate::world::Demo;

/// A number that no installation of the simulator has.
const NOBODYS: u64 = 9_007_199_254_740_991;

pub(super) struct Walk<'a> {
    pub(super) demo: &'a Demo,
    pub(super) transcript: Transcript<'a>,
    pub(super) backend: Backend,
    pub(super) browser: Browser,
}

/// What the flow came to, as the backend knows it.
pub(super) struct Bound {
    installation: u64,
    state: String,
    registered_at: String,
    /// A state of the rival's own.
    rival_state: String,
    /// The whole answer of the first registration.
    body: String,
}

impl Walk<'_> {
    pub(super) async fn all(mut self) -> Result<(), WalkFailed> {
        let (installation, state) = self.visit().await?;
        let mut bound = self.register(installation, state).await?;
        self.repeat(&bound).await?;
        self.inspect(&bound).await?;
        self.conflict(&bound).await?;
        self.attack(&mut bound).await?;
        self.mistakes(&bound).await?;
        self.life(bound.installation).await?;
        self.detach(&bound).await?;
        self.adopt(bound.installation).await?;
        self.end(bound.installation).await?;
        self.transcript.finish()
    }

    /// Shows it and checks its status.
    pub(super) fn shown(&mut self, exchange: &Exchange, expected: StatusCode) -> Result<(), WalkFailed> {
        self.transcript.show(exchange)?;
        self.transcript.check("status", expected, exchange.status)
    }

    pub(super) async fn register(&mut self, installation: u64, state: String) -> Result<Bound, WalkFailed> {
        self.transcript.step("The backend binds the installation")?;
        let answer = self.backend.register(Some(self.acme()), installation, &state).await?;
        self.shown(&answer, StatusCode::CREATED)?;
        let registered_at = text(&json_of(&answer), "registeredAt");
        let expected = format!("{}}}", five_fields(installation, &registered_at));
        self.transcript.check("exactly the five fields, in order", expected, answer.body.clone())?;
        let right = is_time(&registered_at);
        self.transcript.check("registeredAt has six digits and +00:00", true, right)?;
        Ok(Bound { installation, state, registered_at, rival_state: String::new(), body: answer.body })
    }

    async fn repeat(&mut self, bound: &Bound) -> Result<(), WalkFailed> {
        self.transcript.step("The backend repeats its call, as if the answer had been lost")?;
        let answer = self.backend.register(Some(self.acme()), bound.installation, &bound.state).await?;
        self.shown(&answer, StatusCode::CREATED)?;
        let replayed = answer.header("idempotent-replayed").unwrap_or_default();
        self.transcript.check("Idempotent-Replayed", "true", replayed)?;
        self.transcript.check("the same bytes", &bound.body, &answer.body)
    }

    async fn inspect(&mut self, bound: &Bound) -> Result<(), WalkFailed> {
        self.transcript.step("The backend looks at the binding")?;
        let answer = self.backend.call("GET", "", Some(self.acme()), None).await?;
        self.shown(&answer, StatusCode::OK)?;
        let verified_at = text(&json_of(&answer), "lastVerifiedAt");
        let five = five_fields(bound.installation, &bound.registered_at);
        let expected = format!("{five},\"lastVerifiedAt\":\"{verified_at}\"}}");
        self.transcript.check("the five fields and lastVerifiedAt", expected, answer.body)?;
        self.transcript.check("lastVerifiedAt has six digits and +00:00", true, is_time(&verified_at))
    }

    async fn conflict(&mut self, bound: &Bound) -> Result<(), WalkFailed> {
        self.transcript.step("The backend tries to bind a second installation")?;
        let answer = self.backend.register(Some(self.acme()), bound.installation + 1, &bound.state).await?;
        self.shown(&answer, StatusCode::CONFLICT)?;
        self.refused(&answer, "CONFLICT")?;
        let expected = json!({ "boundInstallationId": bound.installation, "boundStatus": "active" });
        self.transcript.check("details name the caller's own binding", expected, details(&answer))
    }

    /// Another organization claims the installation by its number, with a state that is really its own.
    async fn attack(&mut self, bound: &mut Bound) -> Result<(), WalkFailed> {
        self.transcript.step("A rival claims the installation by its number, and learns nothing")?;
        let rival = &self.demo.rival().key;
        let link = self.backend.link(rival, &self.demo.addresses().return_url).await?;
        self.shown(&link, StatusCode::OK)?;
        let state = text(&json_of(&link), "state");
        bound.rival_state.clone_from(&state);
        let claimed = self.backend.register(Some(rival), bound.installation, &state).await?;
        self.shown(&claimed, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.refused(&claimed, "VALIDATION")?;
        let nobodys = self.backend.register(Some(rival), NOBODYS, &state).await?;
        self.shown(&nobodys, StatusCode::UNPROCESSABLE_ENTITY)?;
        let (claimed, nobodys) = (but_for_id(&claimed), but_for_id(&nobodys));
        self.transcript.check(
            "the same bytes as for a number that nobody has, but for requestId",
            nobodys,
            claimed,
        )
    }

    async fn mistakes(&mut self, bound: &Bound) -> Result<(), WalkFailed> {
        self.transcript.step("A call without a key")?;
        let answer = self.backend.register(None, bound.installation, &bound.state).await?;
        self.shown(&answer, StatusCode::UNAUTHORIZED)?;
        self.refused(&answer, "UNAUTHENTICATED")?;

        self.transcript.step("A body with a key too many")?;
        let body = registration(bound.installation, &bound.state);
        let body = body.replace('}', ",\"orgLogin\":\"acme-coffee\"}");
        let answer = self.backend.call("POST", "", Some(self.acme()), Some(body)).await?;
        self.shown(&answer, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.refused(&answer, "VALIDATION")?;
        let issue = details(&answer).pointer("/issues/0").cloned().unwrap_or_default();
        self.transcript.check("details name the key", "orgLogin".to_owned(), text(&issue, "path"))?;
        self.transcript.check("and say why", "unknown_key".to_owned(), text(&issue, "code"))
    }

    pub(super) async fn detach(&mut self, bound: &Bound) -> Result<(), WalkFailed> {
        self.transcript.step("The backend detaches")?;
        let answer = self.backend.call("DELETE", "", Some(self.acme()), None).await?;
        self.shown(&answer, StatusCode::NO_CONTENT)?;

        self.transcript.step("The backend looks again")?;
        let answer = self.backend.call("GET", "", Some(self.acme()), None).await?;
        self.shown(&answer, StatusCode::NOT_FOUND)?;
        self.refused(&answer, "NOT_FOUND")?;
        if self.demo.policy() == ClaimPolicy::State {
            // That whoever comes first gets it is what this policy means.
            return Ok(());
        }
        let rival = &self.demo.rival().key;
        let claimed = self.backend.register(Some(rival), bound.installation, &bound.rival_state).await?;
        self.transcript.show(&claimed)?;
        self.transcript.check(
            "the rival is refused also now that nobody has the installation",
            StatusCode::UNPROCESSABLE_ENTITY,
            claimed.status,
        )
    }

    /// The code, and the request's id in the body and in the header.
    pub(super) fn refused(&mut self, answer: &Exchange, code: &str) -> Result<(), WalkFailed> {
        let error = json_of(answer).get("error").cloned().unwrap_or_default();
        self.transcript.check("code", code.to_owned(), text(&error, "code"))?;
        let header = answer.header("x-request-id").unwrap_or("none").to_owned();
        self.transcript.check("requestId is the header's", header, text(&error, "requestId"))
    }

    pub(super) const fn acme(&self) -> &SecretString {
        &self.demo.acme().key
    }
}

fn five_fields(installation: u64, registered_at: &str) -> String {
    format!(
        "{{\"installationId\":{installation},\
         \"githubAccount\":{{\"login\":\"{ORGANIZATION}\",\"type\":\"Organization\"}},\
         \"orgLogin\":\"{ORGANIZATION}\",\"status\":\"active\",\"registeredAt\":\"{registered_at}\""
    )
}

/// `2026-04-18T19:14:09.123456+00:00`
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000000+00:00";
    let fits = |(expected, came): (char, char)| {
        if expected == '0' { came.is_ascii_digit() } else { expected == came }
    };
    text.len() == form.len() && text.ends_with("+00:00") && form.chars().zip(text.chars()).all(fits)
}

pub(super) fn details(answer: &Exchange) -> Value {
    json_of(answer).pointer("/error/details").cloned().unwrap_or_default()
}

fn but_for_id(answer: &Exchange) -> String {
    let id = answer.header("x-request-id").unwrap_or("none");
    answer.body.replace(id, "req_…")
}

pub(super) fn json_of(exchange: &Exchange) -> Value {
    serde_json::from_str(&exchange.body).unwrap_or_default()
}

pub(super) fn text(body: &Value, name: &str) -> String {
    body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::is_time;

    #[test]
    fn times_have_six_digits_and_an_offset() {
        assert!(is_time("2026-04-18T19:14:09.123456+00:00"));
        for wrong in [
            "2026-04-18T19:14:09.123456Z",
            "2026-04-18T19:14:09.123+00:00",
            "2026-04-18 19:14:09.123456+00:00",
            "",
        ] {
            assert!(!is_time(wrong), "{wrong}");
        }
    }
}
