//! `--create-app`, if something goes wrong between the browser, GitHub and the program.

use dockline_github_sim::{Fault, FaultRule, Garbage};

use crate::create_app::{Flow, init, open, post, scene};
use crate::http_client::loopback;
use crate::scene::{PUBLIC_URL, Scene, ended};

const CONVERSIONS: &str = "/api/v3/app-manifests";

fn conversions(scene: &Scene) -> usize {
    scene.sim.sim().count_requests("POST", CONVERSIONS)
}

fn fault(scene: &Scene, fault: Fault) {
    scene.sim.sim().set_fault(FaultRule::new(fault).for_path(CONVERSIONS).times(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_that_never_comes_back_is_not_waited_for_without_end() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &["--create-app-timeout", "300ms"]));
    let ended = flow.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("--create-app-timeout: the time ended"), "{}", ended.stderr);
    let page = format!("If the App exists, delete it on {}/settings/apps", scene.sim.web);
    assert!(ended.stderr.contains(&page), "{}", ended.stderr);
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_flow_writes_nothing() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
    flow.interrupt();
    let ended = flow.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("dockline: interrupted: nothing was written. If the App exists,"),
        "{}",
        ended.stderr
    );
    assert!(scene.files().is_empty(), "{:?}", scene.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_is_loaded_twice_sends_the_code_once() {
    let scene = scene().await;
    fault(&scene, Fault::Slow { ms: 500 });
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
    let redirect = flow.create("Acme Dock").await;
    let ((first, page), (second, _)) = tokio::join!(open(&redirect), open(&redirect));
    assert_eq!((first, second), (200, 200), "{page}");
    assert_eq!(flow.end().code, Some(0));
    assert_eq!(conversions(&scene), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_stored_if_the_browser_leaves_or_the_program_is_interrupted_during_the_exchange() {
    for interrupted in [false, true] {
        let scene = scene().await;
        fault(&scene, Fault::Slow { ms: 1_000 });
        let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
        let redirect = flow.create("Acme Dock").await;
        let request = tokio::spawn(loopback().get(&redirect).send());
        while conversions(&scene) == 0 {
            tokio::task::yield_now().await;
        }
        request.abort();
        if interrupted {
            flow.interrupt();
        }
        let ended = flow.end();
        // The checks after the files are what is interrupted.
        assert_eq!(ended.code, Some(if interrupted { 130 } else { 0 }), "{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("created the App Acme Dock"), "{}", ended.stdout);
        assert_eq!(scene.files().len(), 4, "{:?}", scene.files());
        assert!(scene.read("github-private-key.pem").starts_with("-----BEGIN "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_of_github_that_is_no_app_ends_the_flow_with_its_cause() {
    for (trouble, expected) in [
        (Fault::Status { code: 422 }, "GitHub refuses the request as invalid (422)"),
        (Fault::Status { code: 404 }, "which is valid once and for an hour"),
        (Fault::Garbage { form: Garbage::default() }, "the response is not one of GitHub's"),
        (Fault::WrongJson, "the response is not one of GitHub's"),
        (Fault::Huge, "the response"),
        (
            Fault::Redirect { to: "https://elsewhere.example".to_owned() },
            "a redirect (302), which is never followed",
        ),
    ] {
        let scene = scene().await;
        let text = format!("{trouble:?}");
        fault(&scene, trouble);
        let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
        let redirect = flow.create("Acme Dock").await;
        let (status, page) = open(&redirect).await;
        assert_eq!(status, 502, "{text}: {page}");
        let ended = flow.end();
        assert_eq!(ended.code, Some(1), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains("GitHub did not return the App: "), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{text}: {}", ended.stderr);
        assert!(ended.stderr.to_lowercase().contains("if the app exists"), "{text}: {}", ended.stderr);
        assert!(scene.files().is_empty(), "{:?}", scene.files());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_trouble_is_repeated_by_a_reload() {
    for trouble in [Fault::Status { code: 500 }, Fault::Drop] {
        let scene = scene().await;
        let text = format!("{trouble:?}");
        fault(&scene, trouble);
        let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
        let redirect = flow.create("Acme Dock").await;
        let (status, page) = open(&redirect).await;
        assert!(status == 502 && page.contains("reload this page to go on"), "{text}: {page}");
        assert!(!page.contains("code="), "{page}");
        assert_eq!(open(&redirect).await.0, 200);
        let ended = flow.end();
        assert_eq!(ended.code, Some(0), "{text}: {}", ended.stderr);
    }
    let scene = scene().await;
    fault(&scene, Fault::SecondaryRateLimit { retry_after: Some(60), status: 429 });
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
    let redirect = flow.create("Acme Dock").await;
    let (status, page) = open(&redirect).await;
    assert!(status == 502 && page.contains("limits the rate"), "{page}");
    assert!(page.contains("for 60 s") && page.contains("wait that long, and reload this page"), "{page}");
    assert_eq!(open(&redirect).await.0, 200);
    assert_eq!(flow.end().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn name_that_is_taken_is_refused_by_github_and_another_one_goes_on() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &["--app-name", "dockline-test"]));
    let (target, manifest) = flow.form().await;
    let (settings, _) = target.split_once("/new?").unwrap();
    let form = [("manifest", &*manifest.to_string()), ("name", "dockline-test")];
    assert_eq!(post(&format!("{settings}/manifest"), &form).await.status(), 422);
    let redirect = flow.create("Acme Dock").await;
    assert_eq!(open(&redirect).await.0, 200);
    assert_eq!(flow.end().code, Some(0));
    for name in ["", " ", &"x".repeat(35)] {
        let refused = ended(&mut init(&scene, PUBLIC_URL, &["--force", "--app-name", name]));
        assert_eq!(refused.code, Some(2));
        assert!(
            refused.stderr.contains("--app-name") && refused.stderr.contains("1 to 34 characters"),
            "{}",
            refused.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn form_goes_to_the_pages_of_the_configured_github() {
    let scene = scene().await;
    for (options, target) in [
        (vec![], "https://github.com/settings/apps/new?state="),
        (
            vec![
                "--github-web-url",
                "https://github.example.com",
                "--github-api-url",
                "https://github.example.com/api/v3",
            ],
            "https://github.example.com/organizations/acme/settings/apps/new?state=",
        ),
        (
            vec!["--github-web-url", "https://acme.ghe.com", "--github-api-url", "https://api.acme.ghe.com"],
            "https://acme.ghe.com/organizations/acme/settings/apps/new?state=",
        ),
    ] {
        let mut command = scene.command(&["init", "--create-app", "--public-url", PUBLIC_URL]);
        if !options.is_empty() {
            command.args(options).args(["--app-owner", "acme"]);
        }
        let flow = Flow::start(&mut command);
        let (action, _) = flow.form().await;
        assert!(action.starts_with(target), "{action}");
        flow.interrupt();
        assert_eq!(flow.end().code, Some(130));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_that_github_cannot_reach_gets_no_webhook() {
    let scene = scene().await;
    for (public_url, reachable) in [
        ("https://api.example.com/base", true),
        ("https://203.0.113.7:8443", true),
        ("https://localhost", false),
        ("https://api.localhost:8443", false),
        ("https://127.0.0.1", false),
        ("https://10.1.2.3", false),
        ("https://192.168.0.9", false),
        ("https://[::1]:1", false),
        ("https://[fd00::1]", false),
        ("http://localhost:8080", false),
    ] {
        let flow = Flow::start(&mut init(&scene, public_url, &[]));
        let (_, manifest) = flow.form().await;
        let expected = reachable.then(|| format!("{public_url}/v1/github/webhooks"));
        let hook = manifest.pointer("/hook_attributes/url").and_then(serde_json::Value::as_str);
        assert_eq!(hook, expected.as_deref(), "{public_url}");
        let callback = format!("{public_url}/v1/github/installation/callback");
        assert_eq!(manifest["callback_urls"], serde_json::json!([callback]));
        flow.interrupt();
        assert_eq!(flow.end().code, Some(130));
    }
    for invalid in [
        "https://a\"b.example",
        "https://a\\b.example",
        "https://ä.example",
        "https://",
        "https://a b",
        "--help",
    ] {
        let refused = ended(&mut init(&scene, invalid, &[]));
        assert_eq!(refused.code, Some(2), "{invalid}: {}", refused.stderr);
        assert!(refused.stderr.contains("--public-url"), "{invalid}: {}", refused.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifest_has_the_fields_and_permissions_of_githubs_descriptions() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &["--app-name", "Acme Dock"]));
    let (_, manifest) = flow.form().await;
    // The table of "Registering a GitHub App from a manifest".
    let documented = [
        "name",
        "url",
        "hook_attributes",
        "redirect_url",
        "callback_urls",
        "setup_url",
        "description",
        "public",
        "default_events",
        "default_permissions",
        "request_oauth_on_install",
        "setup_on_update",
    ];
    for field in manifest.as_object().unwrap().keys() {
        assert!(documented.contains(&&**field), "{field}");
    }
    // GitHub offers no setup URL to an App that requests authorization during installation.
    assert_eq!(manifest["request_oauth_on_install"], true);
    assert!(manifest.get("setup_url").is_none());
    let api: serde_json::Value =
        serde_json::from_str(include_str!("../../../github-sim/tests/github-openapi.json")).unwrap();
    for (name, level) in manifest["default_permissions"].as_object().unwrap() {
        let levels = &api["$defs"]["app-permissions"]["properties"][name]["enum"];
        assert!(levels.as_array().is_some_and(|levels| levels.contains(level)), "{name}: {levels}");
    }
    flow.interrupt();
    assert_eq!(flow.end().code, Some(130));
}
