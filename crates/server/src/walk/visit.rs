//! The part of the flow that happens in a browser.

use dockline::ClaimPolicy;
use http::StatusCode;

use super::WalkFailed;
use super::exchange::Exchange;
use super::steps::{Walk, json_of, text};
use crate::github_sim::ORGANIZATION;

impl Walk<'_> {
    /// From the install link to the product's return URL; the installation's number and the state.
    pub(super) async fn visit(&mut self) -> Result<(u64, String), WalkFailed> {
        let (url, state) = self.link().await?;
        let page = self.choose(&url).await?;
        let mut installed = self.install(&page, &state).await?;
        let installation = installed.redirected_with("installation_id").unwrap_or_default();
        let action = installed.redirected_with("setup_action").unwrap_or_default();
        if action == "update" && self.demo.policy() != ClaimPolicy::State {
            installed = self.identify(&installed).await?;
        }
        let back = if self.demo.policy() == ClaimPolicy::State {
            self.transcript.step("The callback sends the browser on: this policy asks nobody")?;
            let back = self.browser.follow(&installed).await?;
            self.shown(&back, StatusCode::FOUND)?;
            back
        } else {
            self.confirm(&installed).await?
        };
        let return_url = &self.demo.addresses().return_url;
        let expected =
            format!("{return_url}?installation_id={installation}&state={state}&setup_action={action}");
        let came = back.location().unwrap_or_default().to_owned();
        self.transcript.check("the browser comes back to the product's return URL", expected, came)?;
        let number = installation.parse();
        self.transcript.check("with the installation's number", true, number.is_ok())?;
        Ok((number.unwrap_or_default(), state))
    }

    /// GitHub sent no code: the App was installed before. Whoever came is sent there once more, to say who they are.
    async fn identify(&mut self, installed: &Exchange) -> Result<Exchange, WalkFailed> {
        self.transcript.step("The callback has GitHub say who came, since it sent no code")?;
        let sent = self.browser.follow(installed).await?;
        self.shown(&sent, StatusCode::FOUND)?;
        let page = format!("{}/login/oauth/authorize?", self.demo.addresses().github);
        let to_github = sent.location().is_some_and(|to| to.starts_with(&page));
        self.transcript.check("to GitHub's web flow", true, to_github)?;
        let back = self.browser.follow(&sent).await?;
        self.shown(&back, StatusCode::FOUND)?;
        self.transcript.check("which sends a code", true, back.redirected_with("code").is_some())?;
        Ok(back)
    }

    async fn link(&mut self) -> Result<(String, String), WalkFailed> {
        self.transcript.step("The backend asks for an install link")?;
        let link = self.backend.link(self.acme(), &self.demo.addresses().return_url).await?;
        self.shown(&link, StatusCode::OK)?;
        let body = json_of(&link);
        let (url, state) = (text(&body, "installUrl"), text(&body, "state"));
        self.transcript.check("authUrl is the same as installUrl", &url, &text(&body, "authUrl"))?;
        self.transcript.check("the state has 32 characters", 32, state.len())?;
        Ok((url, state))
    }

    async fn choose(&mut self, url: &str) -> Result<Exchange, WalkFailed> {
        self.transcript.step("The browser opens the link, and the person chooses the account")?;
        let page = self.browser.open(url).await?;
        self.shown(&page, StatusCode::OK)?;
        let account = page.option(ORGANIZATION);
        self.transcript.check("acme-coffee is offered", true, account.is_some())?;
        let chosen = format!("{url}&account={}", account.unwrap_or_default());
        let page = self.browser.open(&chosen).await?;
        self.shown(&page, StatusCode::OK)?;
        Ok(page)
    }

    async fn install(&mut self, page: &Exchange, state: &str) -> Result<Exchange, WalkFailed> {
        self.transcript.step("The person installs the App, and GitHub sends the browser to the callback")?;
        // Under the policy "state" the account has the App already: it was the seed's example.
        let button = if page.has("save") { "save" } else { "install" };
        let installed = self.browser.press(page, button).await?;
        self.shown(&installed, StatusCode::FOUND)?;
        let callback = format!("{}/v1/github/installation/callback?", self.demo.addresses().api);
        let to_callback = installed.location().is_some_and(|to| to.starts_with(&callback));
        self.transcript.check("to our callback", true, to_callback)?;
        let came = installed.redirected_with("state").unwrap_or_default();
        self.transcript.check("with the same state", state, &came)?;
        Ok(installed)
    }

    async fn confirm(&mut self, installed: &Exchange) -> Result<Exchange, WalkFailed> {
        self.transcript.step("The callback asks the person")?;
        let page = self.browser.follow(installed).await?;
        self.shown(&page, StatusCode::OK)?;
        let account = page.text("account").unwrap_or_default();
        self.transcript.check("the page names the account", ORGANIZATION, &account)?;
        let organization = page.text("organization").unwrap_or_default();
        self.transcript.check("and the organization", self.demo.acme().name, &organization)?;
        let framing = page.header("x-frame-options").unwrap_or("none");
        self.transcript.check("nobody can frame it", "DENY", framing)?;

        self.transcript.step("The person confirms")?;
        let back = self.browser.press(&page, "confirm").await?;
        self.shown(&back, StatusCode::SEE_OTHER)?;
        Ok(back)
    }
}
