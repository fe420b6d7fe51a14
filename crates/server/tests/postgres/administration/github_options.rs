//! Options that say how GitHub is called, from the start of `serve` to its requests.

use std::fs::File;
use std::process::Stdio;

use data_encoding::BASE64;
use dockline_github_sim::NewApp;

use crate::api::Backend;
use crate::connect_proxy::ConnectProxy;
use crate::schema::TestSchema;
use crate::server::{Github, Server, Starting, dockline};

#[tokio::test(flavor = "multi_thread")]
async fn serve_starts_with_the_slug_of_before_a_rename_and_links_to_the_new_one_l80() {
    let schema = TestSchema::migrated().await;
    let mut github = Github::start(&schema).await;
    github.files.slug = "before-the-rename".to_owned();
    let backend = Backend::new(schema.key("org_acme").await);
    let id = github.app.app_id.to_string();
    let with_id: &[&str] = &["--github-app-id", &id];
    for further in [&[], with_id] {
        let log = github.files.path("log");
        let starting = Server::spawn_logging(&schema, &github, further, File::create(&log).unwrap());
        let server = starting.listening();
        let link = backend.install_url(&server.api).await;
        let page = format!("{}/apps/dockline-test/installations/new?", github.sim.web);
        assert!(link.starts_with(&page), "{link}");
        let log = std::fs::read_to_string(log).unwrap();
        assert_eq!(log.matches("the App was renamed at GitHub").count(), 1, "{log}");
        assert!(log.contains("before-the-rename"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_reaches_github_through_the_proxy_alone_and_logs_no_credentials_i14_i18() {
    let schema = TestSchema::migrated().await;
    let mut github = Github::start(&schema).await;
    let address = github.sim.api.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let credentials = "ann:proxy-password-canary";
    let proxy = ConnectProxy::leading_to(address, credentials);
    // Nothing listens there: only the proxy knows the way.
    github.sim.web = "http://127.0.0.1:1".to_owned();
    github.sim.api = "http://127.0.0.1:1/api/v3".to_owned();
    github.files.write("proxy", &format!("http://{credentials}@{}\n", proxy.address));
    let (log, file) = (github.files.path("log"), github.files.path("proxy"));
    let further = ["--https-proxy-file", &file];
    let server = Server::spawn_logging(&schema, &github, &further, File::create(&log).unwrap()).listening();
    let backend = Backend::new(schema.key("org_acme").await);
    let installation = github.install("olga");
    let state = backend.state(&server.api).await;
    assert_eq!(backend.register(&server.api, installation, &state).await.unwrap().status, 201);
    assert_eq!(backend.repositories(&server.api).await.unwrap().status, 200);
    assert_eq!(server.end(), Some(0));
    let targets = proxy.targets();
    assert!(!targets.is_empty() && targets.iter().all(|target| target == "127.0.0.1:1"), "{targets:?}");
    let log = std::fs::read_to_string(log).unwrap();
    let encoded = BASE64.encode(credentials.as_bytes());
    assert!(!log.is_empty() && !log.contains("canary") && !log.contains(&encoded), "{log}");
}

/// Without the permission GitHub does not say who administers an organization, so policies that ask for it bind none.
#[tokio::test(flavor = "multi_thread")]
async fn serve_warns_about_an_app_without_members_if_the_policy_needs_memberships_c06() {
    let schema = TestSchema::migrated().await;
    let app = || NewApp::new("dockline-test", "https://api.example.com/v1/github/installation/callback");
    let without = app().with_permissions([("metadata", "read")]);
    let with = app().with_permissions([("metadata", "read"), ("members", "read")]);
    for (app, policies, warns) in
        [(without, &["controlled", "installer"][..], true), (with, &["controlled"][..], false)]
    {
        let github = Github::with_app(&schema, app).await;
        for policy in policies.iter().chain(&["visible", "state"]) {
            let command = Server::command(&schema, &github, "127.0.0.1:0", &["--new-app"]);
            let arguments: Vec<&str> =
                command.get_args().map(|argument| argument.to_str().unwrap()).collect();
            let place = arguments.iter().position(|argument| *argument == "--claim-policy").unwrap();
            let arguments = [&arguments[..=place], &[policy], &arguments[place + 2..]].concat();
            let log = github.files.path("log");
            let mut command = dockline(&schema, &arguments);
            let child = command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
            assert_eq!(Starting::of(child).listening().end(), Some(0));
            let log = std::fs::read_to_string(log).unwrap();
            let expected = warns && matches!(*policy, "controlled" | "installer");
            let said = log.matches("the App lacks the organization permission \"Members: read\"").count();
            assert_eq!(said, usize::from(expected), "{policy}: {log}");
        }
    }
}
