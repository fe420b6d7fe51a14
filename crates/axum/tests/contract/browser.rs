//! A visitor's browser: GitHub's install form and web flow, the confirmation page, cookies.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::{RequestBuilder, Url};

use crate::fixture::{CALLBACK, Fixture};
use crate::response::Response;

pub(crate) struct Browser<'a> {
    fixture: &'a Fixture,
    user: &'static str,
    /// Sent with every request to the API. `SameSite` is the browser flow's test.
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Fixture {
    pub(crate) fn browser(&self, user: &'static str) -> Browser<'_> {
        Browser { fixture: self, user, cookies: Mutex::default() }
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

    /// Follows a redirect to the callback and stores its cookies.
    pub(crate) async fn arrive(&self, callback: &str) -> Response {
        let request = self.fixture.http.get(callback).header("accept", "text/html,*/*");
        let answer = Response::of(self.with_cookies(request)).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if cookie.ends_with("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Follows a redirect to the callback and then, if it leads there, through GitHub's web flow.
    pub(crate) async fn arrive_through_web_flow(&self, callback: &str) -> Response {
        let mut answer = self.arrive(callback).await;
        let page = format!("{}/login/oauth/authorize?", self.fixture.sim.web);
        for _ in 0..3 {
            if !answer.header("location").starts_with(&page) {
                break;
            }
            let back = self.fixture.github_redirect(self.user, answer.header("location")).await;
            answer = self.arrive(&back).await;
        }
        answer
    }

    fn with_cookies(&self, request: RequestBuilder) -> RequestBuilder {
        let cookies = self.cookies.lock().unwrap();
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { request } else { request.header("cookie", pairs.join("; ")) }
    }

    /// The cookies with this start of their names.
    pub(crate) fn cookies(&self, kind: &str) -> Vec<String> {
        self.cookies.lock().unwrap().keys().filter(|name| name.starts_with(kind)).cloned().collect()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn clear_cookies(&self) {
        self.cookies.lock().unwrap().clear();
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
        let request = self
            .fixture
            .http
            .post(self.fixture.callback_url())
            .header("accept", "text/html,*/*")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        Response::of(self.with_cookies(request)).await
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

    /// Opens a page of GitHub as `user`; returns the target of its redirect.
    pub(crate) async fn github_redirect(&self, user: &str, page: &str) -> String {
        self.github().default_user(Some(user)).unwrap();
        let answer = self.http.get(page).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 302, "{page}");
        answer.headers()["location"].to_str().unwrap().to_owned()
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
