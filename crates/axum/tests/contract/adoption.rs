//! An App that is installed already: GitHub shows its configure page, and sends the browser back without a code
//! (`design.md` §3; L-61).

use reqwest::Url;

use crate::answer::Answer;
use crate::browser::parameter;
use crate::world::{RETURN_URL, World};

impl World {
    /// Opens a page of GitHub's as `user`; gives where it redirects to.
    async fn sent_on_by_github(&self, user: &str, page: &str) -> String {
        self.github().default_user(Some(user)).unwrap();
        let answer = self.http.get(page).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 302, "{page}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    fn account(&self, installation: u64) -> u64 {
        self.github().installation(installation).unwrap().account_id
    }

    /// From install-url over the configure page to GitHub's web flow; gives its address.
    async fn configured(&self, installation: u64, user: &'static str, state: &str) -> String {
        let link = self.begin(&self.acme, state).await.expect(200);
        let link = link.json["installUrl"].as_str().unwrap().to_owned();
        let account = self.account(installation);
        let back = self.browser(user).press("save", account, &link).await;
        let back_url = Url::parse(&back).unwrap();
        assert_eq!(parameter(&back_url, "setup_action").as_deref(), Some("update"), "{back}");
        assert_eq!(parameter(&back_url, "code"), None, "{back}");
        let sent = Answer::of(self.http.get(&back)).await.expect(302);
        assert_eq!(sent.header("cache-control"), "no-store");
        sent.header("location").to_owned()
    }
}

const STATE: &str = "state-of-the-adopting-backend";

#[tokio::test]
async fn what_was_installed_before_is_connected_by_its_administrator() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let authorize = world.configured(installation, "olga", STATE).await;
    assert!(authorize.starts_with(&format!("{}/login/oauth/authorize?", world.sim.web)), "{authorize}");
    let back = world.sent_on_by_github("olga", &authorize).await;
    let with = parameter(&Url::parse(&back).unwrap(), "state").unwrap();
    assert_eq!(with, format!("{STATE}~{installation}"));
    let olga = world.browser("olga");
    let page = olga.arrive(&back).await.expect(200);
    assert!(page.text.contains("acme-coffee") && page.text.contains("Acme Coffee"), "{}", page.text);
    let home = olga.answer(&page, "confirm").await.expect(303);
    let expected = format!("{RETURN_URL}?installation_id={installation}&state={STATE}&setup_action=update");
    assert_eq!(home.header("location"), expected);
    let bound = world.register(&world.acme, installation, STATE).await.expect(201);
    assert_eq!(bound.json["orgLogin"], "acme-coffee");
    // And after a detach again, with a fresh state.
    world.delete(&world.acme, crate::world::INSTALLATION).await.expect(204);
    let again = "another-state-of-the-backend";
    let authorize = world.configured(installation, "olga", again).await;
    let back = world.sent_on_by_github("olga", &authorize).await;
    let page = olga.arrive(&back).await.expect(200);
    olga.answer(&page, "confirm").await.expect(303);
    world.register(&world.acme, installation, again).await.expect(201);
}

#[tokio::test]
async fn whoever_denies_it_at_github_is_turned_away_and_may_come_again() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let authorize = world.configured(installation, "olga", STATE).await;
    world.github().refuse_authorization("olga", true).unwrap();
    let back = world.sent_on_by_github("olga", &authorize).await;
    assert!(back.contains("error=access_denied"), "{back}");
    let denied = Answer::of(world.http.get(&back)).await.expect_error(422, "VALIDATION");
    assert_eq!(denied.json["error"]["details"]["reason"], "authorization_denied");
    assert_eq!(denied.header("location"), "");
    world.register(&world.acme, installation, STATE).await.expect(422);
    world.github().refuse_authorization("olga", false).unwrap();
    let back = world.sent_on_by_github("olga", &authorize).await;
    let olga = world.browser("olga");
    let page = olga.arrive(&back).await.expect(200);
    olga.answer(&page, "confirm").await.expect(303);
    world.register(&world.acme, installation, STATE).await.expect(201);
}

/// The number beside the state can be made up like any parameter; what counts is what GitHub says of the visitor (L-01).
#[tokio::test]
async fn a_number_that_was_put_beside_the_state_proves_nothing() {
    let world = World::start().await;
    let victims = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.rival).await;
    let authorize = format!(
        "{}/login/oauth/authorize?client_id={}&state={state}~{victims}",
        world.sim.web, world.app.client_id
    );
    let back = world.sent_on_by_github("mallory", &authorize).await;
    let answer = Answer::of(world.http.get(&back)).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.json["error"]["details"]["reason"], "not_visible");
    world.register(&world.rival, victims, &state).await.expect(422);
}

/// `~` may be in a state of the caller's own, digits after it included.
#[tokio::test]
async fn a_state_with_a_number_after_a_tilde_of_its_own_works() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    for state in ["my-own-long-enough-state~123", "another-long-enough-state~~7~"] {
        // In the ordinary flow.
        let link = world.begin(&world.acme, state).await.expect(200);
        assert_eq!(link.json["state"], *state);
        world.browser("olga").connect(installation, state).await;
        world.register(&world.acme, installation, state).await.expect(201);
        world.delete(&world.acme, crate::world::INSTALLATION).await.expect(204);
    }
    // And on the way through GitHub's web flow.
    let state = "a-third-long-enough-state~123";
    let authorize = world.configured(installation, "olga", state).await;
    let back = world.sent_on_by_github("olga", &authorize).await;
    let olga = world.browser("olga");
    let page = olga.arrive(&back).await.expect(200);
    let home = olga.answer(&page, "confirm").await.expect(303);
    assert!(home.header("location").contains("state=a-third-long-enough-state"), "{home:?}");
    world.register(&world.acme, installation, state).await.expect(201);
}
