//! Under the policy `installer`, who installed the App may connect it even if the App may not see who administers the account
//! (L-09, L-28, L-29). Webhook and browser arrive in either order, and the webhook may be lost.

use dockline::ClaimPolicy;
use dockline_github_sim::{DeliveryMode, NewApp, Role};
use reqwest::Url;

use crate::browser::parameter;
use crate::fixture::{Fixture, INSTALLATION, Setup};
use crate::response::Response;

const STATE: &str = "state-of-the-backend-0123";

/// Policy `installer`, an App without `Members: read`, and webhooks in `mode`. oscar administers acme-coffee as well.
async fn fixture(mode: DeliveryMode) -> Fixture {
    let app: fn(NewApp) -> NewApp = |app| app.with_permissions([("metadata", "read")]);
    let setup = Setup { policy: ClaimPolicy::Installer, app, webhooks: true, ..Setup::default() };
    let fixture = Fixture::with(setup).await;
    fixture.github().create_user("oscar").unwrap();
    fixture.github().set_membership("acme-coffee", "oscar", Role::Admin).unwrap();
    fixture.settled().await;
    fixture.github().clear_deliveries();
    fixture.github().set_delivery_mode(mode);
    fixture
}

impl Fixture {
    /// Installs the App in the browser of `user` from acme's link; returns the redirect URL and the installation.
    async fn install_in_browser(&self, user: &'static str) -> (String, u64) {
        let link = self.start_install(&self.acme, STATE).await.expect(200);
        let link = link.json["installUrl"].as_str().unwrap().to_owned();
        let account = self.github().install(self.app.app_id, "acme-coffee", "olga").unwrap();
        // A throw-away installation shows the account's id.
        let number = self.github().installation(account).unwrap().account_id;
        self.github().uninstall(account).unwrap();
        self.github().clear_deliveries();
        let back = self.browser(user).press("install", number, &link).await;
        let installation = parameter(&Url::parse(&back).unwrap(), "installation_id").unwrap();
        // Nothing is bound yet.
        self.get(&self.acme, INSTALLATION).await.expect(404);
        self.get(&self.rival, INSTALLATION).await.expect(404);
        (back, installation.parse().unwrap())
    }

    /// Delivers each held event twice.
    async fn deliver_held(&self) {
        for delivery in self.github().deliveries() {
            for _ in 0..2 {
                let delivery = self.github().deliver(delivery.id).await.unwrap();
                assert_eq!(delivery.outcome.unwrap().status_code, 202);
            }
        }
        self.settled().await;
        self.get(&self.rival, INSTALLATION).await.expect(404);
    }

    fn delivery_list_requests(&self) -> usize {
        self.github().count_requests("GET", "/api/v3/app/hook/deliveries")
    }
}

/// When the webhook about the installation arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrives {
    BeforeTheBrowser,
    BeforeTheAnswer,
    BeforeThePost,
    AfterThePost,
}

#[tokio::test]
async fn the_installer_can_connect_it_whenever_the_webhook_arrives() {
    for arrives in
        [Arrives::BeforeTheBrowser, Arrives::BeforeTheAnswer, Arrives::BeforeThePost, Arrives::AfterThePost]
    {
        let fixture = fixture(DeliveryMode::Held).await;
        let (back, installation) = fixture.install_in_browser("olga").await;
        if arrives == Arrives::BeforeTheBrowser {
            fixture.deliver_held().await;
        }
        let olga = fixture.browser("olga");
        let page = olga.arrive(&back).await.expect(200);
        if arrives == Arrives::BeforeTheAnswer {
            fixture.deliver_held().await;
        }
        olga.answer(&page, "confirm").await.expect(303);
        if arrives == Arrives::BeforeThePost {
            fixture.deliver_held().await;
        }
        if arrives == Arrives::AfterThePost {
            // Not claimable until the installer is known.
            let early =
                fixture.register(&fixture.acme, installation, STATE).await.expect_error(422, "VALIDATION");
            assert_eq!(early.issues(), ["installationId not_claimable"]);
            fixture.deliver_held().await;
        }
        fixture.register(&fixture.acme, installation, STATE).await.expect(201);
        fixture.get(&fixture.rival, INSTALLATION).await.expect(404);
        assert!(fixture.delivery_list_requests() <= 1, "{arrives:?}");
        // Repeated deliveries do not change it.
        fixture.deliver_held().await;
        assert_eq!(fixture.binding_field("status").await, "active", "{arrives:?}");
    }
}

#[tokio::test]
async fn a_lost_webhook_is_looked_up_at_github_once() {
    let fixture = fixture(DeliveryMode::Dropped).await;
    let (back, installation) = fixture.install_in_browser("olga").await;
    fixture.settled().await;
    let olga = fixture.browser("olga");
    let page = olga.arrive(&back).await.expect(200);
    assert_eq!(fixture.delivery_list_requests(), 0);
    olga.answer(&page, "confirm").await.expect(303);
    let asked = fixture.github().requests();
    let lists = asked.iter().filter(|request| request.path == "/api/v3/app/hook/deliveries").count();
    assert_eq!(lists, 1, "{asked:?}");
    fixture.register(&fixture.acme, installation, STATE).await.expect(201);
    let asked = fixture.github().requests();
    let lists = asked.iter().filter(|request| request.path == "/api/v3/app/hook/deliveries").count();
    assert_eq!(lists, 1, "{asked:?}");
}

/// oscar installed it; olga administers the account as well, which this App cannot see.
#[tokio::test]
async fn another_administrator_cannot_connect_it_in_either_order() {
    for arrives in [Arrives::BeforeTheBrowser, Arrives::BeforeTheAnswer, Arrives::BeforeThePost] {
        let fixture = fixture(DeliveryMode::Held).await;
        let (_, installation) = fixture.install_in_browser("oscar").await;
        if arrives == Arrives::BeforeTheBrowser {
            fixture.deliver_held().await;
        }
        let olga = fixture.browser("olga");
        let claims = fixture.callback(&format!(
            "code={}&installation_id={installation}&setup_action=install&state={STATE}",
            fixture.code("olga")
        ));
        let page = olga.arrive(&claims).await;
        if arrives == Arrives::BeforeTheBrowser {
            assert!(page.expect(422).text.contains("lacks the permission"));
        } else {
            let page = page.expect(200);
            if arrives == Arrives::BeforeTheAnswer {
                fixture.deliver_held().await;
                let refused = olga.answer(&page, "confirm").await.expect(422);
                assert!(refused.text.contains("lacks the permission"), "{}", refused.text);
            } else {
                olga.answer(&page, "confirm").await.expect(303);
                fixture.deliver_held().await;
            }
        }
        let refused =
            fixture.register(&fixture.acme, installation, STATE).await.expect_error(422, "VALIDATION");
        assert_eq!(refused.issues(), ["installationId not_claimable"], "{arrives:?}");
        fixture.get(&fixture.acme, INSTALLATION).await.expect(404);
    }
}

/// Without `setup_action=install` the installation is not new, so no webhook is awaited.
#[tokio::test]
async fn an_update_without_proof_is_refused_at_once() {
    let fixture = fixture(DeliveryMode::Held).await;
    let (_, installation) = fixture.install_in_browser("olga").await;
    let code = fixture.code("olga");
    let query = format!("code={code}&installation_id={installation}&setup_action=update&state={STATE}");
    let answer =
        Response::of(fixture.http.get(fixture.callback(&query))).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.json["error"]["details"]["reason"], "permission_missing");
}
