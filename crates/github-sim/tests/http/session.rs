//! Who sits in front of the browser.

use crate::support::World;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};

const INSTALL: &str = "/apps/dockline-dev/installations/new?state=abc";

#[tokio::test]
async fn without_a_session_the_sign_in_page_leads_back() {
    let world = World::new().await;
    let web = &world.running.web;
    let response = world.client.get(format!("{web}{INSTALL}")).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let login = response.headers()[LOCATION].to_str().unwrap().to_owned();
    assert!(login.starts_with("/login?return_to="));
    let page = world.client.get(format!("{web}{login}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<option value=\"olga\">") && page.contains("<label for=\"user\">"));
    assert!(!page.contains("<option value=\"acme-coffee\""), "organizations do not sign in");

    let form = [("user", "olga"), ("return_to", INSTALL)];
    let response = world.client.post(format!("{web}/login")).form(&form).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()[LOCATION].to_str().unwrap()), (302, INSTALL));
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("github_sim_session=") && cookie.contains("HttpOnly"));
    let cookie = format!("other=1; {}", cookie.split(';').next().unwrap());
    let page = world.client.get(format!("{web}{INSTALL}")).header(COOKIE, cookie).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Signed in as <strong>olga</strong>"));
}

#[tokio::test]
async fn changing_the_person_does_not_lose_the_flow() {
    let world = World::new().await;
    world.sim().default_user(Some("olga")).unwrap();
    let web = &world.running.web;
    let page = world.client.get(format!("{web}{INSTALL}")).send().await.unwrap().text().await.unwrap();
    let link = page.split("id=\"change-user\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = world.client.get(format!("{web}{link}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(&format!("name=\"return_to\" value=\"{INSTALL}\"")), "{page}");
}

#[tokio::test]
async fn a_session_comes_before_the_default_user() {
    let world = World::new().await;
    world.sim().default_user(Some("olga")).unwrap();
    let web = &world.running.web;
    let response = world.client.get(format!("{web}/session/mia")).send().await.unwrap();
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let open = async |cookie: &str| {
        let request = world.client.get(format!("{web}{INSTALL}")).header(COOKIE, cookie);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert!(open(&cookie).await.contains("<strong>mia</strong>"));
    assert!(open("github_sim_session=forged").await.contains("<strong>olga</strong>"));
}

#[tokio::test]
async fn signing_in_never_leads_to_another_site() {
    let world = World::new().await;
    for elsewhere in
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""]
    {
        let form = [("user", "olga"), ("return_to", elsewhere)];
        let response =
            world.client.post(format!("{}/login", world.running.web)).form(&form).send().await.unwrap();
        assert_eq!(response.headers()[LOCATION], "/", "{elsewhere}");
    }
}

#[tokio::test]
async fn only_people_sign_in() {
    let world = World::new().await;
    for login in ["acme-coffee", "nobody"] {
        let url = format!("{}/session/{login}", world.running.web);
        assert_eq!(world.client.get(url).send().await.unwrap().status(), 404);
    }
}
