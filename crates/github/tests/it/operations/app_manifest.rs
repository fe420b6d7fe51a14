//! The App manifest flow.

use dockline::{PortError, PortErrorKind};
use dockline_github::{AppManifests, CreatedApp, GithubHost};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::fixtures::{APP, CLIENT_ID, CLIENT_SECRET, PKCS1};
use crate::scripted::{Reply, Scripted};

const CODE: &str = "a180b1a3d263c81bc6441d7b990bae27d4c10679";

fn created() -> Value {
    json!({ "id": APP, "slug": "acme-dock", "name": "Acme Dock", "html_url": "https://github.com/apps/acme-dock",
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "webhook_secret": "hook-canary", "pem": PKCS1 })
}

async fn exchange(github: &Scripted, code: &str) -> Result<CreatedApp, PortError> {
    AppManifests::new(github.host(), None).unwrap().exchange(&code.into()).await
}

#[tokio::test]
async fn code_is_exchanged_for_the_app_without_a_credential() {
    let github = Scripted::start(|_| Reply::json(201, &created())).await;
    let app = exchange(&github, CODE).await.unwrap();
    assert_eq!((app.app.get(), app.slug.as_str(), app.name.as_str()), (APP, "acme-dock", "Acme Dock"));
    assert_eq!((app.client_id.as_str(), app.client_secret.expose_secret()), (CLIENT_ID, CLIENT_SECRET));
    assert_eq!(app.private_key_pem.expose_secret(), PKCS1);
    assert_eq!(app.webhook_secret.as_ref().map(ExposeSecret::expose_secret), Some("hook-canary"));
    assert!(!format!("{app:?}").contains("canary-") && !format!("{app:?}").contains(CLIENT_SECRET));
    let [request] = &github.seen()[..] else { panic!("one request") };
    assert_eq!(request.line, format!("POST /api/app-manifests/{CODE}/conversions"));
    assert_eq!((request.header("authorization"), request.body.as_str()), ("", ""));
    assert_eq!(request.header("accept"), "application/vnd.github+json");
    assert_eq!(request.header("x-github-api-version"), "2022-11-28");
}

#[tokio::test]
async fn app_without_a_webhook_has_no_webhook_secret() {
    for none in [Value::Null, json!("")] {
        let github = Scripted::start(move |_| {
            let mut body = created();
            body["webhook_secret"] = none.clone();
            Reply::json(201, &body)
        })
        .await;
        assert!(exchange(&github, CODE).await.unwrap().webhook_secret.is_none());
    }
}

#[tokio::test]
async fn malformed_code_is_not_sent_and_a_404_says_what_to_do() {
    let gone = Reply::json(404, &json!({ "message": "Not Found" })).header("x-github-request-id", "1");
    let github = Scripted::start(move |_| gone.clone()).await;
    for code in ["", "a/../b", "a?b", "a b", "é"] {
        assert_eq!(exchange(&github, code).await.unwrap_err().kind(), PortErrorKind::Rejected, "{code}");
    }
    assert_eq!(github.seen().len(), 0);
    let error = exchange(&github, CODE).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Rejected);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("valid once and for an hour") && !source.contains(CODE), "{source}");
}

#[tokio::test]
async fn failure_of_github_leaves_the_code_valid() {
    let github = Scripted::start(|_| Reply::json(502, &json!({ "message": "bad gateway" }))).await;
    assert_eq!(exchange(&github, CODE).await.unwrap_err().kind(), PortErrorKind::Unavailable);
    let github = Scripted::start(|_| Reply::json(201, &json!({ "id": APP }))).await;
    assert_eq!(exchange(&github, CODE).await.unwrap_err().kind(), PortErrorKind::Corrupt);
}

#[test]
fn manifest_is_posted_to_the_settings_of_the_user_or_the_organization() {
    let page = |host: &str, organization| {
        AppManifests::new(host.parse::<GithubHost>().unwrap(), None).unwrap().registration_page(organization)
    };
    assert_eq!(page("github.com", None), "https://github.com/settings/apps/new");
    let organization = page("github.example.com", Some("acme"));
    assert_eq!(organization, "https://github.example.com/organizations/acme/settings/apps/new");
}
