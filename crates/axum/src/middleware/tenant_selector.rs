//! Rejects requests whose tenant header names another organization than the caller's.

use dockline::{ErrorCode, OrganizationId};
use http::{HeaderMap, HeaderName};

use crate::wire::error::ApiError;

/// The header that clients of this API send to act for a sub-organization.
pub(crate) const DEFAULT: HeaderName = HeaderName::from_static("x-layers-organization");

/// Accepts a request whose selector headers, if it has any, name `caller`. A credential acts for one organization only: if the
/// header were ignored, the request would change that one instead of the one it names.
pub(super) fn check(
    headers: &HeaderMap,
    selectors: &[HeaderName],
    caller: &OrganizationId,
) -> Result<(), ApiError> {
    let mut named = selectors.iter().flat_map(|selector| headers.get_all(selector));
    if named.all(|named| named.as_bytes() == caller.as_str().as_bytes()) {
        return Ok(());
    }
    let message = "A header of the request names another organization than the caller's. Leave it out, or send a credential of \
                   that organization.";
    Err(ApiError::of(ErrorCode::ForbiddenScope, message))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_line_of_every_selector_must_name_the_caller() {
        let caller = OrganizationId::new("org_1").unwrap();
        let selectors = [DEFAULT, HeaderName::from_static("x-tenant")];
        let accepted = |lines: &[(&'static str, &[u8])]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_bytes(value).unwrap());
            }
            check(&headers, &selectors, &caller).is_ok()
        };
        assert!(accepted(&[]));
        assert!(accepted(&[
            ("x-layers-organization", b"org_1"),
            ("x-tenant", b"org_1"),
            ("x-other", b"org_2")
        ]));
        for other in [b"org_2".as_slice(), b"", b"ORG_1", b"org_1,org_2", b"org_1, org_1", b"org_\xff"] {
            assert!(!accepted(&[("x-layers-organization", other)]), "{other:?}");
            assert!(!accepted(&[("x-layers-organization", b"org_1"), ("x-tenant", other)]), "{other:?}");
            assert!(!accepted(&[("x-tenant", b"org_1"), ("x-tenant", other)]), "{other:?}");
        }
    }
}
