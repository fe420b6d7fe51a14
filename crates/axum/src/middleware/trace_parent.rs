//! The trace of the caller, from the W3C header `traceparent`.

use std::fmt::Debug;

use http::{HeaderMap, HeaderName};
use tracing::Span;

/// The span of the caller. Accepted only from one well-formed header. Clients are not trusted: it decides neither the id of
/// the request's trace nor whether it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace id, not all zeroes.
    pub trace_id: [u8; 16],
    /// The id of the calling span, not all zeroes.
    pub span_id: [u8; 8],
    /// Whether the caller samples its trace.
    pub sampled: bool,
}

/// Links the span of a request to the span of its caller, since `tracing` has no API for remote spans.
pub trait TraceLinks: Debug + Send + Sync + 'static {
    /// Links `span` to `caller`. Must not block.
    fn link(&self, span: &Span, caller: &TraceParent);
}

const NAME: HeaderName = HeaderName::from_static("traceparent");

impl TraceParent {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(NAME).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.as_bytes()),
            _ => None,
        }
    }

    /// Accepts version 00 only, which has exactly four fields; later versions may have more.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut fields = text.split(|byte| *byte == b'-');
        let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        if version != b"00" || fields.next().is_some() {
            return None;
        }
        let [flags] = hex(flags)?;
        let (trace_id, span_id) = (hex::<16>(trace)?, hex::<8>(span)?);
        let named = trace_id != [0; 16] && span_id != [0; 8];
        named.then_some(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}

/// Parses lower-case hexadecimal digits, the only ones that the specification allows.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn one_well_formed_header_is_accepted() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(GOOD));
        let parent = TraceParent::of(&headers).unwrap();
        assert_eq!((parent.trace_id[0], parent.trace_id[15]), (0x0a, 0x9c));
        assert_eq!((parent.span_id[0], parent.span_id[7], parent.sampled), (0xb7, 0x31, true));
        headers.append("traceparent", HeaderValue::from_static(GOOD));
        assert_eq!(TraceParent::of(&headers), None, "two headers are ambiguous");
    }

    #[test]
    fn malformed_headers_are_ignored() {
        for bad in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            "00-lp_live_0123456789ABCDEF_secretsecret-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
        }
        assert!(TraceParent::parse(GOOD.replace("-01", "-00").as_bytes()).is_some_and(|one| !one.sampled));
    }
}
