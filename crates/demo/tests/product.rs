//! The product's pages, as a person in a browser uses them.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use dockline::ClaimPolicy;
use dockline_demo::environment::Environment;
use dockline_demo::http_client::loopback;
use dockline_demo::scenario::{Browser, Response};

async fn start() -> (Environment, Browser) {
    (support::start(ClaimPolicy::Controlled).await, Browser::new().unwrap())
}

/// Goes from the product's page to the confirmation page.
async fn install(environment: &Environment, browser: &Browser) -> Response {
    let page = browser.open(&environment.addresses().product).await.unwrap();
    let redirect = browser.press(&page, "connect").await.unwrap();
    assert_eq!(redirect.status, 303);
    let url = redirect.location().unwrap().to_string();
    assert!(url.starts_with(&environment.addresses().github), "{url}");
    let page = browser.open(&url).await.unwrap();
    let account = page.option("acme-coffee").unwrap();
    let page = browser.open(&format!("{url}&account={account}")).await.unwrap();
    let installed = browser.press(&page, "install").await.unwrap();
    browser.follow(&installed).await.unwrap()
}

async fn connect(environment: &Environment, browser: &Browser) -> Response {
    let confirmation = install(environment, browser).await;
    let back = browser.press(&confirmation, "confirm").await.unwrap();
    let connected = browser.follow(&back).await.unwrap();
    browser.follow(&connected).await.unwrap()
}

#[tokio::test]
async fn account_can_be_connected_disconnected_and_connected_again() {
    let (environment, browser) = start().await;
    let page = browser.open(&environment.addresses().product).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Not connected"));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let page = connect(&environment, &browser).await;
        assert_eq!(page.url.as_str(), environment.addresses().product);
        assert_eq!(page.text("bound-login").as_deref(), Some("acme-coffee"));
        assert_eq!(page.text("bound-status").as_deref(), Some("active"));
        ids.push(page.text("bound-id").unwrap());
        let redirect = browser.press(&page, "detach").await.unwrap();
        let page = browser.follow(&redirect).await.unwrap();
        assert_eq!(page.text("status").as_deref(), Some("Not connected"));
        assert!(page.has("connect"));
    }
    assert_ne!(ids[0], ids[1], "GitHub never reuses an installation id");
    environment.stop().await;
}

/// Returns the steps on the product's page, once it shows one with this text.
async fn steps_with(environment: &Environment, browser: &Browser, text: &str) -> String {
    let shown = async {
        loop {
            let page = browser.open(&environment.addresses().product).await.unwrap();
            if let Some(steps) = page.text("steps").filter(|steps| steps.contains(text)) {
                return steps;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), shown).await.unwrap()
}

#[tokio::test]
async fn page_shows_who_proved_what_what_was_refused_and_what_the_product_received() {
    let (environment, browser) = start().await;
    let page = browser.open(&environment.addresses().product).await.unwrap();
    assert!(!page.has("steps"));
    let page = connect(&environment, &browser).await;
    let id = page.text("bound-id").unwrap();
    let steps =
        steps_with(&environment, &browser, "Bean Counter received the event installation.registered.").await;
    let proved = format!("the visitor proved to administer the account of installation {id}");
    let bound = format!("org_acme posted installation {id} with its state, and Dockline bound the two.");
    assert!(steps.contains(&proved) && steps.contains(&bound), "{steps}");

    let rival = loopback().build().unwrap();
    let url = format!("{}/v1/github/installation", environment.addresses().api);
    let key = secrecy::ExposeSecret::expose_secret(&environment.rival().key).to_owned();
    let link =
        rival.get(format!("{url}/install-url?returnUrl=https%3A%2F%2Fapp.example.com%2F")).bearer_auth(&key);
    let link: serde_json::Value = link.send().await.unwrap().json().await.unwrap();
    let body = serde_json::json!({ "installationId": id.parse::<u64>().unwrap(), "state": link["state"] });
    assert_eq!(rival.post(url).bearer_auth(&key).json(&body).send().await.unwrap().status(), 422);
    let refused = format!("Refused Dockline refused to bind installation {id} to org_rival: ");
    steps_with(&environment, &browser, &refused).await;
    environment.stop().await;
}

#[tokio::test]
async fn state_of_another_browser_is_rejected_and_nothing_is_bound() {
    let (environment, attacker) = start().await;
    let confirmation = install(&environment, &attacker).await;
    let back = attacker.press(&confirmation, "confirm").await.unwrap();
    // The attacker stops here and sends the URL to a victim.
    let victim = Browser::new().unwrap();
    for _ in 0..2 {
        let rejected = victim.follow(&back).await.unwrap();
        assert_eq!(rejected.status, 403);
        assert_eq!(rejected.text("error-code").as_deref(), Some("STATE_MISMATCH"));
        // The second time the victim has a state of its own.
        let page = victim.open(&environment.addresses().product).await.unwrap();
        assert!(page.has("connect"));
        victim.press(&page, "connect").await.unwrap();
    }
    environment.stop().await;
}

#[tokio::test]
async fn cancelling_or_requesting_binds_nothing_and_says_so() {
    let (environment, browser) = start().await;
    let confirmation = install(&environment, &browser).await;
    let back = browser.press(&confirmation, "cancel").await.unwrap();
    let page = browser.follow(&back).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Cancelled"));

    // An owner has to approve the request, so that GitHub returns no installation.
    let page = browser.open(&environment.addresses().product).await.unwrap();
    let redirect = browser.press(&page, "connect").await.unwrap();
    let state = redirect.redirect_parameter("state").unwrap();
    let callback = format!("{}/v1/github/installation/callback", environment.addresses().api);
    let back = browser.open(&format!("{callback}?setup_action=request&state={state}")).await.unwrap();
    let page = browser.follow(&back).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Waiting for an owner"));

    let page = browser.open(&environment.addresses().product).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Not connected"));
    environment.stop().await;
}

#[tokio::test]
async fn rejections_of_the_api_are_shown_with_their_code() {
    let (environment, browser) = start().await;
    let page = browser.open(&environment.addresses().product).await.unwrap();
    let redirect = browser.press(&page, "connect").await.unwrap();
    let state = redirect.redirect_parameter("state").unwrap();
    // Skips GitHub and the confirmation page.
    let return_url = &environment.addresses().return_url;
    let url = format!("{return_url}?installation_id=1&state={state}&setup_action=install");
    let rejected = browser.open(&url).await.unwrap();
    assert_eq!(rejected.text("error-code").as_deref(), Some("VALIDATION"));
    environment.stop().await;
}

#[tokio::test]
async fn pages_contain_no_key_run_no_script_and_accept_no_cross_site_form() {
    let (environment, browser) = start().await;
    let page = browser.open(&environment.addresses().product).await.unwrap();
    assert!(!page.body.contains("lp_test_") && !page.body.contains("<script"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let forged = loopback()
        .build()
        .unwrap()
        .post(format!("{}/detach", environment.addresses().product))
        .header("sec-fetch-site", "same-site")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 403);
    environment.stop().await;
}
