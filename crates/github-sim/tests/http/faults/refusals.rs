//! Refusals of GitHub's for one organization, installation, user or App.

use crate::support::{Fixture, header, status_and_body};
use dockline_github_sim::{Fault, FaultRule};
use reqwest::Method;
use serde_json::{Value, json};

fn message(body: &Value) -> &str {
    body["message"].as_str().unwrap()
}

#[tokio::test]
async fn ip_allow_list_refuses_one_organization_in_githubs_words() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let user = fixture.user_token("olga").await;
    let token = fixture.token(acme, &json!({})).await;
    fixture.sim().set_fault(FaultRule::new(Fault::IpAllowList).for_organization("Acme-Coffee"));
    let expected = "Although you appear to have the correct authorization credentials, the `acme-coffee` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.";
    let refused = [
        fixture.get_as_app(&format!("/app/installations/{acme}")).await,
        fixture.mint(acme, &json!({})).await,
        fixture.get("/installation/repositories", &token).await,
        fixture.get("/user/memberships/orgs/acme-coffee", &user).await,
        fixture.get_as_app("/orgs/acme-coffee/installation").await,
    ];
    for (status, body) in refused {
        assert_eq!((status, message(&body)), (403, expected));
        assert_eq!(body["status"], "403");
    }
    assert_eq!(fixture.mint(olga, &json!({})).await.0, 201);
    assert_eq!(fixture.get("/user", &user).await.0, 200);
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
}

#[tokio::test]
async fn saml_refuses_user_tokens_with_a_sign_in_url_and_hides_the_organization_in_lists() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    let own = fixture.install("olga");
    let user = fixture.user_token("olga").await;
    fixture.sim().set_fault(FaultRule::new(Fault::Saml).for_organization("acme-coffee"));
    let response = fixture.send(Method::GET, "/user/memberships/orgs/acme-coffee", &user).await;
    assert_eq!(response.status(), 403);
    let sso = header(&response, "x-github-sso").to_owned();
    let url = format!("required; url={}/orgs/acme-coffee/sso?authorization_request=", fixture.running.web);
    assert!(sso.starts_with(&url) && sso.len() > url.len() + 20, "{sso}");
    let (_, body) = status_and_body(response).await;
    assert_eq!(
        message(&body),
        "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."
    );
    let response = fixture.send(Method::GET, "/user/installations", &user).await;
    let id = fixture.sim().installation(acme).unwrap().account_id;
    assert_eq!(header(&response, "x-github-sso"), format!("partial-results; organizations={id}"));
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, &body["total_count"]), (200, &json!(1)));
    assert_eq!(body["installations"][0]["id"], own);
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 201, "Apps need no single sign-on");
    assert_eq!(fixture.get("/user", &user).await.0, 200);
}

#[tokio::test]
async fn saml_for_one_user_spares_the_others() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    let (olga, mia) = (fixture.user_token("olga").await, fixture.user_token("mia").await);
    fixture.sim().set_fault(FaultRule::new(Fault::Saml).for_organization("acme-coffee").for_user("mia"));
    let path = "/user/memberships/orgs/acme-coffee";
    assert_eq!([fixture.get(path, &mia).await.0, fixture.get(path, &olga).await.0], [403, 200]);
    for (token, installations) in [(mia, 0), (olga, 1)] {
        let (_, body) = fixture.get("/user/installations", &token).await;
        assert_eq!(body["total_count"], installations);
    }
}

#[tokio::test]
async fn suspended_user_is_refused_everywhere() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    let (olga, mia) = (fixture.user_token("olga").await, fixture.user_token("mia").await);
    fixture.sim().set_fault(FaultRule::new(Fault::SuspendedUser).for_user("olga"));
    for path in ["/user", "/user/installations", "/user/memberships/orgs/acme-coffee"] {
        let (status, body) = fixture.get(path, &olga).await;
        assert_eq!((status, message(&body)), (403, "Sorry. Your account was suspended."));
        assert_eq!(fixture.get(path, &mia).await.0, 200);
    }
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
}

#[tokio::test]
async fn suspended_installation_fault_refuses_tokens_but_shows_the_installation() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let token = fixture.token(acme, &json!({})).await;
    fixture.sim().set_fault(FaultRule::new(Fault::SuspendedInstallation).for_installation(acme));
    for refused in
        [fixture.mint(acme, &json!({})).await, fixture.get("/installation/repositories", &token).await]
    {
        assert_eq!((refused.0, message(&refused.1)), (403, "This installation has been suspended"));
    }
    assert_eq!(fixture.get_as_app(&format!("/app/installations/{acme}")).await.0, 200);
    assert_eq!(fixture.mint(olga, &json!({})).await.0, 201);
}

#[tokio::test]
async fn legal_block_missing_permission_and_parent_installation_have_githubs_words() {
    let fixture = Fixture::new().await;
    let acme = fixture.install("acme-coffee");
    let token = fixture.token(acme, &json!({})).await;
    let user = fixture.user_token("olga").await;
    let path = format!("/app/installations/{acme}");
    fixture.sim().set_fault(FaultRule::new(Fault::LegalBlock).for_installation(acme).times(1));
    let (status, body) = fixture.get_as_app(&path).await;
    assert_eq!((status, message(&body)), (451, "Repository access blocked"));
    assert_eq!(body["block"]["reason"], "dmca");

    let lacking = Fault::MissingPermission { accepted: "members=read".into() };
    let rule = FaultRule::new(lacking).for_route("GET", "/api/v3/user/memberships/orgs/{org}").times(1);
    fixture.sim().set_fault(rule);
    let response = fixture.send(Method::GET, "/user/memberships/orgs/acme-coffee", &user).await;
    assert_eq!(header(&response, "x-accepted-github-permissions"), "members=read");
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, message(&body)), (403, "Resource not accessible by integration"));

    fixture.sim().set_fault(FaultRule::new(Fault::NotAccessibleToParent).for_installation(acme).times(1));
    assert_eq!(fixture.get_as_app(&path).await.0, 200);
    assert_eq!(fixture.get("/installation/repositories", &token).await.0, 200);
    let (status, body) = fixture.mint(acme, &json!({})).await;
    assert_eq!(status, 422);
    assert_eq!(
        message(&body),
        "There is at least one repository that does not exist or is not accessible to the parent installation."
    );
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 201);
}

#[tokio::test]
async fn not_found_is_githubs_and_proxy_not_found_has_none_of_githubs_headers() {
    let fixture = Fixture::new().await;
    let (acme, olga) = (fixture.install("acme-coffee"), fixture.install("olga"));
    let path = format!("/app/installations/{acme}");
    fixture.sim().set_fault(FaultRule::new(Fault::NotFound).for_installation(acme).times(2));
    let response = fixture.send(Method::GET, &path, &fixture.jwt()).await;
    assert_eq!(header(&response, "content-type"), "application/json; charset=utf-8");
    assert_eq!(header(&response, "x-github-media-type"), "github.v3; format=json");
    assert!(!header(&response, "x-github-request-id").is_empty());
    assert!(!header(&response, "x-ratelimit-remaining").is_empty());
    let (status, body) = status_and_body(response).await;
    assert_eq!((status, message(&body)), (404, "Not Found"));
    assert_eq!(fixture.mint(acme, &json!({})).await.0, 404);
    assert_eq!(fixture.get_as_app("/app").await.0, 200);
    assert_eq!(fixture.get_as_app(&format!("/app/installations/{olga}")).await.0, 200);

    fixture.sim().set_fault(FaultRule::new(Fault::ProxyNotFound).for_installation(acme).times(1));
    let response = fixture.send(Method::GET, &path, &fixture.jwt()).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (404, "text/html"));
    for name in ["x-github-request-id", "x-github-media-type", "x-ratelimit-remaining"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    assert!(response.text().await.unwrap().contains("404 Not Found"));
    assert_eq!(fixture.get_as_app(&path).await.0, 200);
}

#[tokio::test]
async fn tokens_issued_after_single_sign_on_are_accepted() {
    let fixture = Fixture::new().await;
    fixture.install("acme-coffee");
    fixture.sim().default_user(Some("olga")).unwrap();
    fixture.sim().set_fault(FaultRule::new(Fault::Saml).for_organization("acme-coffee"));
    let before = fixture.user_token("olga").await;
    let path = "/user/memberships/orgs/acme-coffee";
    let response = fixture.send(Method::GET, path, &before).await;
    let url = header(&response, "x-github-sso").trim_start_matches("required; url=").to_owned();
    let page = fixture.client.get(&url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    fixture.sim().advance_clock(1);
    let form = url.split('?').next().unwrap();
    assert_eq!(fixture.client.post(form).send().await.unwrap().status(), 200);
    let after = fixture.user_token("olga").await;
    assert_eq!([fixture.get(path, &before).await.0, fixture.get(path, &after).await.0], [403, 200]);
    let response = fixture.send(Method::GET, "/user/installations", &after).await;
    assert!(!response.headers().contains_key("x-github-sso"));
    assert_eq!(status_and_body(response).await.1["total_count"], 1);
}
