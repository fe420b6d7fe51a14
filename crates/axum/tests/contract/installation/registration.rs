//! `POST` and `GET /v1/github/installation` without failures (I4, I5).

use dockline::ClaimPolicy;
use dockline::ports::Event;
use reqwest::Url;

use crate::browser::parameter;
use crate::fixture::{Fixture, INSTALLATION, RETURN_URL};

fn is_timestamp(text: &str) -> bool {
    let shape = "dddd-dd-ddTdd:dd:dd.dddddd+00:00";
    text.len() == shape.len()
        && text.chars().zip(shape.chars()).all(|(c, s)| if s == 'd' { c.is_ascii_digit() } else { c == s })
}

#[tokio::test]
async fn the_whole_flow_binds_what_the_visitor_installed_and_confirmed() {
    let fixture = Fixture::start().await;
    fixture.get(&fixture.acme, INSTALLATION).await.expect_error(404, "NOT_FOUND");

    let link = fixture.start_install(&fixture.acme, "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK").await.expect(200);
    let account = account_id(&fixture, "acme-coffee");
    let olga = fixture.browser("olga");
    let callback = olga.press("install", account, link.json["installUrl"].as_str().unwrap()).await;
    let page = olga.arrive(&callback).await.expect(200);
    assert!(page.text.contains("acme-coffee") && page.text.contains("Acme Coffee"), "{}", page.text);
    let back = olga.answer(&page, "confirm").await.expect(303);
    let back = Url::parse(back.header("location")).unwrap();
    assert!(back.as_str().starts_with(RETURN_URL), "{back}");
    assert_eq!(parameter(&back, "setup_action").as_deref(), Some("install"));
    let state = parameter(&back, "state").unwrap();
    assert_eq!(state, "lUNN5tIRm-K3a8sBXvBQDxVOCgz2x9YK");
    let installation: u64 = parameter(&back, "installation_id").unwrap().parse().unwrap();

    let created = fixture.register(&fixture.acme, installation, &state).await.expect(201);
    let registered_at = created.json["registeredAt"].as_str().unwrap().to_owned();
    assert!(is_timestamp(&registered_at), "{registered_at}");
    // Exactly these five fields in this order.
    let expected = format!(
        r#"{{"installationId":{installation},"githubAccount":{{"login":"acme-coffee","type":"Organization"}},"#
    ) + &format!(
        r#""orgLogin":"acme-coffee","status":"active","registeredAt":"{registered_at}"}}"#
    );
    assert_eq!(created.text, expected);
    assert_eq!(created.header("content-type"), "application/json");
    assert_eq!(created.header("idempotent-replayed"), "");

    // I4: byte-identical, with the header, and without a call to GitHub.
    fixture.github().clear_requests();
    let again = fixture.register(&fixture.acme, installation, &state).await.expect(201);
    assert_eq!(again.text, created.text);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert!(fixture.github().requests().is_empty());

    let inspected = fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
    let verified_at = inspected.json["lastVerifiedAt"].as_str().unwrap();
    assert!(is_timestamp(verified_at) && verified_at <= registered_at.as_str(), "{verified_at}");
    let sixth = format!(r#","lastVerifiedAt":"{verified_at}"}}"#);
    assert_eq!(inspected.text, created.text.trim_end_matches('}').to_owned() + &sixth);

    // The proof is recorded with the binding (I2).
    let proofs: Vec<_> = fixture
        .events
        .recorded()
        .into_iter()
        .filter_map(|event| if let Event::Registered { proof, .. } = event { Some(proof) } else { None })
        .collect();
    assert_eq!(proofs, [dockline::Proof::Administered]);
    // The visitor's token was revoked.
    assert_eq!(fixture.github().live_user_tokens(), 0);
}

fn account_id(fixture: &Fixture, login: &str) -> u64 {
    // An installation shows the id of its account; a throw-away installation of a second App is enough.
    let other = dockline_github_sim::NewApp::new("number-teller", "https://teller.example.com/");
    let other = fixture.github().create_app(other).unwrap();
    let installation = fixture.github().install(other.app_id, login, "olga").unwrap();
    fixture.github().installation(installation).unwrap().account_id
}

#[tokio::test]
async fn a_user_account_has_its_login_as_org_login_too() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("olga", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.browser("olga").connect(installation, &state).await;
    let created = fixture.register(&fixture.acme, installation, &state).await.expect(201);
    assert_eq!(created.json["githubAccount"]["type"], "User");
    assert_eq!(created.json["orgLogin"], "olga");
}

#[tokio::test]
async fn a_suspended_installation_is_bound_as_suspended() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    fixture.github().suspend(installation, None).unwrap();
    let state = fixture.fresh_state(&fixture.acme).await;
    let created = fixture.register(&fixture.acme, installation, &state).await.expect(201);
    assert_eq!(created.json["status"], "suspended");
}

#[tokio::test]
async fn a_replay_needs_no_live_state_but_a_well_formed_one() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let created = fixture.register(&fixture.acme, installation, &state).await.expect(201);
    fixture.clock.advance(time::Duration::days(400));
    for any in [state.as_str(), "never-issued-by-anybody"] {
        let again = fixture.register(&fixture.acme, installation, any).await.expect(201);
        assert_eq!(again.text, created.text);
    }
    let malformed = fixture.register(&fixture.acme, installation, "not a state").await;
    assert_eq!(malformed.expect_error(422, "VALIDATION").issues(), ["state malformed"]);
}

#[tokio::test]
async fn another_id_is_a_conflict_that_changes_nothing() {
    let fixture = Fixture::with_policy(ClaimPolicy::State).await;
    let first = fixture.installed("acme-coffee", "olga");
    let second = fixture.installed("olga", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    fixture.register(&fixture.acme, first, &state).await.expect(201);
    let before = fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
    // The same with a new state and for an unknown id: the caller's own binding decides.
    for (other, state) in [(second, fixture.fresh_state(&fixture.acme).await), (999, state)] {
        let conflict = fixture.register(&fixture.acme, other, &state).await.expect_error(409, "CONFLICT");
        let details = &conflict.json["error"]["details"];
        assert_eq!(details["boundInstallationId"], first);
        assert_eq!(details["boundStatus"], "active");
        assert_eq!(details.as_object().unwrap().len(), 2);
    }
    let after = fixture.get(&fixture.acme, INSTALLATION).await.expect(200);
    assert_eq!(after.text, before.text);
}

#[tokio::test]
async fn two_organizations_bind_their_own_side_by_side() {
    let fixture = Fixture::start().await;
    for (tenant, user, account) in
        [(&fixture.acme, "olga", "acme-coffee"), (&fixture.rival, "mallory", "mallory-inc")]
    {
        let installation = fixture.installed(account, user);
        let state = fixture.fresh_state(tenant).await;
        fixture.browser(user).connect(installation, &state).await;
        let created = fixture.register(tenant, installation, &state).await.expect(201);
        assert_eq!(created.json["orgLogin"], account);
    }
}

#[tokio::test]
async fn many_calls_at_once_make_one_binding_with_one_timestamp() {
    let fixture = std::sync::Arc::new(Fixture::with_policy(ClaimPolicy::State).await);
    let installation = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.acme).await;
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let (fixture, state) = (fixture.clone(), state.clone());
            tokio::spawn(
                async move { fixture.register(&fixture.acme, installation, &state).await.expect(201) },
            )
        })
        .collect();
    let mut bodies = std::collections::HashSet::new();
    let mut created = 0;
    for call in calls {
        let answer = call.await.unwrap();
        created += usize::from(answer.header("idempotent-replayed").is_empty());
        bodies.insert(answer.text);
    }
    assert_eq!((bodies.len(), created), (1, 1));
}
