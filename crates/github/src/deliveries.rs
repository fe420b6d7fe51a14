//! Who installed an installation, by GitHub's record of the webhooks that it sent to our App: for one that never came
//! here (GitHub fact 28).

use dockline::{AccountId, InstallationId};
use reqwest::Url;

use crate::answer::Answer;
use crate::api::Ask;
use crate::fault::GithubFault;
use crate::observer::Operation;
use crate::our_app::OurApp;
use crate::wire::{DeliveryWire, SentWire};

const LIST: &str = "/app/hook/deliveries";
/// Of a hundred each, newest first: whoever asks has installed the App a moment ago.
const MOST_PAGES: usize = 3;

/// `None` where the latest deliveries do not say.
pub(crate) async fn installer(app: &OurApp, id: InstallationId) -> Result<Option<AccountId>, GithubFault> {
    let Some(delivery) = find(app, id).await? else { return Ok(None) };
    let path = format!("{LIST}/{delivery}");
    match app.api.as_app(Ask::get(Operation::Delivery, &path).with_large_answer()).await {
        Ok(answer) => answer.json::<SentWire>()?.installer(id, app.id),
        // Listed a moment ago: GitHub has forgotten it since.
        Err(GithubFault::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The number of the newest delivery that told of the installation's birth.
async fn find(app: &OurApp, id: InstallationId) -> Result<Option<u64>, GithubFault> {
    let mut path = format!("{LIST}?per_page=100");
    for _ in 0..MOST_PAGES {
        let answer = app.api.as_app(Ask::get(Operation::Deliveries, &path)).await?;
        let page: Vec<DeliveryWire> = answer.json()?;
        if let Some(found) = page.iter().find(|delivery| delivery.tells_of(id)) {
            return Ok(Some(found.id));
        }
        let Some(cursor) = cursor(&answer, app.api.base())? else { return Ok(None) };
        path = format!("{LIST}?per_page=100&cursor={cursor}");
    }
    Ok(None)
}

/// Where the next page begins, fit for a query. Only the cursor is taken from the link: a next page elsewhere than on
/// this API is never asked for (invariant I18).
fn cursor(answer: &Answer, base: &str) -> Result<Option<String>, GithubFault> {
    let Some(link) = answer.header("link").and_then(next) else { return Ok(None) };
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    if origin(link).is_none_or(|linked| Some(linked) != origin(base)) {
        return Err(GithubFault::not_githubs("a next page on another host"));
    }
    let cursor = Url::parse(link).ok().and_then(|url| {
        url.query_pairs().find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor.into_owned())
    });
    let cursor = cursor.ok_or_else(|| GithubFault::not_githubs("a next page without a cursor"))?;
    Ok(Some(form_urlencoded::byte_serialize(cursor.as_bytes()).collect()))
}

/// The target of `rel="next"` in a `Link` header.
fn next(header: &str) -> Option<&str> {
    header
        .split('<')
        .filter_map(|link| link.split_once('>'))
        .find(|(_, parameters)| parameters.contains("rel=\"next\""))
        .map(|(target, _)| target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://github.example.com/api/v3";

    fn read(link: &str) -> Result<Option<String>, GithubFault> {
        cursor(&Answer::new(200, &[("link", link)], Vec::new()), BASE)
    }

    #[test]
    fn the_cursor_is_taken_from_the_next_link_on_this_api_only_i18() {
        let on =
            |base: &str| format!("<{base}/app/hook/deliveries?per_page=100&cursor=v1_7%26x>; rel=\"next\"");
        assert_eq!(read(&on(BASE)), Ok(Some("v1_7%26x".to_owned())));
        let both = format!("<{BASE}/app/hook/deliveries?cursor=old>; rel=\"prev\", {}", on(BASE));
        assert_eq!(read(&both), Ok(Some("v1_7%26x".to_owned())));
        assert_eq!(read(&format!("<{BASE}/x?cursor=old>; rel=\"prev\"")), Ok(None));
        assert_eq!(read("nonsense"), Ok(None));
        assert_eq!(cursor(&Answer::new(200, &[], Vec::new()), BASE), Ok(None));
        for elsewhere in [
            "https://evil.example/api/v3",
            "http://github.example.com/api/v3",
            "https://github.example.com:8443",
            "/api/v3",
        ] {
            assert!(matches!(read(&on(elsewhere)), Err(GithubFault::NotGithubs { .. })), "{elsewhere}");
        }
        assert!(matches!(
            read(&format!("<{BASE}/x?page=2>; rel=\"next\"")),
            Err(GithubFault::NotGithubs { .. })
        ));
    }
}
