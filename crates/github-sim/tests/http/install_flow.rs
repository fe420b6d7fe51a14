//! The install page: what it offers to whom, and where the browser goes afterwards.

use crate::support::{CALLBACK, World, query};
use dockline_github_sim::NewApp;
use reqwest::Response;

const PATH: &str = "/apps/dockline-dev/installations/new";

async fn open(world: &World, path_and_query: &str) -> String {
    let response = world.client.get(format!("{}{path_and_query}", world.running.web)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// What the form sends when `action` is pressed for the account with this login.
async fn press(world: &World, action: &str, login: &str, more: &[(&str, &str)]) -> Response {
    let account = account_id(world, login).await;
    let mut form = vec![("account", account.as_str()), ("action", action)];
    form.extend_from_slice(more);
    world.client.post(format!("{}{PATH}", world.running.web)).form(&form).send().await.unwrap()
}

async fn account_id(world: &World, login: &str) -> String {
    let state = world.client.get(format!("{}/state", world.running.control)).send().await.unwrap();
    let state: serde_json::Value = state.json().await.unwrap();
    let accounts = state["accounts"].as_array().unwrap();
    accounts.iter().find(|account| account["login"] == login).unwrap()["id"].to_string()
}

async fn signed_in(login: &str) -> World {
    let world = World::new().await;
    world.sim().default_user(Some(login)).unwrap();
    world
}

#[tokio::test]
async fn an_owner_installs_and_comes_back_with_code_id_and_state() {
    let world = signed_in("olga").await;
    let page = open(&world, &format!("{PATH}?state=abc")).await;
    assert!(page.contains("Signed in as <strong>olga</strong>"), "{page}");
    assert!(
        page.contains("<main>")
            && page.contains("<label for=\"account\">")
            && page.contains("id=\"install\"")
    );
    assert!(page.contains("<input type=\"hidden\" name=\"state\" value=\"abc\">"));

    let response = press(&world, "install", "acme-coffee", &[("state", "abc")]).await;
    assert_eq!(response.status(), 302);
    let back = query(&response);
    let [installation] = &world.sim().installations()[..] else { panic!("one installation") };
    assert_eq!(back["from"], "github", "the callback's own query was lost");
    assert_eq!(back["installation_id"], installation.id.to_string());
    assert_eq!((back["setup_action"].as_str(), back["state"].as_str()), ("install", "abc"));
    assert_eq!(installation.account_login, "acme-coffee");
    assert!(!back["code"].is_empty());
}

#[tokio::test]
async fn a_second_visit_configures_without_a_code() {
    let world = signed_in("olga").await;
    let id = world.install("acme-coffee");
    let repository = world.sim().add_repository("acme-coffee", "beans", true).unwrap().to_string();
    world.sim().add_repository("acme-coffee", "cups", false).unwrap();
    let account = account_id(&world, "acme-coffee").await;
    let page = open(&world, &format!("{PATH}/permissions?target_id={account}&state=abc")).await;
    assert!(page.contains("id=\"save\"") && page.contains(&format!("as number {id}")), "{page}");
    assert!(page.contains("beans (private)"));

    let chosen =
        [("repository_selection", "selected"), ("repository", repository.as_str()), ("state", "abc")];
    let back = query(&press(&world, "save", "acme-coffee", &chosen).await);
    assert_eq!((back["setup_action"].as_str(), back["state"].as_str()), ("update", "abc"));
    assert_eq!(back["installation_id"], id.to_string());
    assert!(!back.contains_key("code"));
    let (_, installation) = world.as_app(&format!("/app/installations/{id}")).await;
    assert_eq!(installation["repository_selection"], "selected");
}

#[tokio::test]
async fn an_app_may_be_told_to_get_a_code_on_update() {
    let world = World::with(NewApp::new("dockline-dev", CALLBACK).with_code_on_update(true)).await;
    world.sim().default_user(Some("olga")).unwrap();
    world.install("acme-coffee");
    let back = query(&press(&world, "save", "acme-coffee", &[]).await);
    assert!(back.contains_key("code") && !back.contains_key("state"));
}

#[tokio::test]
async fn a_setup_url_gets_no_code() {
    let app = NewApp::new("dockline-dev", CALLBACK).with_setup_url("http://127.0.0.1:1/setup");
    let world = World::with(app).await;
    world.sim().default_user(Some("olga")).unwrap();
    let response = press(&world, "install", "acme-coffee", &[("state", "abc")]).await;
    assert!(response.headers()["location"].to_str().unwrap().starts_with("http://127.0.0.1:1/setup?"));
    let back = query(&response);
    assert!(back.contains_key("installation_id") && back.contains_key("state") && !back.contains_key("code"));
}

#[tokio::test]
async fn a_member_asks_and_an_owner_approves() {
    let world = signed_in("mia").await;
    let account = account_id(&world, "acme-coffee").await;
    let page = open(&world, &format!("{PATH}?state=abc&account={account}")).await;
    assert!(page.contains("id=\"request\"") && !page.contains("id=\"install\""), "{page}");

    let back = query(&press(&world, "request", "acme-coffee", &[("state", "abc")]).await);
    assert_eq!((back["setup_action"].as_str(), back["state"].as_str()), ("request", "abc"));
    assert!(!back.contains_key("installation_id") && !back.contains_key("code"));
    assert_eq!(world.sim().installations(), []);

    let request = world.sim().installation_requests()[0].id;
    assert!(world.sim().approve_request(request, "mia").is_err());
    let id = world.sim().approve_request(request, "olga").unwrap();
    let installation = world.sim().installation(id).unwrap();
    assert_ne!(installation.requester_id, Some(installation.installed_by));
    assert_eq!(installation.requester_id.map(|id| id.to_string()), Some(account_id(&world, "mia").await));
    assert_eq!(world.sim().installation_requests(), []);
}

#[tokio::test]
async fn an_owner_who_installs_answers_the_request_without_its_state() {
    let world = signed_in("mia").await;
    press(&world, "request", "acme-coffee", &[("state", "mias")]).await;
    world.sim().default_user(Some("olga")).unwrap();
    let account = account_id(&world, "acme-coffee").await;
    assert!(open(&world, &format!("{PATH}?account={account}")).await.contains("<strong>mia</strong> asked"));
    let back = query(&press(&world, "install", "acme-coffee", &[]).await);
    assert!(back.contains_key("code") && !back.contains_key("state"));
    assert!(world.sim().installations()[0].requester_id.is_some());
    assert_eq!(world.sim().installation_requests(), []);
}

#[tokio::test]
async fn a_button_that_is_not_the_persons_changes_nothing() {
    let world = signed_in("mia").await;
    for action in ["install", "save", "", "nonsense"] {
        let response = press(&world, action, "acme-coffee", &[("state", "abc")]).await;
        assert_eq!(response.status(), 200, "{action}");
        let page = response.text().await.unwrap();
        assert!(
            page.contains("id=\"notice\"")
                && page.contains("id=\"request\"")
                && page.contains("value=\"abc\"")
        );
    }
    assert_eq!(press(&world, "install", "olga", &[]).await.status(), 403);
    assert_eq!((world.sim().installations(), world.sim().installation_requests()), (vec![], vec![]));
}

#[tokio::test]
async fn selecting_no_repository_is_asked_again() {
    let world = signed_in("olga").await;
    let foreign = world.sim().add_repository("olga", "diary", true).unwrap().to_string();
    for more in [vec![], vec![("repository", foreign.as_str())]] {
        let more = [vec![("repository_selection", "selected")], more].concat();
        let response = press(&world, "install", "acme-coffee", &more).await;
        assert!(response.text().await.unwrap().contains("Select at least one repository."));
    }
    assert_eq!(world.sim().installations(), []);
}

#[tokio::test]
async fn what_comes_in_never_becomes_markup() {
    let world = signed_in("olga").await;
    let page = open(&world, &format!("{PATH}?state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{page}");
    assert!(!page.contains("<script"));
}

#[tokio::test]
async fn pages_forbid_foreign_content_and_framing() {
    let world = signed_in("olga").await;
    let response = world.client.get(format!("{}{PATH}", world.running.web)).send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}

#[tokio::test]
async fn the_enterprise_servers_address_works_and_unknown_apps_are_404() {
    let world = signed_in("olga").await;
    assert!(open(&world, "/github-apps/dockline-dev/installations/new").await.contains("id=\"install\""));
    let unknown = world.client.get(format!("{}/apps/nobody/installations/new", world.running.web));
    assert_eq!(unknown.send().await.unwrap().status(), 404);
}
