//! Who created an installation, from GitHub's delivery log: for a webhook that never arrived here.

use dockline::{InstallationId, InstallerRecord};
use fluent_uri::Uri;

use super::app::AppClient;
use crate::github_error::GithubError;
use crate::http::{Request, Response};
use crate::observer::Operation;
use crate::wire::{DeliveryWire, SentWire};

const LOG: &str = "/app/hook/deliveries";
/// Pages of a hundred deliveries, newest first. The installation was created moments ago.
const MAX_PAGES: usize = 3;

/// Returns who created the installation; `None` if the latest deliveries do not show it.
pub(crate) async fn installer(
    app: &AppClient,
    id: InstallationId,
) -> Result<Option<InstallerRecord>, GithubError> {
    let Some(delivery) = find(app, id).await? else { return Ok(None) };
    let request = Request::get(Operation::Delivery, format!("{LOG}/{delivery}")).with_large_response();
    match app.api.as_app(request).await {
        Ok(response) => response.json::<SentWire>()?.installer(id, app.id),
        // GitHub has dropped it from the log since it was listed.
        Err(GithubError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Returns the id of the newest `installation.created` delivery for this installation.
async fn find(app: &AppClient, id: InstallationId) -> Result<Option<u64>, GithubError> {
    let mut path = format!("{LOG}?per_page=100");
    for _ in 0..MAX_PAGES {
        let response = app.api.as_app(Request::get(Operation::Deliveries, path)).await?;
        let page: Vec<DeliveryWire> = response.json()?;
        if let Some(found) = page.iter().find(|delivery| delivery.creates(id)) {
            return Ok(Some(found.id));
        }
        let Some(cursor) = cursor(&response, app.api.base())? else { return Ok(None) };
        path = format!("{LOG}?per_page=100&cursor={cursor}");
    }
    Ok(None)
}

/// Returns the cursor of the next page, encoded for a query. Only the cursor is taken from the link, and only if the link
/// points to this API, so that no request goes to another host.
fn cursor(response: &Response, base: &str) -> Result<Option<String>, GithubError> {
    let Some(link) = response.header("link").and_then(next_link) else { return Ok(None) };
    let link =
        Uri::parse(link).map_err(|_| GithubError::invalid_response("a next page that is not a URL"))?;
    if !Uri::parse(base).is_ok_and(|base| is_same_origin(&base, &link)) {
        return Err(GithubError::invalid_response("a next page on another host"));
    }
    let query = link.query().map(|query| query.as_str()).unwrap_or_default();
    let cursor = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor");
    let (_, cursor) = cursor.ok_or_else(|| GithubError::invalid_response("a next page without a cursor"))?;
    Ok(Some(form_urlencoded::byte_serialize(cursor.as_bytes()).collect()))
}

fn is_same_origin(one: &Uri<&str>, other: &Uri<&str>) -> bool {
    let authority =
        |url: &Uri<&str>| url.authority().map(|authority| authority.as_str().to_ascii_lowercase());
    one.scheme() == other.scheme() && authority(one) == authority(other)
}

/// Returns the target of `rel="next"` in a `Link` header.
fn next_link(header: &str) -> Option<&str> {
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

    fn cursor_of(link: &str) -> Result<Option<String>, GithubError> {
        cursor(&Response::new(200, &[("link", link)], ""), BASE)
    }

    #[test]
    fn the_cursor_is_taken_from_the_next_link_on_this_api_only_i18() {
        let on =
            |base: &str| format!("<{base}/app/hook/deliveries?per_page=100&cursor=v1_7%26x>; rel=\"next\"");
        assert_eq!(cursor_of(&on(BASE)), Ok(Some("v1_7%26x".to_owned())));
        let both = format!("<{BASE}/app/hook/deliveries?cursor=old>; rel=\"prev\", {}", on(BASE));
        assert_eq!(cursor_of(&both), Ok(Some("v1_7%26x".to_owned())));
        assert_eq!(cursor_of(&format!("<{BASE}/x?cursor=old>; rel=\"prev\"")), Ok(None));
        assert_eq!(cursor_of("nonsense"), Ok(None));
        assert_eq!(cursor(&Response::new(200, &[], ""), BASE), Ok(None));
        for elsewhere in [
            "https://evil.example/api/v3",
            "http://github.example.com/api/v3",
            "https://github.example.com:8443",
            "/api/v3",
        ] {
            assert!(
                matches!(cursor_of(&on(elsewhere)), Err(GithubError::InvalidResponse { .. })),
                "{elsewhere}"
            );
        }
        assert!(matches!(
            cursor_of(&format!("<{BASE}/x?page=2>; rel=\"next\"")),
            Err(GithubError::InvalidResponse { .. })
        ));
    }
}
