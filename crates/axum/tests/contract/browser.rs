//! A visitor's browser: GitHub's install form, the confirmation page, one cookie.

use std::sync::Mutex;

use reqwest::Url;

use crate::fixture::{CALLBACK, Fixture};
use crate::response::Response;

pub(crate) struct Browser<'a> {
    fixture: &'a Fixture,
    user: &'static str,
    cookie: Mutex<Option<String>>,
}

impl Fixture {
    pub(crate) fn browser(&self, user: &'static str) -> Browser<'_> {
        Browser { fixture: self, user, cookie: Mutex::new(None) }
    }
}

impl Browser<'_> {
    /// Opens an install URL as the signed-in user, chooses the account and presses a button. Returns the URL of GitHub's
    /// redirect.
    pub(crate) async fn press(&self, button: &str, account: u64, install_url: &str) -> String {
        let web = &self.fixture.sim.web;
        let page = Url::parse(install_url).unwrap();
        let state = parameter(&page, "state").unwrap_or_default();
        assert!(install_url.starts_with(web), "{install_url}");
        let session = self
            .fixture
            .http
            .get(format!("{web}/session/{}?return_to={}", self.user, page.path()))
            .send()
            .await
            .unwrap();
        let session = session.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let form = format!("account={account}&repository_selection=all&state={state}&action={button}");
        let response = self
            .fixture
            .http
            .post(format!("{web}{}", page.path()))
            .header("cookie", session)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 302, "{}", response.text().await.unwrap());
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Follows a redirect to the callback and stores its cookie.
    pub(crate) async fn arrive(&self, callback: &str) -> Response {
        let answer = Response::of(self.fixture.http.get(callback).header("accept", "text/html,*/*")).await;
        if let Some(cookie) = answer.headers.get("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            *self.cookie.lock().unwrap() = Some(pair);
        }
        answer
    }

    /// Follows GitHub's redirect with a valid code of the user.
    pub(crate) async fn arrive_with(&self, installation: u64, state: &str) -> Response {
        let code = self.fixture.code(self.user);
        self.arrive(&self.fixture.callback(&format!(
            "code={code}&installation_id={installation}&setup_action=install&state={state}"
        )))
        .await
    }

    /// Presses a button of the confirmation page.
    pub(crate) async fn answer(&self, page: &Response, answer: &str) -> Response {
        let (state, ticket) = (field(&page.text, "state"), field(&page.text, "ticket"));
        let form = format!("state={state}&ticket={ticket}&answer={answer}");
        let mut request = self
            .fixture
            .http
            .post(self.fixture.callback_url())
            .header("accept", "text/html,*/*")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let cookie = self.cookie.lock().unwrap().clone();
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        Response::of(request).await
    }

    /// Confirms, which ties the state to the installation.
    pub(crate) async fn connect(&self, installation: u64, state: &str) {
        let page = self.arrive_with(installation, state).await.expect(200);
        self.answer(&page, "confirm").await.expect(303);
    }
}

impl Fixture {
    pub(crate) fn callback_url(&self) -> String {
        format!("{}{CALLBACK}", self.api)
    }

    pub(crate) fn callback(&self, query: &str) -> String {
        format!("{}?{query}", self.callback_url())
    }

    /// Returns a valid OAuth code of `user`.
    pub(crate) fn code(&self, user: &str) -> String {
        use secrecy::ExposeSecret;
        self.github().issue_code(self.app.app_id, user).unwrap().expose_secret().to_owned()
    }
}

pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
}

/// Returns the value of a hidden field.
fn field(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    html.split_once(&start).unwrap().1.split_once('"').unwrap().0.to_owned()
}
