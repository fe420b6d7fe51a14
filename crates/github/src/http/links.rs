//! The `Link` header of GitHub's lists (RFC 8288).
//!
//! Only the query of the next page is taken from a link, and only if the link points to the same path of this API, so that
//! no request goes to another host.

use fluent_uri::{Uri, UriRef};

use super::response::Response;
use crate::error::GithubError;

/// The number of entries per page that every list requests, which is GitHub's maximum.
pub(crate) const PER_PAGE: u32 = 100;

/// Returns the query of the page that `rel="next"` names; `None` on the last page. `path` is that of the list, below `base`.
pub(crate) fn next_query(response: &Response, base: &str, path: &str) -> Result<Option<String>, GithubError> {
    let Some(target) = links(response).find(|link| link.is("next")).map(|link| link.target) else {
        return Ok(None);
    };
    let not_a_url = || GithubError::invalid_response("a next page that is not a URL");
    let list = format!("{base}{path}");
    let list = Uri::parse(list.as_str()).map_err(|_| not_a_url())?;
    let next = UriRef::parse(target).map_err(|_| not_a_url())?;
    let next = next.resolve_against(&list).map_err(|_| not_a_url())?;
    if !is_same_origin(&list, &next.borrow()) || next.path().as_str() != list.path().as_str() {
        return Err(GithubError::invalid_response("a next page on another host or path"));
    }
    match next.query() {
        Some(query) => Ok(Some(query.as_str().to_owned())),
        None => Err(GithubError::invalid_response("a next page without a query")),
    }
}

/// A page of a numbered list.
#[derive(Clone, Copy)]
pub(crate) struct PageOf {
    pub(crate) number: u32,
    pub(crate) entries: usize,
    /// The number of entries on all pages, by GitHub.
    pub(crate) total: u64,
}

/// Returns the number of the next page; `None` on the last page.
///
/// The links decide, since a page may be shorter than requested and the total may be wrong. The total counts only if there
/// are no links at all, since something between here and GitHub may have removed them.
pub(crate) fn next_page(
    response: &Response,
    base: &str,
    path: &str,
    page: PageOf,
) -> Result<Option<u32>, GithubError> {
    if let Some(query) = next_query(response, base, path)? {
        let number = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page");
        let number =
            number.and_then(|(_, number)| number.parse().ok()).filter(|number| *number > page.number);
        return match number {
            Some(number) => Ok(Some(number)),
            None => Err(GithubError::invalid_response("a next page without a higher number")),
        };
    }
    let promised = page.total > u64::from(page.number) * u64::from(PER_PAGE);
    let has_more = links(response).next().is_none() && promised && page.entries > 0;
    Ok(has_more.then(|| page.number.saturating_add(1)))
}

struct Link<'a> {
    target: &'a str,
    parameters: &'a str,
}

impl Link<'_> {
    /// Returns whether `relation` is among the link's relation types.
    fn is(&self, relation: &str) -> bool {
        self.parameters.split([';', ',']).filter_map(|parameter| parameter.split_once('=')).any(
            |(name, value)| {
                let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
                name.trim().eq_ignore_ascii_case("rel")
                    && relations.any(|one| one.eq_ignore_ascii_case(relation))
            },
        )
    }
}

fn links(response: &Response) -> impl Iterator<Item = Link<'_>> {
    let headers = response.headers.get_all(http::header::LINK).iter();
    headers.filter_map(|header| header.to_str().ok()).flat_map(|header| {
        let links = header.split('<').filter_map(|link| link.split_once('>'));
        links.map(|(target, parameters)| Link { target, parameters })
    })
}

fn is_same_origin(one: &Uri<&str>, other: &Uri<&str>) -> bool {
    let default_port = |url: &Uri<&str>| if url.scheme().as_str() == "https" { 443 } else { 80 };
    let host_and_port = |url: &Uri<&str>| {
        let authority = url.authority().filter(|authority| !authority.has_userinfo())?;
        let port = authority.port_to_u16().ok()?.unwrap_or_else(|| default_port(url));
        Some((authority.host().to_ascii_lowercase(), port))
    };
    one.scheme() == other.scheme()
        && host_and_port(one).is_some()
        && host_and_port(one) == host_and_port(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://github.example.com/api/v3";
    const PATH: &str = "/app/hook/deliveries";

    fn query_of(links: &[&str]) -> Result<Option<String>, GithubError> {
        let headers: Vec<_> = links.iter().map(|link| ("link", *link)).collect();
        next_query(&Response::new(200, &headers, ""), BASE, PATH)
    }

    fn page_of(link: &str, number: u32, total: u64) -> Result<Option<u32>, GithubError> {
        let response = match link {
            "" => Response::new(200, &[], ""),
            link => Response::new(200, &[("link", link)], ""),
        };
        next_page(&response, BASE, PATH, PageOf { number, entries: 99, total })
    }

    #[test]
    fn the_query_is_taken_from_the_next_link_however_it_is_written_l79() {
        let query = "per_page=100&cursor=v1_7%26x";
        let next = format!("<{BASE}{PATH}?{query}>; rel=\"next\"");
        let prev = format!("<{BASE}{PATH}?cursor=old>; rel=\"prev\"");
        for links in [
            &[next.as_str()][..],
            &[&format!("{prev}, {next}")],
            &[&format!("{next}, {prev}")],
            &[&prev, &next],
            &[&format!("<{BASE}{PATH}?{query}>; rel=next")],
            &[&format!("<{BASE}{PATH}?{query}>;REL=\"last Next\" ; title=\"x\"")],
            &[&format!("<{PATH}?{query}>; rel=\"next\"").replace(PATH, "/api/v3/app/hook/deliveries")],
            &[&format!("<?{query}>; rel=\"next\"")],
            &[&next.replace("https://github.example.com/", "https://GitHub.example.com:443/")],
        ] {
            assert_eq!(query_of(links), Ok(Some(query.to_owned())), "{links:?}");
        }
        for links in [&[prev.as_str()][..], &["nonsense"], &[""], &[]] {
            assert_eq!(query_of(links), Ok(None), "{links:?}");
        }
    }

    #[test]
    fn a_next_link_to_another_host_or_path_is_rejected_i18() {
        for elsewhere in [
            "https://evil.example/api/v3/app/hook/deliveries?cursor=1",
            "http://github.example.com/api/v3/app/hook/deliveries?cursor=1",
            "https://github.example.com:8443/api/v3/app/hook/deliveries?cursor=1",
            "https://u@github.example.com/api/v3/app/hook/deliveries?cursor=1",
            "//evil.example/api/v3/app/hook/deliveries?cursor=1",
            "https://github.example.com/api/v3/app?cursor=1",
            "https://github.example.com/app/hook/deliveries?cursor=1",
            "https://github.example.com/api/v3/app/hook/deliveries",
            "https://github example.com/",
        ] {
            let answer = query_of(&[&format!("<{elsewhere}>; rel=\"next\"")]);
            assert!(matches!(answer, Err(GithubError::InvalidResponse { .. })), "{elsewhere}: {answer:?}");
        }
    }

    #[test]
    fn links_decide_about_the_next_page_and_the_total_only_without_links_l79() {
        let next = |page: &str| format!("<{BASE}{PATH}?per_page=100&page={page}>; rel=\"next\"");
        assert_eq!(page_of(&next("2"), 1, 3), Ok(Some(2)), "although the total says that there is none");
        assert_eq!(page_of(&next("9"), 7, 9_000), Ok(Some(9)));
        let last = format!("<{BASE}{PATH}?page=2>; rel=\"prev\"");
        assert_eq!(page_of(&last, 3, 9_000), Ok(None), "although the total says that there are more");
        for (page, total, expected) in [(1, 100, None), (1, 101, Some(2)), (2, 256, Some(3)), (3, 256, None)]
        {
            assert_eq!(page_of("", page, total), Ok(expected), "{page} {total}");
        }
        assert_eq!(page_of("nonsense", 1, 101), Ok(Some(2)));
        let empty = PageOf { number: 1, entries: 0, total: 9_000 };
        assert_eq!(next_page(&Response::new(200, &[], ""), BASE, PATH, empty), Ok(None));
        for bad in ["1", "0", "-2", "x", ""] {
            assert!(matches!(page_of(&next(bad), 1, 300), Err(GithubError::InvalidResponse { .. })), "{bad}");
        }
    }
}
