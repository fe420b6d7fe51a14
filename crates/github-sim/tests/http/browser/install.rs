//! The install flow.

use crate::support::{CALLBACK, Fixture, location_query};
use dockline_github_sim::NewApp;
use reqwest::Response;

const PATH: &str = "/apps/dockline-dev/installations/new";

async fn open(fixture: &Fixture, path_and_query: &str) -> String {
    let response =
        fixture.client.get(format!("{}{path_and_query}", fixture.running.web)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// Submits the form with `action` for the account.
async fn press(fixture: &Fixture, action: &str, login: &str, more: &[(&str, &str)]) -> Response {
    let account = account_id(fixture, login).await;
    let mut form = vec![("account", account.as_str()), ("action", action)];
    form.extend_from_slice(more);
    fixture.client.post(format!("{}{PATH}", fixture.running.web)).form(&form).send().await.unwrap()
}

async fn account_id(fixture: &Fixture, login: &str) -> String {
    let state = fixture.client.get(format!("{}/state", fixture.running.control)).send().await.unwrap();
    let state: serde_json::Value = state.json().await.unwrap();
    let accounts = state["accounts"].as_array().unwrap();
    accounts.iter().find(|account| account["login"] == login).unwrap()["id"].to_string()
}

async fn signed_in(login: &str) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some(login)).unwrap();
    fixture
}

#[tokio::test]
async fn owner_installs_and_is_redirected_with_code_id_and_state() {
    let fixture = signed_in("olga").await;
    let page = open(&fixture, &format!("{PATH}?state=abc")).await;
    assert!(page.contains("Signed in as <strong>olga</strong>"), "{page}");
    assert!(
        page.contains("<main>")
            && page.contains("<label for=\"account\">")
            && page.contains("id=\"install\"")
    );
    assert!(page.contains("<input type=\"hidden\" name=\"state\" value=\"abc\">"));

    let response = press(&fixture, "install", "acme-coffee", &[("state", "abc")]).await;
    assert_eq!(response.status(), 302);
    let back = location_query(&response);
    let [installation] = &fixture.sim().installations()[..] else { panic!("one installation") };
    assert_eq!(back["from"], "github", "the query of the callback URL is kept");
    assert_eq!(back["installation_id"], installation.id.to_string());
    assert_eq!((back["setup_action"].as_str(), back["state"].as_str()), ("install", "abc"));
    assert_eq!(installation.account_login, "acme-coffee");
    assert!(!back["code"].is_empty());
}

#[tokio::test]
async fn configuring_redirects_without_code() {
    let fixture = signed_in("olga").await;
    let id = fixture.install("acme-coffee");
    let repository = fixture.sim().add_repository("acme-coffee", "beans", true).unwrap().to_string();
    fixture.sim().add_repository("acme-coffee", "cups", false).unwrap();
    let account = account_id(&fixture, "acme-coffee").await;
    let page = open(&fixture, &format!("{PATH}/permissions?target_id={account}&state=abc")).await;
    assert!(page.contains("id=\"save\"") && page.contains(&format!("as installation {id}")), "{page}");
    assert!(page.contains("beans (private)"));

    let chosen =
        [("repository_selection", "selected"), ("repository", repository.as_str()), ("state", "abc")];
    let back = location_query(&press(&fixture, "save", "acme-coffee", &chosen).await);
    assert_eq!((back["setup_action"].as_str(), back["state"].as_str()), ("update", "abc"));
    assert_eq!(back["installation_id"], id.to_string());
    assert!(!back.contains_key("code"));
    let (_, installation) = fixture.get_as_app(&format!("/app/installations/{id}")).await;
    assert_eq!(installation["repository_selection"], "selected");
}

#[tokio::test]
async fn setup_url_gets_no_code() {
    let app = NewApp::new("dockline-dev", CALLBACK).with_setup_url("http://127.0.0.1:1/setup");
    let fixture = Fixture::with(app).await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let response = press(&fixture, "install", "acme-coffee", &[("state", "abc")]).await;
    assert!(response.headers()["location"].to_str().unwrap().starts_with("http://127.0.0.1:1/setup?"));
    let back = location_query(&response);
    assert!(back.contains_key("installation_id") && back.contains_key("state") && !back.contains_key("code"));
}

#[tokio::test]
async fn member_requests_and_owner_approves() {
    let fixture = signed_in("mia").await;
    let account = account_id(&fixture, "acme-coffee").await;
    let page = open(&fixture, &format!("{PATH}?state=abc&account={account}")).await;
    assert!(page.contains("id=\"request\"") && !page.contains("id=\"install\""), "{page}");

    let back = location_query(&press(&fixture, "request", "acme-coffee", &[("state", "abc")]).await);
    assert_eq!((back["setup_action"].as_str(), back["state"].as_str()), ("request", "abc"));
    assert!(!back.contains_key("installation_id") && !back.contains_key("code"));
    assert_eq!(fixture.sim().installations(), []);

    let request = fixture.sim().installation_requests()[0].id;
    assert!(fixture.sim().approve_request(request, "mia").is_err());
    let id = fixture.sim().approve_request(request, "olga").unwrap();
    let installation = fixture.sim().installation(id).unwrap();
    assert_ne!(installation.requester_id, Some(installation.installed_by));
    assert_eq!(installation.requester_id.map(|id| id.to_string()), Some(account_id(&fixture, "mia").await));
    assert_eq!(fixture.sim().installation_requests(), []);
}

#[tokio::test]
async fn installing_answers_the_pending_request() {
    let fixture = signed_in("mia").await;
    press(&fixture, "request", "acme-coffee", &[("state", "mias")]).await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let account = account_id(&fixture, "acme-coffee").await;
    assert!(
        open(&fixture, &format!("{PATH}?account={account}")).await.contains("<strong>mia</strong> requested")
    );
    let back = location_query(&press(&fixture, "install", "acme-coffee", &[]).await);
    assert!(back.contains_key("code") && !back.contains_key("state"));
    assert!(fixture.sim().installations()[0].requester_id.is_some());
    assert_eq!(fixture.sim().installation_requests(), []);
}

#[tokio::test]
async fn action_that_the_user_cannot_perform_changes_nothing() {
    let fixture = signed_in("mia").await;
    for action in ["install", "save", "", "nonsense"] {
        let response = press(&fixture, action, "acme-coffee", &[("state", "abc")]).await;
        assert_eq!(response.status(), 200, "{action}");
        let page = response.text().await.unwrap();
        assert!(
            page.contains("id=\"notice\"")
                && page.contains("id=\"request\"")
                && page.contains("value=\"abc\"")
        );
    }
    assert_eq!(press(&fixture, "install", "olga", &[]).await.status(), 403);
    assert_eq!((fixture.sim().installations(), fixture.sim().installation_requests()), (vec![], vec![]));
}

#[tokio::test]
async fn selecting_no_repository_shows_the_form_again() {
    let fixture = signed_in("olga").await;
    let foreign = fixture.sim().add_repository("olga", "diary", true).unwrap().to_string();
    for more in [vec![], vec![("repository", foreign.as_str())]] {
        let more = [vec![("repository_selection", "selected")], more].concat();
        let response = press(&fixture, "install", "acme-coffee", &more).await;
        assert!(response.text().await.unwrap().contains("Select at least one repository."));
    }
    assert_eq!(fixture.sim().installations(), []);
}

#[tokio::test]
async fn parameters_are_escaped_in_pages() {
    let fixture = signed_in("olga").await;
    let page = open(&fixture, &format!("{PATH}?state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{page}");
    assert!(!page.contains("<script"));
}

#[tokio::test]
async fn pages_forbid_external_content_and_framing() {
    let fixture = signed_in("olga").await;
    let response = fixture.client.get(format!("{}{PATH}", fixture.running.web)).send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}

#[tokio::test]
async fn enterprise_server_path_works_and_unknown_app_is_404() {
    let fixture = signed_in("olga").await;
    assert!(open(&fixture, "/github-apps/dockline-dev/installations/new").await.contains("id=\"install\""));
    let unknown = fixture.client.get(format!("{}/apps/unknown/installations/new", fixture.running.web));
    assert_eq!(unknown.send().await.unwrap().status(), 404);
}
