//! Changes at GitHub after the installation is bound.

use dockline_github_sim::cli::ORGANIZATION;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Scenario, ScenarioError, details, text};

/// Another login for the sample organization.
const RENAMED: &str = "acme-roasters";

impl Scenario<'_> {
    /// Suspends, unsuspends and renames, and lists the repositories.
    pub(super) async fn changes_at_github(&mut self, installation: u64) -> Result<(), ScenarioError> {
        self.transcript
            .step("The owner suspends the installation at GitHub, which sends a webhook to the API")?;
        self.environment.sim().suspend(installation, Some("olga"))?;
        self.expect_binding("status", "suspended").await?;
        let response = self.backend.repositories(self.acme(), &[]).await?;
        self.expect(&response, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.expect_code(&response, "VALIDATION")?;

        self.transcript.step("The owner unsuspends it")?;
        self.environment.sim().unsuspend(installation)?;
        self.expect_binding("status", "active").await?;

        self.transcript.step("The owner renames the organization at GitHub, and back")?;
        self.environment.sim().rename(ORGANIZATION, RENAMED)?;
        self.expect_binding("orgLogin", RENAMED).await?;
        self.environment.sim().rename(RENAMED, ORGANIZATION)?;
        self.expect_binding("orgLogin", ORGANIZATION).await?;

        self.transcript.step("The backend lists the repositories, page by page")?;
        let first = self.backend.repositories(self.acme(), &[("limit", "2")]).await?;
        self.expect(&first, StatusCode::OK)?;
        let mut names = names(&first.json());
        self.transcript.check("two on the first page", 2, names.len())?;
        let cursor = text(&first.json(), "nextCursor");
        let second = self.backend.repositories(self.acme(), &[("limit", "2"), ("cursor", &cursor)]).await?;
        self.expect(&second, StatusCode::OK)?;
        let last = second.json().get("nextCursor").is_some_and(Value::is_null);
        self.transcript.check("the second page is the last", true, last)?;
        names.extend(self::names(&second.json()));
        names.sort();
        let all =
            ["loyalty-api", "roaster-firmware", "storefront"].map(|name| format!("{ORGANIZATION}/{name}"));
        self.transcript.check("each of the three once", all.join(" "), names.join(" "))
    }

    /// The App is still installed: the same person connects it again.
    pub(super) async fn connect_again(&mut self, installation: u64) -> Result<(), ScenarioError> {
        let (id, state) = self.connect().await?;
        self.transcript.check("it is the same installation", installation, id)?;
        self.register(id, state).await?;
        Ok(())
    }

    pub(super) async fn uninstall(&mut self, installation: u64) -> Result<(), ScenarioError> {
        self.transcript.step("The owner uninstalls the App at GitHub")?;
        self.environment.sim().uninstall(installation)?;
        self.expect_binding("status", "uninstalled").await?;

        self.transcript.step("The backend lists the repositories, and learns the binding's status")?;
        let response = self.backend.repositories(self.acme(), &[]).await?;
        self.expect(&response, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.expect_code(&response, "VALIDATION")?;
        let expected = json!({ "boundInstallationId": installation, "boundStatus": "uninstalled" });
        self.transcript.check("details name the caller's own binding", expected, details(&response))?;

        self.transcript.step("The backend detaches the uninstalled installation")?;
        let response = self.backend.detach(self.acme()).await?;
        self.expect(&response, StatusCode::NO_CONTENT)
    }

    /// Waits until the webhooks are processed, then checks a field of the binding.
    async fn expect_binding(&mut self, field: &'static str, expected: &str) -> Result<(), ScenarioError> {
        self.environment.settled().await;
        let response = self.backend.binding(self.acme()).await?;
        self.expect(&response, StatusCode::OK)?;
        self.transcript.check(field, expected.to_owned(), text(&response.json(), field))
    }
}

fn names(page: &Value) -> Vec<String> {
    let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
    items.map(|item| text(item, "fullName")).collect()
}
