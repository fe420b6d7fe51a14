//! The product's page, as a person in a browser goes through it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use dockline::ClaimPolicy;
use dockline_listener::ListenAddr;
use dockline_server::demo::Demo;
use dockline_server::http_client::loopback;
use dockline_server::walk::{Browser, Exchange};

async fn demo() -> Demo {
    Demo::start(ListenAddr::loopback(0), ListenAddr::loopback(0), ClaimPolicy::Controlled).await.unwrap()
}

fn browser() -> Browser {
    Browser::new(loopback().unwrap())
}

/// From the product's page to our question.
async fn to_the_question(demo: &Demo, browser: &mut Browser) -> Exchange {
    let page = browser.open(&demo.addresses().product).await.unwrap();
    let redirect = browser.press(&page, "connect").await.unwrap();
    assert_eq!(redirect.status, 303);
    let url = redirect.location().unwrap().to_owned();
    assert!(url.starts_with(&demo.addresses().github), "{url}");
    let page = browser.open(&url).await.unwrap();
    let account = page.option("acme-coffee").unwrap();
    let page = browser.open(&format!("{url}&account={account}")).await.unwrap();
    let installed = browser.press(&page, "install").await.unwrap();
    browser.follow(&installed).await.unwrap()
}

async fn connect(demo: &Demo, browser: &mut Browser) -> Exchange {
    let question = to_the_question(demo, browser).await;
    let back = browser.press(&question, "confirm").await.unwrap();
    let connected = browser.follow(&back).await.unwrap();
    browser.follow(&connected).await.unwrap()
}

#[tokio::test]
async fn a_person_connects_disconnects_and_connects_again() {
    let demo = demo().await;
    let mut browser = browser();
    let page = browser.open(&demo.addresses().product).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Not connected"));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let page = connect(&demo, &mut browser).await;
        assert_eq!(page.url.as_str(), demo.addresses().product);
        assert_eq!(page.text("bound-login").as_deref(), Some("acme-coffee"));
        assert_eq!(page.text("bound-status").as_deref(), Some("active"));
        ids.push(page.text("bound-id").unwrap());
        let redirect = browser.press(&page, "detach").await.unwrap();
        let page = browser.follow(&redirect).await.unwrap();
        assert_eq!(page.text("status").as_deref(), Some("Not connected"));
        assert!(page.has("connect"));
    }
    assert_ne!(ids[0], ids[1], "GitHub gives no number twice");
    demo.stop().await;
}

#[tokio::test]
async fn a_state_that_is_not_this_browsers_is_refused_and_nothing_is_bound() {
    let demo = demo().await;
    let mut attacker = browser();
    let question = to_the_question(&demo, &mut attacker).await;
    let back = attacker.press(&question, "confirm").await.unwrap();
    // The attacker stops here, and sends the address to somebody.
    let mut victim = browser();
    for _ in 0..2 {
        let refused = victim.follow(&back).await.unwrap();
        assert_eq!(refused.status, 403);
        assert_eq!(refused.text("error-code").as_deref(), Some("STATE_MISMATCH"));
        // A state of the victim's own changes nothing.
        let page = victim.open(&demo.addresses().product).await.unwrap();
        assert!(page.has("connect"));
        victim.press(&page, "connect").await.unwrap();
    }
    demo.stop().await;
}

#[tokio::test]
async fn cancelling_and_waiting_are_told_and_bind_nothing() {
    let demo = demo().await;
    let mut browser = browser();
    let question = to_the_question(&demo, &mut browser).await;
    let back = browser.press(&question, "cancel").await.unwrap();
    let page = browser.follow(&back).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Cancelled"));

    // An owner has to agree: no installation comes back.
    let page = browser.open(&demo.addresses().product).await.unwrap();
    let redirect = browser.press(&page, "connect").await.unwrap();
    let state = redirect.redirected_with("state").unwrap();
    let callback = format!("{}/v1/github/installation/callback", demo.addresses().api);
    let sent_on = browser.open(&format!("{callback}?setup_action=request&state={state}")).await.unwrap();
    let page = browser.follow(&sent_on).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Waiting for an owner"));

    let page = browser.open(&demo.addresses().product).await.unwrap();
    assert_eq!(page.text("status").as_deref(), Some("Not connected"));
    demo.stop().await;
}

#[tokio::test]
async fn what_the_api_refuses_is_shown_with_its_code() {
    let demo = demo().await;
    let mut browser = browser();
    let page = browser.open(&demo.addresses().product).await.unwrap();
    let redirect = browser.press(&page, "connect").await.unwrap();
    let state = redirect.redirected_with("state").unwrap();
    // Straight to the end, past GitHub and our question.
    let end = format!("{}?installation_id=1&state={state}&setup_action=install", demo.addresses().return_url);
    let refused = browser.open(&end).await.unwrap();
    assert_eq!(refused.text("error-code").as_deref(), Some("VALIDATION"));
    demo.stop().await;
}

#[tokio::test]
async fn pages_hold_no_key_run_nothing_and_take_no_foreign_form() {
    let demo = demo().await;
    let mut browser = browser();
    let page = browser.open(&demo.addresses().product).await.unwrap();
    assert!(!page.body.contains("lp_test_") && !page.body.contains("<script"), "{}", page.body);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let forged = loopback()
        .unwrap()
        .post(format!("{}/detach", demo.addresses().product))
        .header("sec-fetch-site", "same-site")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 403);
    demo.stop().await;
}
