//! What a setting at GitHub denies: to a visitor, or to the App for one customer (I10, I32, L-70, L-73, L-74).

use dockline::ClaimPolicy;
use dockline_github_sim::{Fault, FaultRule, Role};

use crate::fixture::{Fixture, INSTALLATION, REPOS, Tenant};
use crate::response::Response;

const MEMBERSHIP: &str = "/api/v3/user/memberships";

/// The outcome of a visit of `user` with this fault: the JSON error, and the page for a browser.
async fn refused(
    fixture: &Fixture,
    user: &'static str,
    installation: u64,
    state: &str,
) -> (Response, Response) {
    let query =
        |code| format!("code={code}&installation_id={installation}&setup_action=install&state={state}");
    let url = fixture.callback(&query(fixture.code(user)));
    let json = Response::of(fixture.http.get(url)).await;
    let page = fixture.browser(user).arrive(&fixture.callback(&query(fixture.code(user)))).await;
    assert_eq!(page.status, json.status);
    (json, page)
}

#[tokio::test]
async fn each_unknown_membership_has_its_own_reason_and_remedy_c06() {
    let permission = Fault::MissingPermission { accepted: "members=read".into() };
    let mut texts = std::collections::BTreeSet::new();
    for (fault, reason, remedy) in [
        (Fault::IpAllowList, "ip_blocked", "IP allow list"),
        (Fault::Saml, "sso_required", "single sign-on"),
        (permission, "permission_missing", "Members: read"),
        (Fault::SuspendedUser, "account_suspended", "suspended your account"),
    ] {
        let fixture = Fixture::start().await;
        let installation = fixture.installed("acme-coffee", "olga");
        let state = fixture.fresh_state(&fixture.acme).await;
        let rule = FaultRule::new(fault.clone()).for_user("olga").for_path(MEMBERSHIP);
        fixture.github().set_fault(rule);
        let (json, page) = refused(&fixture, "olga", installation, &state).await;
        let json = json.expect_error(422, "VALIDATION");
        assert_eq!(json.json["error"]["details"]["reason"], reason);
        assert!(page.text.contains(remedy), "{}", page.text);
        texts.insert(json.json["error"]["message"].to_string());
        assert_eq!(fixture.github().live_user_tokens(), 0);
        // The state still works once the setting is changed.
        fixture.github().clear_faults();
        fixture.browser("olga").connect(installation, &state).await;
        fixture.register(&fixture.acme, installation, &state).await.expect(201);
    }
    assert_eq!(texts.len(), 4);
}

/// GitHub's list leaves out what single sign-on protects: that is no "you cannot see it".
#[tokio::test]
async fn an_installation_that_single_sign_on_hides_is_refused_for_it_c06() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.github().set_fault(FaultRule::new(Fault::Saml).for_user("olga").for_organization("acme-coffee"));
    let (json, _) = refused(&fixture, "olga", installation, &state).await;
    assert_eq!(json.expect_error(422, "VALIDATION").json["error"]["details"]["reason"], "sso_required");
}

/// No 500, and no error about our credential.
#[tokio::test]
async fn a_suspended_visitor_is_refused_and_nobody_else_c07() {
    for path in ["/api/v3/user", "/api/v3/user/installations"] {
        let fixture = Fixture::start().await;
        let installation = fixture.installed("acme-coffee", "olga");
        fixture.github().create_user("oscar").unwrap();
        fixture.github().set_membership("acme-coffee", "oscar", Role::Admin).unwrap();
        let state = fixture.fresh_state(&fixture.acme).await;
        let rule = FaultRule::new(Fault::SuspendedUser).for_user("olga").for_route("GET", path);
        fixture.github().set_fault(rule);
        let (json, _) = refused(&fixture, "olga", installation, &state).await;
        let json = json.expect_error(422, "VALIDATION");
        assert_eq!(json.json["error"]["details"]["reason"], "account_suspended", "{path}");
        fixture.browser("oscar").connect(installation, &state).await;
        fixture.register(&fixture.acme, installation, &state).await.expect(201);
    }
}

#[track_caller]
fn assert_denied(answer: Response, bound: Option<u64>, cause: &str) {
    let answer = answer.expect_error(422, "VALIDATION");
    let details = &answer.json["error"]["details"];
    assert_eq!(details["cause"], cause, "{}", answer.text);
    assert_eq!(details["boundInstallationId"].as_u64(), bound);
    assert_eq!(details["boundStatus"].as_str(), bound.map(|_| "active"));
    // GitHub's words are for the log.
    assert!(!answer.text.contains("Although you appear"), "{}", answer.text);
}

/// acme's proven state for an unbound installation.
async fn proven(fixture: &Fixture) -> (u64, String) {
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(installation, &state).await;
    (installation, state)
}

#[tokio::test]
async fn a_denied_installation_is_a_422_with_its_cause_and_works_again_afterwards_c08() {
    for (fault, cause) in [
        (Fault::IpAllowList, "ip_blocked"),
        (Fault::LegalBlock, "legal_block"),
        (Fault::MissingPermission { accepted: "metadata=read".into() }, "permission_missing"),
    ] {
        let fixture = Fixture::start().await;
        let (installation, state) = proven(&fixture).await;
        let deny =
            || fixture.github().set_fault(FaultRule::new(fault.clone()).for_installation(installation));
        let fault_id = deny();
        assert_denied(fixture.register(&fixture.acme, installation, &state).await, None, cause);
        fixture.get(&fixture.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");
        fixture.github().remove_fault(fault_id).unwrap();
        fixture.register(&fixture.acme, installation, &state).await.expect(201);

        deny();
        assert_denied(fixture.get(&fixture.acme, REPOS).await, Some(installation), cause);
        let uninstall = format!("{INSTALLATION}?uninstall=true");
        assert_denied(fixture.delete(&fixture.acme, &uninstall).await, Some(installation), cause);
        assert_eq!(fixture.binding_field("status").await, "active");
        // Another customer's registration and listing go on.
        let other = fixture.installed("mallory-inc", "mallory");
        let state = fixture.fresh_state(&fixture.rival).await;
        fixture.browser("mallory").connect(other, &state).await;
        fixture.register(&fixture.rival, other, &state).await.expect(201);
        fixture.get(&fixture.rival, REPOS).await.expect(200);

        fixture.github().clear_faults();
        fixture.get(&fixture.acme, REPOS).await.expect(200);
    }
}

/// The mint or the listing alone is denied; a 422 of the mint names what is not accessible to the parent installation.
#[tokio::test]
async fn a_denied_mint_or_listing_is_a_422_with_its_cause_c08() {
    for (fault, method, path, cause) in [
        (Fault::IpAllowList, "POST", "/api/v3/app/installations/{id}/access_tokens", "ip_blocked"),
        (
            Fault::NotAccessibleToParent,
            "POST",
            "/api/v3/app/installations/{id}/access_tokens",
            "permission_missing",
        ),
        (Fault::IpAllowList, "GET", "/api/v3/installation/repositories", "ip_blocked"),
        (Fault::LegalBlock, "GET", "/api/v3/installation/repositories", "legal_block"),
    ] {
        let fixture = Fixture::start().await;
        let (installation, state) = proven(&fixture).await;
        fixture.register(&fixture.acme, installation, &state).await.expect(201);
        fixture.github().set_fault(FaultRule::new(fault).for_route(method, path));
        assert_denied(fixture.get(&fixture.acme, REPOS).await, Some(installation), cause);
        fixture.github().clear_faults();
        fixture.get(&fixture.acme, REPOS).await.expect(200);
    }
}

/// Under the policy `state` nothing is proven, so a denied installation looks like one that does not exist.
#[tokio::test]
async fn an_unproven_registration_does_not_tell_that_the_installation_exists_i_10() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.github().set_fault(FaultRule::new(Fault::IpAllowList).for_installation(installation));
    let denied = fixture.register(&fixture.acme, installation, &state).await.expect_error(422, "VALIDATION");
    let absent = fixture.register(&fixture.acme, 9_999_999, &state).await.expect_error(422, "VALIDATION");
    let details = |answer: &Response| answer.json["error"]["details"].clone();
    assert_eq!(details(&denied), details(&absent));
    assert_eq!(denied.issues(), ["installationId not_claimable"]);
}

async fn list(fixture: &Fixture, tenant: &Tenant) -> u16 {
    fixture.get(tenant, REPOS).await.status
}

/// `Retry-After: 3600` on one visitor's `GET /user`, or on one installation's listing.
#[tokio::test]
async fn a_limit_of_one_visitor_or_installation_stops_nobody_else_l_70_c09() {
    let fixture = Fixture::start().await;
    let (installation, state) = proven(&fixture).await;
    fixture.register(&fixture.acme, installation, &state).await.expect(201);
    let other = fixture.installed("mallory-inc", "mallory");
    let state = fixture.fresh_state(&fixture.rival).await;

    let limit = || FaultRule::new(Fault::SecondaryRateLimit { retry_after: Some(3_600), status: 403 });
    fixture.github().set_fault(limit().for_user("mallory").for_route("GET", "/api/v3/user"));
    let visit = fixture.browser("mallory").arrive_with(other, &state).await.expect(503);
    assert_eq!(visit.header("retry-after"), "3600");
    // Another visitor, a registration and a listing go on.
    fixture.github().create_user("oscar").unwrap();
    fixture.github().set_membership("mallory-inc", "oscar", Role::Admin).unwrap();
    fixture.browser("oscar").connect(other, &state).await;
    fixture.register(&fixture.rival, other, &state).await.expect(201);

    fixture.github().set_fault(
        limit().for_installation(installation).for_route("GET", "/api/v3/installation/repositories"),
    );
    assert_eq!(list(&fixture, &fixture.acme).await, 503);
    assert_eq!(list(&fixture, &fixture.rival).await, 200);
    // The limited installation is not asked again before the time, and the App's own calls go on.
    fixture.github().clear_faults();
    fixture.github().clear_requests();
    assert_eq!(list(&fixture, &fixture.acme).await, 503);
    assert_eq!(fixture.github().count_requests("GET", "/api/v3/installation/repositories"), 0);
    assert_eq!(list(&fixture, &fixture.rival).await, 200);
    fixture.delete(&fixture.rival, &format!("{INSTALLATION}?uninstall=true")).await.expect(204);
}
