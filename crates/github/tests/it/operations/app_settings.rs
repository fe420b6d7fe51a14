//! The App's settings, for operators.

use dockline::PortErrorKind;
use dockline::ports::GithubGateway;
use dockline_github::GithubApp;
use serde_json::json;
use time::OffsetDateTime;

use crate::fixtures::{APP, DATE, NOW, gateway, kind, usual};
use crate::logs::Logs;
use crate::scripted::{Reply, Scripted};

const APP_LINE: &str = "GET /api/app";
const HOOK: &str = "GET /api/app/hook/config";
const RECORD: &str = "GET /api/app/hook/deliveries?per_page=2";

#[tokio::test]
async fn all_settings_are_read() {
    let body = json!({ "id": APP, "slug": "acme-dock", "name": "Acme Dock", "client_id": "Iv23x",
        "permissions": { "members": "read" }, "events": ["push"], "installations_count": 5 });
    let reply = Reply::json(200, &body).header("date", DATE);
    let github = Scripted::start(usual(move |seen| (seen.line == APP_LINE).then(|| reply.clone()))).await;
    let settings = gateway(&github).settings().await.unwrap();
    assert_eq!((settings.app.get(), settings.client_id.as_deref()), (APP, Some("Iv23x")));
    assert_eq!(settings.permissions.get("members").map(String::as_str), Some("read"));
    assert_eq!((settings.events.as_slice(), settings.installations), (&["push".to_owned()][..], Some(5)));
    assert_eq!(settings.github_time.map(OffsetDateTime::unix_timestamp), Some(NOW));
}

#[tokio::test]
async fn install_links_use_the_slug_that_github_reports_l80() {
    let reports = |id: u64, slug: &str| {
        Reply::json(200, &json!({ "id": id, "slug": slug, "name": "Acme Dock", "permissions": {} }))
    };
    let slug = |app: &GithubApp| {
        let page = app.registration().install_page;
        page.strip_suffix("/installations/new").unwrap().rsplit_once('/').unwrap().1.to_owned()
    };
    for (id, reported, expected) in [
        (APP, "acme-quay", "acme-quay"),
        (APP, "acme-dock", "acme-dock"),
        // Another App's, and what is no slug.
        (APP + 1, "acme-quay", "acme-dock"),
        (APP, "../acme", "acme-dock"),
        (APP, "", "acme-dock"),
    ] {
        for by_settings in [true, false] {
            let (logs, _guard) = Logs::capture();
            let reply = reports(id, reported);
            let github =
                Scripted::start(usual(move |seen| (seen.line == APP_LINE).then(|| reply.clone()))).await;
            let app = gateway(&github);
            let clone = app.clone();
            assert_eq!(slug(&app), "acme-dock");
            for _ in 0..2 {
                match by_settings {
                    true => drop(app.settings().await.unwrap()),
                    false => drop(app.app().await.unwrap()),
                }
            }
            assert_eq!((slug(&app).as_str(), slug(&clone).as_str()), (expected, expected), "{reported}");
            let warnings = logs.text().matches("the App was renamed at GitHub").count();
            assert_eq!(warnings, usize::from(expected != "acme-dock"), "{}", logs.text());
        }
    }
}

#[tokio::test]
async fn webhook_settings_are_read_in_each_documented_form() {
    for (body, url, has_secret, skips) in [
        (
            json!({ "url": "https://a.test", "secret": "********", "insecure_ssl": "0", "content_type": "json" }),
            Some("https://a.test"),
            true,
            false,
        ),
        (json!({ "url": "https://a.test", "insecure_ssl": 1 }), Some("https://a.test"), false, true),
        (json!({ "url": "https://a.test", "insecure_ssl": "1" }), Some("https://a.test"), false, true),
        (json!({ "url": "", "secret": null, "insecure_ssl": 0 }), None, false, false),
        (json!({}), None, false, false),
    ] {
        let reply = Reply::json(200, &body);
        let github = Scripted::start(usual(move |seen| (seen.line == HOOK).then(|| reply.clone()))).await;
        let webhook = gateway(&github).webhook().await.unwrap().unwrap();
        assert_eq!(
            (webhook.url.as_deref(), webhook.has_secret, webhook.skips_tls_verification),
            (url, has_secret, skips),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_404_means_no_webhook_only_after_the_credential_is_confirmed_l55() {
    let missing =
        |seen: &crate::scripted::Seen| seen.line.contains("hook").then(|| Reply::message(404, "Not Found"));
    let github = Scripted::start(usual(missing)).await;
    assert_eq!(gateway(&github).webhook().await.unwrap(), None);
    assert_eq!(gateway(&github).latest_deliveries(2).await.unwrap(), []);
    assert_eq!(github.lines(), [HOOK, APP_LINE, RECORD, APP_LINE]);

    let github = Scripted::start(|_| Reply::message(404, "Integration not found")).await;
    assert_eq!(kind(gateway(&github).webhook().await), PortErrorKind::Rejected);
}

#[tokio::test]
async fn deliveries_are_returned_newest_first_and_an_invalid_time_is_an_error() {
    let record = |at: &str, code: u16| json!({ "id": 7, "event": "ping", "delivered_at": at, "status": "OK", "status_code": code, "guid": "x" });
    let body = json!([
        record("2026-11-18T11:06:40Z", 200),
        record("2026-11-18T11:06:39.5Z", 399),
        record("2026-11-18T11:06:39Z", 400),
        record("2026-11-18T11:06:38Z", 199),
        record("2026-11-18T11:06:37Z", 0),
    ]);
    let reply = Reply::json(200, &body);
    let github = Scripted::start(usual(move |seen| (seen.line == RECORD).then(|| reply.clone()))).await;
    let records = gateway(&github).latest_deliveries(2).await.unwrap();
    assert_eq!(
        records.iter().map(|record| record.succeeded()).collect::<Vec<_>>(),
        [true, true, false, false, false]
    );
    assert_eq!(records[0].delivered_at.unix_timestamp(), NOW);

    let reply = Reply::json(200, &json!([record("yesterday", 202)]));
    let github = Scripted::start(usual(move |seen| (seen.line == RECORD).then(|| reply.clone()))).await;
    assert_eq!(kind(gateway(&github).latest_deliveries(2).await), PortErrorKind::Corrupt);
}
