//! Registering an installation: success, replay, conflict, another tenant's attempt, invalid requests, and detaching.

use dockline::ClaimPolicy;
use dockline_github_sim::cli::ORGANIZATION;
use http::StatusCode;
use secrecy::SecretString;
use serde_json::json;

use super::{Scenario, ScenarioError, details, text};

/// An id that no installation of the simulator has.
const UNKNOWN_INSTALLATION: u64 = 9_007_199_254_740_991;

/// The first registration, for later steps to compare with.
pub(super) struct Registered {
    installation: u64,
    state: String,
    registered_at: String,
    body: String,
}

impl Scenario<'_> {
    pub(super) async fn register(
        &mut self,
        installation: u64,
        state: String,
    ) -> Result<Registered, ScenarioError> {
        self.transcript.step("The backend binds the installation")?;
        let response = self.backend.register(Some(self.acme()), installation, &state).await?;
        self.expect(&response, StatusCode::CREATED)?;
        let registered_at = text(&response.json(), "registeredAt");
        let expected = format!("{}}}", five_fields(installation, &registered_at));
        self.transcript.check("exactly the five fields, in order", expected, response.body.clone())?;
        let valid = is_time(&registered_at);
        self.transcript.check("registeredAt has six digits and +00:00", true, valid)?;
        Ok(Registered { installation, state, registered_at, body: response.body })
    }

    pub(super) async fn repeat(&mut self, registered: &Registered) -> Result<(), ScenarioError> {
        self.transcript.step("The backend repeats the request, as if the response had been lost")?;
        let response =
            self.backend.register(Some(self.acme()), registered.installation, &registered.state).await?;
        self.expect(&response, StatusCode::CREATED)?;
        let replayed = response.header("idempotent-replayed").unwrap_or_default();
        self.transcript.check("Idempotent-Replayed", "true", replayed)?;
        self.transcript.check("the same bytes", &registered.body, &response.body)
    }

    pub(super) async fn show_binding(&mut self, registered: &Registered) -> Result<(), ScenarioError> {
        self.transcript.step("The backend reads the binding")?;
        let response = self.backend.binding(self.acme()).await?;
        self.expect(&response, StatusCode::OK)?;
        let verified_at = text(&response.json(), "lastVerifiedAt");
        let five = five_fields(registered.installation, &registered.registered_at);
        let expected = format!("{five},\"lastVerifiedAt\":\"{verified_at}\"}}");
        self.transcript.check("the five fields and lastVerifiedAt", expected, response.body)?;
        self.transcript.check("lastVerifiedAt has six digits and +00:00", true, is_time(&verified_at))
    }

    pub(super) async fn conflict(&mut self, registered: &Registered) -> Result<(), ScenarioError> {
        self.transcript.step("The backend tries to bind a second installation")?;
        let other = registered.installation + 1;
        let response = self.backend.register(Some(self.acme()), other, &registered.state).await?;
        self.expect(&response, StatusCode::CONFLICT)?;
        self.expect_code(&response, "CONFLICT")?;
        let expected = json!({ "boundInstallationId": registered.installation, "boundStatus": "active" });
        self.transcript.check("details name the caller's own binding", expected, details(&response))
    }

    /// Another organization claims the installation by its id, with a state of its own. Returns this state.
    pub(super) async fn attack(&mut self, registered: &Registered) -> Result<String, ScenarioError> {
        self.transcript.step("A rival claims the installation by its id, and learns nothing")?;
        let rival = &self.environment.rival().key;
        let link = self.backend.install_link(rival, &self.environment.addresses().return_url).await?;
        self.expect(&link, StatusCode::OK)?;
        let state = text(&link.json(), "state");
        let claimed = self.rejected_claim(rival, registered.installation, &state).await?;
        let unknown = self.rejected_claim(rival, UNKNOWN_INSTALLATION, &state).await?;
        self.transcript.check("the same bytes as for an unknown id, except requestId", unknown, claimed)?;
        Ok(state)
    }

    /// Returns the body without the request id.
    async fn rejected_claim(
        &mut self,
        key: &SecretString,
        installation: u64,
        state: &str,
    ) -> Result<String, ScenarioError> {
        let response = self.backend.register(Some(key), installation, state).await?;
        self.expect(&response, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.expect_code(&response, "VALIDATION")?;
        Ok(response.body.replace(response.header("x-request-id").unwrap_or("none"), "req_…"))
    }

    pub(super) async fn invalid_requests(&mut self, registered: &Registered) -> Result<(), ScenarioError> {
        self.transcript.step("A request without a key")?;
        let response = self.backend.register(None, registered.installation, &registered.state).await?;
        self.expect(&response, StatusCode::UNAUTHORIZED)?;
        self.expect_code(&response, "UNAUTHENTICATED")?;

        self.transcript.step("A body with an unknown key")?;
        let body = json!({
            "installationId": registered.installation, "state": registered.state, "orgLogin": ORGANIZATION,
        });
        let response = self.backend.post(Some(self.acme()), &body).await?;
        self.expect(&response, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.expect_code(&response, "VALIDATION")?;
        let issue = details(&response).pointer("/issues/0").cloned().unwrap_or_default();
        self.transcript.check("details name the key", "orgLogin".to_owned(), text(&issue, "path"))?;
        self.transcript.check("and the reason", "unknown_key".to_owned(), text(&issue, "code"))
    }

    pub(super) async fn detach(&mut self, installation: u64, rival_state: &str) -> Result<(), ScenarioError> {
        self.transcript.step("The backend detaches")?;
        let response = self.backend.detach(self.acme()).await?;
        self.expect(&response, StatusCode::NO_CONTENT)?;

        self.transcript.step("The backend reads the binding again")?;
        let response = self.backend.binding(self.acme()).await?;
        self.expect(&response, StatusCode::NOT_FOUND)?;
        self.expect_code(&response, "NOT_FOUND")?;
        if self.environment.policy() == ClaimPolicy::State {
            // This policy would let the rival bind it.
            return Ok(());
        }
        let rival = &self.environment.rival().key;
        let response = self.backend.register(Some(rival), installation, rival_state).await?;
        self.transcript.show(&response)?;
        self.transcript.check(
            "the rival is rejected also while the installation is unbound",
            StatusCode::UNPROCESSABLE_ENTITY,
            response.status,
        )
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
    let fits = |(expected, actual): (char, char)| {
        if expected == '0' { actual.is_ascii_digit() } else { expected == actual }
    };
    text.len() == form.len() && text.ends_with("+00:00") && form.chars().zip(text.chars()).all(fits)
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
