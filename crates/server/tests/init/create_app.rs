//! `--create-app`: GitHub's App manifest flow, with a browser of the test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use dockline_github_sim::{Fault, FaultRule, Role};
use reqwest::Response;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::http_client::loopback;
use crate::scene::{Ended, PUBLIC_URL, Scene, ended};

/// A running `dockline init --create-app`, and the URL that it prints.
pub(crate) struct Flow {
    child: Child,
    stdout: BufReader<ChildStdout>,
    printed: String,
    pub(crate) url: String,
}

impl Flow {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut flow = Self { child, stdout, printed: String::new(), url: String::new() };
        while flow.url.is_empty() {
            let mut line = String::new();
            assert_ne!(flow.stdout.read_line(&mut line).unwrap(), 0, "no URL: {}", flow.printed);
            flow.printed.push_str(&line);
            if line.trim().starts_with("http://127.0.0.1:") {
                flow.url = line.trim().to_owned();
            }
        }
        flow
    }

    pub(crate) fn interrupt(&self) {
        let process = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(process, Signal::INT).unwrap();
    }

    pub(crate) fn end(mut self) -> Ended {
        self.stdout.read_to_string(&mut self.printed).unwrap();
        let Ended { code, stderr, .. } = self.child.wait_with_output().unwrap().into();
        Ended { code, stdout: self.printed, stderr }
    }

    /// Opens the page, and returns the form's target and manifest.
    pub(crate) async fn form(&self) -> (String, Value) {
        let page = loopback().get(&self.url).send().await.unwrap();
        assert_eq!(page.status(), 200);
        assert_eq!(page.headers()["cache-control"], "no-store");
        let page = page.text().await.unwrap();
        let manifest = attribute(&page, "name=\"manifest\" value=\"");
        (attribute(&page, "action=\""), serde_json::from_str(&manifest).unwrap())
    }

    /// Creates the App as a user does. Returns the URL of the redirect.
    pub(crate) async fn create(&self, name: &str) -> String {
        let (target, manifest) = self.form().await;
        let manifest = manifest.to_string();
        let shown = post(&target, &[("manifest", &manifest)]).await;
        assert_eq!(shown.status(), 200);
        let shown = shown.text().await.unwrap();
        let state = attribute(&shown, "name=\"state\" value=\"");
        let (settings, _) = target.split_once("/new?").unwrap();
        let form = [("manifest", &*manifest), ("state", &state), ("name", name)];
        let redirect = post(&format!("{settings}/manifest"), &form).await;
        assert_eq!(redirect.status(), 302);
        redirect.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// Returns the text from `start` to the next quotation mark.
pub(crate) fn attribute(html: &str, start: &str) -> String {
    let (_, rest) = html.split_once(start).unwrap_or_else(|| panic!("{start} in {html}"));
    let (value, _) = rest.split_once('"').unwrap();
    value.replace("&quot;", "\"").replace("&amp;", "&")
}

pub(crate) async fn post(url: &str, form: &[(&str, &str)]) -> Response {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    loopback().post(url).body(body).send().await.unwrap()
}

pub(crate) async fn open(url: &str) -> (u16, String) {
    let page = loopback().get(url).send().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

pub(crate) async fn scene() -> Scene {
    let scene = Scene::start().await;
    let sim = scene.sim.sim();
    sim.create_user("olga").unwrap();
    sim.create_organization("acme-coffee").unwrap();
    sim.set_membership("acme-coffee", "olga", Role::Admin).unwrap();
    sim.default_user(Some("olga")).unwrap();
    scene
}

pub(crate) fn init(scene: &Scene, public_url: &str, further: &[&str]) -> Command {
    let mut command = scene.command(&["init", "--create-app", "--public-url", public_url]);
    command.args(scene.github()).args(further);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn app_is_created_with_the_settings_that_dockline_needs_and_its_secrets_are_stored() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &["--app-name", "Acme Dock"]));
    let (target, manifest) = flow.form().await;
    assert!(target.starts_with(&format!("{}/settings/apps/new?state=", scene.sim.web)), "{target}");
    let redirect_url = format!("{}/created", flow.url);
    assert_eq!(
        manifest,
        json!({
            "name": "Acme Dock",
            "url": PUBLIC_URL,
            "redirect_url": redirect_url,
            "callback_urls": [format!("{PUBLIC_URL}/v1/github/installation/callback")],
            "hook_attributes": { "url": format!("{PUBLIC_URL}/v1/github/webhooks"), "active": true },
            "public": true,
            "request_oauth_on_install": true,
            "setup_on_update": true,
            "default_permissions": { "members": "read", "metadata": "read" },
            "default_events": [],
        })
    );
    let redirect = flow.create("Acme Quay").await;
    let (status, page) = open(&redirect).await;
    assert!(status == 200 && page.contains("GitHub created <strong>Acme Quay</strong>"), "{page}");
    let ended = flow.end();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    for expected in
        ["created the App Acme Quay", " 0 failed,", "ok    webhook URL: ", "dockline serve --config"]
    {
        assert!(ended.stdout.contains(expected), "{expected}\n{}", ended.stdout);
    }
    let names = ["dockline.toml", "github-client-secret", "github-private-key.pem", "webhook-secret"];
    assert_eq!(scene.files(), names);
    for name in names {
        assert_eq!(scene.mode(name), 0o600, "{name}");
    }
    for name in &names[1..] {
        let secret = scene.read(name);
        assert!(
            !ended.stdout.contains(secret.trim()) && !scene.read("dockline.toml").contains(secret.trim())
        );
    }
    let configured = scene.configured();
    assert_eq!(configured["github-app-slug"]["value"], "acme-quay");
    assert_eq!(configured["public-url"]["value"], PUBLIC_URL);
}

#[tokio::test(flavor = "multi_thread")]
async fn app_of_an_organization_on_this_machine_has_no_webhook() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, "http://127.0.0.1:8080", &["--app-owner", "acme-coffee"]));
    let (target, manifest) = flow.form().await;
    let settings = format!("{}/organizations/acme-coffee/settings/apps/new?state=", scene.sim.web);
    assert!(target.starts_with(&settings), "{target}");
    assert_eq!((manifest.get("hook_attributes"), manifest.get("name")), (None, None));
    let redirect = flow.create("Acme Dock").await;
    assert_eq!(open(&redirect).await.0, 200);
    let ended = flow.end();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("It has no webhook"), "{}", ended.stdout);
    assert_eq!(scene.files(), ["dockline.toml", "github-client-secret", "github-private-key.pem"]);
    assert!(scene.read("dockline.toml").contains("# webhook-secret-file = "));
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_of_another_attempt_is_refused_and_the_flow_goes_on() {
    let scene = scene().await;
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
    let redirect = flow.create("Acme Dock").await;
    let (created, query) = redirect.split_once('?').unwrap();
    let code = query.split('&').find(|pair| pair.starts_with("code=")).unwrap();
    for query in [code.to_owned(), format!("{code}&state=guessed"), query.replace(code, "")] {
        let (status, page) = open(&format!("{created}?{query}")).await;
        assert_eq!(status, 400, "{page}");
    }
    let root = flow.url.rsplit_once('/').unwrap().0;
    assert_eq!(open(&format!("{root}/created?{query}")).await.0, 404);
    assert_eq!(open(root).await.0, 404, "the page is not at a known path");
    assert_eq!(scene.sim.sim().count_requests("POST", "/api/v3/app-manifests"), 0);
    assert_eq!(open(&redirect).await.0, 200);
    assert_eq!(flow.end().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_of_github_is_repeated_by_a_reload_and_a_used_code_ends_the_flow() {
    let scene = scene().await;
    let path = "/api/v3/app-manifests";
    scene.sim.sim().set_fault(FaultRule::new(Fault::Status { code: 502 }).for_path(path).times(1));
    let flow = Flow::start(&mut init(&scene, PUBLIC_URL, &[]));
    let redirect = flow.create("Acme Dock").await;
    let (status, page) = open(&redirect).await;
    assert!(status == 502 && page.contains("reload this page"), "{page}");
    assert_eq!(open(&redirect).await.0, 200);
    assert_eq!(flow.end().code, Some(0));

    let second = Flow::start(&mut init(&scene, PUBLIC_URL, &["--config", "second.toml", "--force"]));
    let redirect = second.create("Second Dock").await;
    let code = redirect.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap();
    let conversion = format!("{}/app-manifests/{code}/conversions", scene.sim.api);
    let used = loopback().post(conversion).header("user-agent", "test").send().await.unwrap();
    assert_eq!(used.status(), 201);
    let (status, page) = open(&redirect).await;
    assert!(status == 502 && page.contains("valid once and for an hour"), "{page}");
    let ended = second.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("generate its secrets on its settings page"), "{}", ended.stderr);
    assert!(!scene.path("second.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_would_lose_the_secrets_is_refused_before_the_app_exists() {
    let scene = scene().await;
    std::fs::write(scene.path("github-private-key.pem"), "precious").unwrap();
    let refused = ended(&mut init(&scene, PUBLIC_URL, &[]));
    assert!(refused.code == Some(2), "{}", refused.stdout);
    assert!(refused.stderr.contains("github-private-key.pem exists"), "{}", refused.stderr);
    let refused = ended(init(&scene, PUBLIC_URL, &["--force"]).env("DOCKLINE_WEBHOOK_SECRET", "canary"));
    assert!(refused.stderr.contains("DOCKLINE_WEBHOOK_SECRET: is set, but"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("canary"));
    let refused = ended(&mut init(&scene, "ftp://a.test", &["--force"]));
    assert!(refused.stderr.contains("--public-url: is not an https URL"), "{}", refused.stderr);
    for option in [["--github-app-id", "7"], ["--app-owner", "a/b"]] {
        let refused = ended(&mut init(&scene, PUBLIC_URL, &option));
        assert!(refused.code == Some(2) && refused.stderr.contains(option[0]), "{}", refused.stderr);
    }
    assert_eq!(scene.sim.sim().count_requests("POST", "/"), 0);
    assert_eq!(scene.read("github-private-key.pem"), "precious");
}
