//! Lists in headers.

use http::HeaderMap;
use http::header::AsHeaderName;

/// Returns the items of a header, over all its lines, without the white space around them.
///
/// Header values are octets: an item that is not ASCII must not hide the others, which another party may have sent.
pub(crate) fn items(
    headers: &HeaderMap,
    name: impl AsHeaderName,
    separator: u8,
) -> impl DoubleEndedIterator<Item = &[u8]> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(move |line| line.as_bytes().split(move |byte| *byte == separator)).map(<[u8]>::trim_ascii)
}

/// Returns whether `Accept` names a media type, ignoring its parameters.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    items(headers, http::header::ACCEPT, b',').any(|range| {
        let essence = range.split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn an_item_that_is_not_ascii_hides_no_other() {
        let mut headers = HeaderMap::new();
        for line in [b"a=1; b=\xff ;c".as_slice(), b"\xe9", b" d ;; "] {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        let found: Vec<_> = items(&headers, header::COOKIE, b';').collect();
        assert_eq!(found, [b"a=1".as_slice(), b"b=\xff", b"c", b"\xe9", b"d", b"", b""]);
        let last = items(&headers, "cookie", b';').rev().find(|item| !item.is_empty());
        assert_eq!(last, Some(b"d".as_slice()));
        assert_eq!(items(&headers, header::ACCEPT, b',').next(), None);
    }

    #[test]
    fn a_media_type_is_found_beside_what_is_not_ascii() {
        for (accept, html) in [
            (b"text/html".as_slice(), true),
            (b"application/xml;q=0.9, Text/HTML ;q=0.8", true),
            (b"application/x;p=\xff,text/html", true),
            (b"text/htmlx", false),
            (b"*/*", false),
            (b"\xfftext/html", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header::ACCEPT, HeaderValue::from_static("application/json"));
            headers.append(header::ACCEPT, HeaderValue::from_bytes(accept).unwrap());
            assert_eq!(accepts(&headers, "text/html"), html, "{accept:?}");
        }
    }
}
