//! The part of the flow in the browser: from the install link to the product's return URL.

use dockline::ClaimPolicy;
use dockline_github_sim::cli::ORGANIZATION;
use http::StatusCode;

use super::response::Response;
use super::{Scenario, ScenarioError, text};

impl Scenario<'_> {
    /// Connects the account. Returns the installation id and the state.
    pub(super) async fn connect(&mut self) -> Result<(u64, String), ScenarioError> {
        let (install_url, state) = self.install_link().await?;
        let page = self.choose_account(&install_url).await?;
        let mut redirect = self.install(&page, &state).await?;
        let id = redirect.redirect_parameter("installation_id").unwrap_or_default();
        let action = redirect.redirect_parameter("setup_action").unwrap_or_default();
        let checks_visitor = self.environment.policy() != ClaimPolicy::State;
        // GitHub sends no OAuth code if the App was installed before.
        if action == "update" && checks_visitor {
            redirect = self.authorize(&redirect).await?;
        }
        let redirect = if checks_visitor {
            self.confirm(&redirect).await?
        } else {
            self.transcript.step("The callback redirects to the product: this policy checks no visitor")?;
            let redirect = self.browser.follow(&redirect).await?;
            self.expect(&redirect, StatusCode::FOUND)?;
            redirect
        };
        let return_url = &self.environment.addresses().return_url;
        let expected = format!("{return_url}?installation_id={id}&state={state}&setup_action={action}");
        let actual = redirect.header("location").unwrap_or_default().to_owned();
        self.transcript.check("the browser returns to the product's return URL", expected, actual)?;
        let id = id.parse();
        self.transcript.check("with the installation id", true, id.is_ok())?;
        Ok((id.unwrap_or_default(), state))
    }

    async fn install_link(&mut self) -> Result<(String, String), ScenarioError> {
        self.transcript.step("The backend asks for an install link")?;
        let link = self.backend.install_link(self.acme(), &self.environment.addresses().return_url).await?;
        self.expect(&link, StatusCode::OK)?;
        let body = link.json();
        let (url, state) = (text(&body, "installUrl"), text(&body, "state"));
        self.transcript.check("authUrl is the same as installUrl", &url, &text(&body, "authUrl"))?;
        self.transcript.check("the state has 32 characters", 32, state.len())?;
        Ok((url, state))
    }

    async fn choose_account(&mut self, install_url: &str) -> Result<Response, ScenarioError> {
        self.transcript.step("The browser opens the link, and the person chooses the account")?;
        let page = self.browser.open(install_url).await?;
        self.expect(&page, StatusCode::OK)?;
        let account = page.option(ORGANIZATION);
        self.transcript.check("acme-coffee is offered", true, account.is_some())?;
        let url = format!("{install_url}&account={}", account.unwrap_or_default());
        let page = self.browser.open(&url).await?;
        self.expect(&page, StatusCode::OK)?;
        Ok(page)
    }

    async fn install(&mut self, page: &Response, state: &str) -> Result<Response, ScenarioError> {
        self.transcript.step("The person installs the App, and GitHub redirects to the callback")?;
        // If the App is installed already, GitHub offers Save instead of Install.
        let button = if page.has("save") { "save" } else { "install" };
        let redirect = self.browser.press(page, button).await?;
        self.expect(&redirect, StatusCode::FOUND)?;
        let callback = format!("{}/v1/github/installation/callback?", self.environment.addresses().api);
        self.expect_redirect("to our callback", &redirect, &callback)?;
        let actual = redirect.redirect_parameter("state").unwrap_or_default();
        self.transcript.check("with the same state", state, &actual)?;
        Ok(redirect)
    }

    /// Identifies the visitor by GitHub's OAuth flow.
    async fn authorize(&mut self, redirect: &Response) -> Result<Response, ScenarioError> {
        self.transcript.step("The callback starts GitHub's OAuth flow, since GitHub sent no code")?;
        let to_github = self.browser.follow(redirect).await?;
        self.expect(&to_github, StatusCode::FOUND)?;
        let page = format!("{}/login/oauth/authorize?", self.environment.addresses().github);
        self.expect_redirect("to GitHub's authorization page", &to_github, &page)?;
        let redirect = self.browser.follow(&to_github).await?;
        self.expect(&redirect, StatusCode::FOUND)?;
        let has_code = redirect.redirect_parameter("code").is_some();
        self.transcript.check("which sends a code", true, has_code)?;
        Ok(redirect)
    }

    async fn confirm(&mut self, redirect: &Response) -> Result<Response, ScenarioError> {
        self.transcript.step("The callback asks the person for confirmation")?;
        let page = self.browser.follow(redirect).await?;
        self.expect(&page, StatusCode::OK)?;
        let account = page.text("account").unwrap_or_default();
        self.transcript.check("the page names the account", ORGANIZATION, &account)?;
        let organization = page.text("organization").unwrap_or_default();
        self.transcript.check("and the organization", self.environment.acme().name, &organization)?;
        let framing = page.header("x-frame-options").unwrap_or("none");
        self.transcript.check("no other site can frame it", "DENY", framing)?;

        self.transcript.step("The person confirms")?;
        let redirect = self.browser.press(&page, "confirm").await?;
        self.expect(&redirect, StatusCode::SEE_OTHER)?;
        Ok(redirect)
    }

    fn expect_redirect(
        &mut self,
        check: &str,
        redirect: &Response,
        prefix: &str,
    ) -> Result<(), ScenarioError> {
        let fits = redirect.header("location").is_some_and(|location| location.starts_with(prefix));
        self.transcript.check(check, true, fits)
    }
}
