//! The installations that a visitor sees.

use dockline::ports::{GithubGateway, VisitorInstallations};
use dockline::{UnknownReason, Visibility};
use serde_json::{Value, json};

use super::visitor::{EXCHANGE, LIST, checked, responding};
use crate::fixtures::{APP, INSTALLATION, REVOCATION, code, gateway, installation_body, organization};
use crate::scripted::{Reply, Seen};

#[tokio::test]
async fn visitor_installations_are_those_of_our_app_on_the_first_page_c22() {
    let github = responding(LIST, |_| {
        let mut list: Vec<_> = (1..=99).map(|id| installation_body(id, APP, &organization())).collect();
        list.push(installation_body(100, APP + 1, &organization()));
        Reply::json(200, &json!({ "total_count": 1_000, "installations": list }))
    })
    .await;
    let listed = gateway(&github).visitor_installations(&code()).await.unwrap();
    let VisitorInstallations::Listed { installations, hidden: None } = listed else { panic!("{listed:?}") };
    assert_eq!(installations.len(), 99);
    assert_eq!(github.lines(), [EXCHANGE, &format!("{LIST}?per_page=100"), REVOCATION]);
}

/// The requested page of installations of our App.
fn page(seen: &Seen, total: u64) -> Value {
    let number: u64 = seen.line.rsplit_once("&page=").unwrap().1.parse().unwrap();
    let ids = (number - 1) * 100 + 1..=(number * 100).min(total);
    let list: Vec<Value> = ids
        .map(|id| installation_body(if id == 250 { INSTALLATION } else { id }, APP, &organization()))
        .collect();
    json!({ "total_count": total, "installations": list })
}

#[tokio::test]
async fn pages_are_read_until_the_installation_is_found_l54() {
    for (total, pages, visible) in
        [(1_000, 3, true), (300, 3, true), (249, 3, false), (200, 2, false), (0, 1, false)]
    {
        let github = responding(LIST, move |seen| Reply::json(200, &page(seen, total))).await;
        let seen = matches!(checked(&github).await.visibility, Visibility::Seen(_));
        assert_eq!(seen, visible, "{total}");
        let asked = github.lines().iter().filter(|line| line.starts_with(LIST)).count();
        assert_eq!(asked, pages, "{total}");
    }
}

#[tokio::test]
async fn short_pages_of_installations_do_not_end_the_list_l79() {
    let github = responding(LIST, |seen| {
        let link = format!("<http://{}/api/user/installations?page=2>; rel=\"next\"", seen.header("host"));
        match seen.line.ends_with("&page=1") {
            true => Reply::json(200, &json!({ "total_count": 0, "installations": [] })).header("link", link),
            false => {
                let ours = installation_body(INSTALLATION, APP, &organization());
                Reply::json(200, &json!({ "total_count": 0, "installations": [ours] }))
            }
        }
    })
    .await;
    assert!(matches!(checked(&github).await.visibility, Visibility::Seen(_)));
}

#[tokio::test]
async fn an_endless_list_is_abandoned_and_says_nothing_about_the_installation_i17() {
    let one = |count: usize| vec![installation_body(1, APP, &organization()); count];
    let endless = json!({ "total_count": 1_000_000, "installations": one(1) });
    let github = responding(LIST, move |_| Reply::json(200, &endless)).await;
    let unknown = Visibility::Unknown(UnknownReason::TooManyInstallations);
    assert_eq!(checked(&github).await.visibility, unknown);
    assert_eq!(github.lines().iter().filter(|line| line.starts_with(LIST)).count(), 100);

    let empty = json!({ "total_count": 1_000_000, "installations": one(0) });
    let github = responding(LIST, move |_| Reply::json(200, &empty)).await;
    assert_eq!(checked(&github).await.visibility, Visibility::NotSeen);
    assert_eq!(github.lines().iter().filter(|line| line.starts_with(LIST)).count(), 1);
}

#[tokio::test]
async fn an_installation_of_another_app_with_that_id_is_not_visible_l37() {
    let foreign = installation_body(INSTALLATION, APP + 1, &organization());
    let list = json!({ "total_count": 1, "installations": [foreign] });
    let github = responding(LIST, move |_| Reply::json(200, &list)).await;
    assert_eq!(checked(&github).await.visibility, Visibility::NotSeen);
}
