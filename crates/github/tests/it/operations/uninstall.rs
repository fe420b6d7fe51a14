//! Uninstalling.

use dockline::PortErrorKind;
use dockline::ports::{GithubGateway, UninstallOutcome};
use dockline_github::{ApiVersion, GithubApp};

use crate::fixtures::{config, gateway, installation_id, kind, usual};
use crate::scripted::{Reply, Scripted, Seen};

const LINE: &str = "DELETE /api/app/installations/6000000042";

fn responding(status: u16) -> impl Fn(&Seen) -> Reply {
    usual(move |seen| (seen.line == LINE).then(|| Reply::bytes(status, "")))
}

#[tokio::test]
async fn both_api_versions_uninstall_and_a_202_is_not_yet_the_end_c77() {
    for (version, status, outcome) in [
        (ApiVersion::V2022_11_28, 204, UninstallOutcome::Removed),
        (ApiVersion::V2026_03_10, 202, UninstallOutcome::Accepted),
    ] {
        let github = Scripted::start(responding(status)).await;
        let app = GithubApp::new(config(&github).with_api_version(version)).unwrap();
        assert_eq!(app.uninstall(installation_id()).await.unwrap(), outcome);
        assert_eq!(github.lines(), [LINE]);
        assert_eq!(github.seen()[0].header("x-github-api-version"), version.as_str());
    }
}

#[tokio::test]
async fn missing_is_returned_only_after_the_credential_is_confirmed_l55() {
    let not_found = usual(|seen: &Seen| (seen.line == LINE).then(|| Reply::message(404, "Not Found")));
    let github = Scripted::start(not_found).await;
    assert_eq!(gateway(&github).uninstall(installation_id()).await.unwrap(), UninstallOutcome::Missing);
    assert_eq!(github.lines(), [LINE, "GET /api/app"]);

    let down = |seen: &Seen| {
        if seen.line == LINE { Reply::message(404, "Not Found") } else { Reply::bytes(502, "") }
    };
    let github = Scripted::start(down).await;
    assert_eq!(kind(gateway(&github).uninstall(installation_id()).await), PortErrorKind::Unavailable);
}

#[tokio::test]
async fn any_other_2xx_is_an_error() {
    let github = Scripted::start(responding(200)).await;
    assert_eq!(kind(gateway(&github).uninstall(installation_id()).await), PortErrorKind::Corrupt);
}
