//! A header that selects another organization than the caller's is never ignored.

use dockline_axum::RouterOptions;
use http::HeaderName;
use reqwest::Method;
use secrecy::ExposeSecret;

use crate::fixture::{Fixture, INSTALL_URL, INSTALLATION, REPOS, RETURN_URL, Setup, Tenant};
use crate::response::Response;

async fn send(
    fixture: &Fixture,
    tenant: &Tenant,
    method: &Method,
    path: &str,
    selector: (&str, &str),
) -> Response {
    let request = fixture.http.request(method.clone(), format!("{}{path}", fixture.api));
    let request = request.bearer_auth(tenant.key.expose_secret()).header(selector.0, selector.1);
    Response::of(request).await
}

#[tokio::test]
async fn a_selector_of_another_organization_is_a_403_on_every_authenticated_operation() {
    let fixture = Fixture::with_policy(dockline::ClaimPolicy::State).await;
    fixture.bound().await;
    let install_url = format!("{INSTALL_URL}?returnUrl={RETURN_URL}");
    let operations = [
        (Method::POST, INSTALLATION),
        (Method::GET, INSTALLATION),
        (Method::GET, install_url.as_str()),
        (Method::GET, REPOS),
        (Method::GET, "/v1/whoami"),
        (Method::DELETE, INSTALLATION),
    ];
    for (method, path) in &operations {
        for other in ["org_child", "org_rival", "", "ORG_ACME", "org_acme, org_child"] {
            let selector = ("X-Layers-Organization", other);
            let answer = send(&fixture, &fixture.acme, method, path, selector).await;
            answer.expect_error(403, "FORBIDDEN_SCOPE");
        }
    }
    // Nothing was changed.
    assert_eq!(fixture.binding_field("status").await, "active");
    for (method, path) in &operations {
        let answer = send(&fixture, &fixture.acme, method, path, ("X-Layers-Organization", "org_acme")).await;
        assert_ne!(answer.status, 403, "{method} {path}");
    }
    fixture.get(&fixture.acme, INSTALLATION).await.expect(404);
}

#[tokio::test]
async fn a_stranger_learns_nothing_from_a_selector() {
    let fixture = Fixture::start().await;
    let request = fixture.http.get(format!("{}{INSTALLATION}", fixture.api));
    let answer = Response::of(request.header("x-layers-organization", "org_acme")).await;
    answer.expect_error(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_host_names_the_selectors() {
    let options = |options: RouterOptions| {
        options.with_tenant_headers(["x-tenant", "x-account"].map(HeaderName::from_static))
    };
    let fixture = Fixture::with(Setup { options, ..Setup::default() }).await;
    for (selector, status) in [
        (("x-tenant", "org_child"), 403),
        (("X-Account", "org_child"), 403),
        (("x-account", "org_acme"), 404),
        (("x-layers-organization", "org_child"), 404),
    ] {
        send(&fixture, &fixture.acme, &Method::GET, INSTALLATION, selector).await.expect(status);
    }
}
