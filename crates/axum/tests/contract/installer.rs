//! Whoever installed it may connect it, also where GitHub does not tell who administers the account (`design.md` §3;
//! L-09, L-28, L-29): webhook and browser come in either order, and the webhook may be lost.

use dockline::ClaimPolicy;
use dockline_github_sim::{DeliveryMode, NewApp, Role};
use reqwest::Url;

use crate::answer::Answer;
use crate::browser::parameter;
use crate::world::{Choice, INSTALLATION, World};

const STATE: &str = "state-of-the-backend-0123";

/// Policy "controlled", an App without "Members: read", and GitHub's webhooks as `mode` says. oscar administers
/// acme-coffee, too.
async fn world(mode: DeliveryMode) -> World {
    let app: fn(NewApp) -> NewApp = |app| app.with_permissions([("metadata", "read")]);
    let choice = Choice { policy: ClaimPolicy::Controlled, app, webhooks: true, ..Choice::default() };
    let world = World::with(choice).await;
    world.github().create_user("oscar").unwrap();
    world.github().set_membership("acme-coffee", "oscar", Role::Admin).unwrap();
    world.settled().await;
    world.github().clear_deliveries();
    world.github().set_delivery_mode(mode);
    world
}

impl World {
    /// Installs the App in the browser of `user`, from acme's link; where GitHub sends the browser, and the installation.
    async fn install_in_browser(&self, user: &'static str) -> (String, u64) {
        let link = self.begin(&self.acme, STATE).await.expect(200);
        let link = link.json["installUrl"].as_str().unwrap().to_owned();
        let account = self.github().install(self.app.app_id, "acme-coffee", "olga").unwrap();
        // Only to learn the account's number.
        let number = self.github().installation(account).unwrap().account_id;
        self.github().uninstall(account).unwrap();
        self.github().clear_deliveries();
        let back = self.browser(user).press("install", number, &link).await;
        let installation = parameter(&Url::parse(&back).unwrap(), "installation_id").unwrap();
        // Whatever came: nobody is bound to anything.
        self.get(&self.acme, INSTALLATION).await.expect(404);
        self.get(&self.rival, INSTALLATION).await.expect(404);
        (back, installation.parse().unwrap())
    }

    /// Posts what GitHub holds back, twice.
    async fn let_deliveries_come(&self) {
        for delivery in self.github().deliveries() {
            for _ in 0..2 {
                let delivery = self.github().deliver(delivery.id).await.unwrap();
                assert_eq!(delivery.outcome.unwrap().status_code, 202);
            }
        }
        self.settled().await;
        self.get(&self.rival, INSTALLATION).await.expect(404);
    }

    fn asked_for_deliveries(&self) -> usize {
        self.github().count_requests("GET", "/api/v3/app/hook/deliveries")
    }
}

/// When the webhook about the installation comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    BeforeTheBrowser,
    BeforeTheAnswer,
    BeforeThePost,
    AfterThePost,
}

#[tokio::test]
async fn the_installer_connects_it_whenever_the_webhook_comes() {
    for comes in [Comes::BeforeTheBrowser, Comes::BeforeTheAnswer, Comes::BeforeThePost, Comes::AfterThePost]
    {
        let world = world(DeliveryMode::Held).await;
        let (back, installation) = world.install_in_browser("olga").await;
        if comes == Comes::BeforeTheBrowser {
            world.let_deliveries_come().await;
        }
        let olga = world.browser("olga");
        let page = olga.arrive(&back).await.expect(200);
        if comes == Comes::BeforeTheAnswer {
            world.let_deliveries_come().await;
        }
        olga.answer(&page, "confirm").await.expect(303);
        if comes == Comes::BeforeThePost {
            world.let_deliveries_come().await;
        }
        if comes == Comes::AfterThePost {
            // A claim to nothing until it is known who installed it.
            let early =
                world.register(&world.acme, installation, STATE).await.expect_error(422, "VALIDATION");
            assert_eq!(early.issues(), ["installationId not_claimable"]);
            world.let_deliveries_come().await;
        }
        world.register(&world.acme, installation, STATE).await.expect(201);
        world.get(&world.rival, INSTALLATION).await.expect(404);
        assert!(world.asked_for_deliveries() <= 1, "{comes:?}");
        // And it stays so, whatever comes again.
        world.let_deliveries_come().await;
        assert_eq!(world.seen("status").await, "active", "{comes:?}");
    }
}

#[tokio::test]
async fn a_lost_webhook_is_looked_up_at_github_once() {
    let world = world(DeliveryMode::Dropped).await;
    let (back, installation) = world.install_in_browser("olga").await;
    world.settled().await;
    let olga = world.browser("olga");
    let page = olga.arrive(&back).await.expect(200);
    assert_eq!(world.asked_for_deliveries(), 0);
    olga.answer(&page, "confirm").await.expect(303);
    let asked = world.github().requests();
    let lists = asked.iter().filter(|request| request.path == "/api/v3/app/hook/deliveries").count();
    assert_eq!(lists, 1, "{asked:?}");
    world.register(&world.acme, installation, STATE).await.expect(201);
    let asked = world.github().requests();
    let lists = asked.iter().filter(|request| request.path == "/api/v3/app/hook/deliveries").count();
    assert_eq!(lists, 1, "{asked:?}");
}

/// oscar installed it; olga administers the account as well, which GitHub does not tell this App.
#[tokio::test]
async fn what_somebody_else_installed_is_not_connected_in_either_order() {
    for comes in [Comes::BeforeTheBrowser, Comes::BeforeTheAnswer, Comes::BeforeThePost] {
        let world = world(DeliveryMode::Held).await;
        let (_, installation) = world.install_in_browser("oscar").await;
        if comes == Comes::BeforeTheBrowser {
            world.let_deliveries_come().await;
        }
        let olga = world.browser("olga");
        let claims = world.callback(&format!(
            "code={}&installation_id={installation}&setup_action=install&state={STATE}",
            world.code("olga")
        ));
        let page = olga.arrive(&claims).await;
        if comes == Comes::BeforeTheBrowser {
            assert!(page.expect(422).text.contains("name you an administrator"));
        } else {
            let page = page.expect(200);
            if comes == Comes::BeforeTheAnswer {
                world.let_deliveries_come().await;
                let refused = olga.answer(&page, "confirm").await.expect(422);
                assert!(refused.text.contains("name you an administrator"), "{}", refused.text);
            } else {
                olga.answer(&page, "confirm").await.expect(303);
                world.let_deliveries_come().await;
            }
        }
        let refused = world.register(&world.acme, installation, STATE).await.expect_error(422, "VALIDATION");
        assert_eq!(refused.issues(), ["installationId not_claimable"], "{comes:?}");
        world.get(&world.acme, INSTALLATION).await.expect(404);
    }
}

/// Without `setup_action=install` nobody says that it was just now, so nobody is waited for.
#[tokio::test]
async fn who_does_not_say_that_they_have_just_installed_it_is_refused_at_once() {
    let world = world(DeliveryMode::Held).await;
    let (_, installation) = world.install_in_browser("olga").await;
    let code = world.code("olga");
    let query = format!("code={code}&installation_id={installation}&setup_action=update&state={STATE}");
    let answer = Answer::of(world.http.get(world.callback(&query))).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.json["error"]["details"]["reason"], "not_administered");
}
