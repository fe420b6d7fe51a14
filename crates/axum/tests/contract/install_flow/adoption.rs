//! An App that is installed already: GitHub shows its configure page and redirects the browser without a code (L-61).

use reqwest::Url;

use crate::browser::{Browser, parameter};
use crate::fixture::{Fixture, RETURN_URL};
use crate::response::Response;

impl Fixture {
    fn account(&self, installation: u64) -> u64 {
        self.github().installation(installation).unwrap().account_id
    }

    /// Goes from install-url through the configure page to GitHub's web flow; returns its URL.
    async fn configured(&self, installation: u64, browser: &Browser<'_>, state: &str) -> String {
        let link = self.start_install(&self.acme, state).await.expect(200);
        let link = link.json["installUrl"].as_str().unwrap().to_owned();
        let account = self.account(installation);
        let back = browser.press("save", account, &link).await;
        let back_url = Url::parse(&back).unwrap();
        assert_eq!(parameter(&back_url, "setup_action").as_deref(), Some("update"), "{back}");
        assert_eq!(parameter(&back_url, "code"), None, "{back}");
        let sent = browser.arrive(&back).await.expect(302);
        assert_eq!(sent.header("cache-control"), "no-store");
        sent.header("location").to_owned()
    }
}

const STATE: &str = "state-of-the-adopting-backend";

#[tokio::test]
async fn what_was_installed_before_is_connected_by_its_administrator() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let olga = fixture.browser("olga");
    let authorize = fixture.configured(installation, &olga, STATE).await;
    assert!(authorize.starts_with(&format!("{}/login/oauth/authorize?", fixture.sim.web)), "{authorize}");
    let back = fixture.github_redirect("olga", &authorize).await;
    let with = parameter(&Url::parse(&back).unwrap(), "state").unwrap();
    let flow = with.strip_prefix(STATE).and_then(|rest| rest.strip_suffix(&format!("~{installation}~u")));
    assert_eq!(flow.map(str::len), Some(18), "{with}");
    let page = olga.arrive(&back).await.expect(200);
    assert!(page.text.contains("acme-coffee") && page.text.contains("Acme Coffee"), "{}", page.text);
    let home = olga.answer(&page, "confirm").await.expect(303);
    let expected = format!("{RETURN_URL}?installation_id={installation}&state={STATE}&setup_action=update");
    assert_eq!(home.header("location"), expected);
    let bound = fixture.register(&fixture.acme, installation, STATE).await.expect(201);
    assert_eq!(bound.json["orgLogin"], "acme-coffee");
    // The same after a detach, with a new state.
    fixture.delete(&fixture.acme, crate::fixture::INSTALLATION).await.expect(204);
    let again = "another-state-of-the-backend";
    let authorize = fixture.configured(installation, &olga, again).await;
    let back = fixture.github_redirect("olga", &authorize).await;
    let page = olga.arrive(&back).await.expect(200);
    olga.answer(&page, "confirm").await.expect(303);
    fixture.register(&fixture.acme, installation, again).await.expect(201);
}

#[tokio::test]
async fn a_visitor_who_denies_authorization_is_rejected_and_can_retry() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    let olga = fixture.browser("olga");
    let authorize = fixture.configured(installation, &olga, STATE).await;
    fixture.github().refuse_authorization("olga", true).unwrap();
    let back = fixture.github_redirect("olga", &authorize).await;
    assert!(back.contains("error=access_denied"), "{back}");
    let denied = Response::of(fixture.http.get(&back)).await.expect_error(422, "VALIDATION");
    assert_eq!(denied.json["error"]["details"]["reason"], "authorization_denied");
    assert_eq!(denied.header("location"), "");
    fixture.register(&fixture.acme, installation, STATE).await.expect(422);
    fixture.github().refuse_authorization("olga", false).unwrap();
    let back = fixture.github_redirect("olga", &authorize).await;
    let page = olga.arrive(&back).await.expect(200);
    olga.answer(&page, "confirm").await.expect(303);
    fixture.register(&fixture.acme, installation, STATE).await.expect(201);
}

/// The id beside the state can be forged like any parameter; GitHub's answer about the visitor decides (L-01).
#[tokio::test]
async fn a_number_that_was_put_beside_the_state_proves_nothing() {
    let fixture = Fixture::start().await;
    let victims = fixture.installed("acme-coffee", "olga");
    let state = fixture.fresh_state(&fixture.rival).await;
    let mallory = fixture.browser("mallory");
    let query = format!("installation_id={victims}&state={state}");
    let authorize = mallory.arrive(&fixture.callback(&query)).await.expect(302);
    let back = fixture.github_redirect("mallory", authorize.header("location")).await;
    let page = mallory.arrive(&back).await.expect(422);
    assert!(page.text.contains("You cannot see this installation"), "{}", page.text);
    fixture.register(&fixture.rival, victims, &state).await.expect(422);
}

/// A caller's own state may contain `~` and digits after it.
#[tokio::test]
async fn an_own_state_with_a_tilde_and_digits_works() {
    let fixture = Fixture::start().await;
    let installation = fixture.installed("acme-coffee", "olga");
    for state in ["my-own-long-enough-state~123", "another-long-enough-state~~7~"] {
        // The ordinary flow.
        let link = fixture.start_install(&fixture.acme, state).await.expect(200);
        assert_eq!(link.json["state"], *state);
        fixture.browser("olga").connect(installation, state).await;
        fixture.register(&fixture.acme, installation, state).await.expect(201);
        fixture.delete(&fixture.acme, crate::fixture::INSTALLATION).await.expect(204);
    }
    // The flow through GitHub's web flow.
    let state = "a-third-long-enough-state~123";
    let olga = fixture.browser("olga");
    let authorize = fixture.configured(installation, &olga, state).await;
    let back = fixture.github_redirect("olga", &authorize).await;
    let page = olga.arrive(&back).await.expect(200);
    let home = olga.answer(&page, "confirm").await.expect(303);
    assert!(home.header("location").contains("state=a-third-long-enough-state"), "{home:?}");
    fixture.register(&fixture.acme, installation, state).await.expect(201);
}
