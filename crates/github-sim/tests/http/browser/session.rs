//! Sign-in.

use crate::support::Fixture;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};

const INSTALL: &str = "/apps/dockline-dev/installations/new?state=abc";

#[tokio::test]
async fn sign_in_leads_back_to_the_requested_page() {
    let fixture = Fixture::new().await;
    let web = &fixture.running.web;
    let response = fixture.client.get(format!("{web}{INSTALL}")).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let login = response.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(login.starts_with("/login?return_to="));
    let page = fixture.client.get(format!("{web}{login}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<option value=\"olga\">") && page.contains("<label for=\"user\">"));
    assert!(!page.contains("<option value=\"acme-coffee\""), "organizations cannot sign in");

    let form = [("user", "olga"), ("return_to", INSTALL)];
    let response = fixture.client.post(format!("{web}/login")).form(&form).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()[LOCATION].to_str().unwrap()), (302, INSTALL));
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("github_sim_session=") && cookie.contains("HttpOnly"));
    let cookie = format!("other=1; {}", cookie.split(';').next().unwrap());
    let page = fixture.client.get(format!("{web}{INSTALL}")).header(COOKIE, cookie).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Signed in as <strong>olga</strong>"));
}

#[tokio::test]
async fn changing_the_user_keeps_the_return_path() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let web = &fixture.running.web;
    let page = fixture.client.get(format!("{web}{INSTALL}")).send().await.unwrap().text().await.unwrap();
    let link = page.split("id=\"change-user\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = fixture.client.get(format!("{web}{link}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("name=\"return_to\" value=\"{INSTALL}\"")), "{page}");
}

#[tokio::test]
async fn session_takes_precedence_over_the_default_user() {
    let fixture = Fixture::new().await;
    fixture.sim().default_user(Some("olga")).unwrap();
    let web = &fixture.running.web;
    let response = fixture.client.get(format!("{web}/session/mia")).send().await.unwrap();
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let open = async |cookie: &str| {
        let request = fixture.client.get(format!("{web}{INSTALL}")).header(COOKIE, cookie);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert!(open(&cookie).await.contains("<strong>mia</strong>"));
    assert!(open("github_sim_session=forged").await.contains("<strong>olga</strong>"));
}

#[tokio::test]
async fn sign_in_does_not_redirect_to_other_sites() {
    let fixture = Fixture::new().await;
    for elsewhere in
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""]
    {
        let form = [("user", "olga"), ("return_to", elsewhere)];
        let response =
            fixture.client.post(format!("{}/login", fixture.running.web)).form(&form).send().await.unwrap();
        assert_eq!(response.headers()[LOCATION], "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn only_users_can_sign_in() {
    let fixture = Fixture::new().await;
    for login in ["acme-coffee", "unknown"] {
        let url = format!("{}/session/{login}", fixture.running.web);
        assert_eq!(fixture.client.get(url).send().await.unwrap().status(), 404);
    }
}
