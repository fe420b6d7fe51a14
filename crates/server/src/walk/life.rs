//! What happens at GitHub after the binding was made, and how the API follows it.

use http::StatusCode;
use serde_json::{Value, json};

use super::WalkFailed;
use super::steps::{Walk, details, json_of, text};
use crate::github_sim::ORGANIZATION;

/// Another name for the demo's organization.
const RENAMED: &str = "acme-roasters";

impl Walk<'_> {
    /// Suspended, unsuspended, renamed, and what it reaches.
    pub(super) async fn life(&mut self, installation: u64) -> Result<(), WalkFailed> {
        self.transcript.step("The owner suspends the installation at GitHub, whose webhook tells the API")?;
        self.demo.sim().suspend(installation, Some("olga"))?;
        self.stands("status", "suspended").await?;
        let answer = self.backend.repositories(self.acme(), "").await?;
        self.shown(&answer, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.refused(&answer, "VALIDATION")?;

        self.transcript.step("The owner unsuspends it")?;
        self.demo.sim().unsuspend(installation)?;
        self.stands("status", "active").await?;

        self.transcript.step("The owner renames the organization at GitHub, and back")?;
        self.demo.sim().rename(ORGANIZATION, RENAMED)?;
        self.stands("orgLogin", RENAMED).await?;
        self.demo.sim().rename(RENAMED, ORGANIZATION)?;
        self.stands("orgLogin", ORGANIZATION).await?;

        self.transcript.step("The backend lists the repositories, page by page")?;
        let first = self.backend.repositories(self.acme(), "?limit=2").await?;
        self.shown(&first, StatusCode::OK)?;
        let mut names = names(&json_of(&first));
        self.transcript.check("two on the page", 2, names.len())?;
        let cursor = text(&json_of(&first), "nextCursor");
        let second = self.backend.repositories(self.acme(), &format!("?limit=2&cursor={cursor}")).await?;
        self.shown(&second, StatusCode::OK)?;
        let end = json_of(&second).get("nextCursor").is_some_and(Value::is_null);
        self.transcript.check("the second is the last", true, end)?;
        names.extend(self::names(&json_of(&second)));
        names.sort();
        let all =
            ["loyalty-api", "roaster-firmware", "storefront"].map(|name| format!("{ORGANIZATION}/{name}"));
        self.transcript.check("all three, each once", all.join(" "), names.join(" "))
    }

    /// The App is still installed at GitHub: it is connected anew, by the same person.
    pub(super) async fn adopt(&mut self, installation: u64) -> Result<(), WalkFailed> {
        let (number, state) = self.visit().await?;
        self.transcript.check("it is the same installation", installation, number)?;
        self.register(number, state).await?;
        Ok(())
    }

    /// Uninstalled at GitHub.
    pub(super) async fn end(&mut self, installation: u64) -> Result<(), WalkFailed> {
        self.transcript.step("The owner uninstalls the App at GitHub")?;
        self.demo.sim().uninstall(installation)?;
        self.stands("status", "uninstalled").await?;

        self.transcript.step("The backend lists the repositories, and is told what to do")?;
        let answer = self.backend.repositories(self.acme(), "").await?;
        self.shown(&answer, StatusCode::UNPROCESSABLE_ENTITY)?;
        self.refused(&answer, "VALIDATION")?;
        let expected = json!({ "boundInstallationId": installation, "boundStatus": "uninstalled" });
        self.transcript.check("details name the caller's own binding", expected, details(&answer))?;

        self.transcript.step("The backend detaches what is left")?;
        let answer = self.backend.call("DELETE", "", Some(self.acme()), None).await?;
        self.shown(&answer, StatusCode::NO_CONTENT)
    }

    /// Waits until GitHub was heard of and asked, and looks.
    async fn stands(&mut self, field: &'static str, expected: &str) -> Result<(), WalkFailed> {
        self.demo.settled().await;
        let answer = self.backend.call("GET", "", Some(self.acme()), None).await?;
        self.shown(&answer, StatusCode::OK)?;
        self.transcript.check(field, expected.to_owned(), text(&json_of(&answer), field))
    }
}

fn names(page: &Value) -> Vec<String> {
    let items = page.get("items").and_then(Value::as_array).into_iter().flatten();
    items.map(|item| text(item, "fullName")).collect()
}
