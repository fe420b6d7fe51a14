//! Detects `#` in an HTTP/1 request target.

/// The position in the bytes of a request head, as far as its first line matters.
///
/// A request target has no fragment (RFC 9112 §3.2), but the `http` crate, which hyper uses, removes one silently: the service
/// would answer for another target than a proxy in front saw. So `#` is replaced by a byte that hyper rejects. The target of a
/// request that was pipelined behind another one is not checked, nor is that of HTTP/2, where it is compressed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestLine {
    /// Before the first byte of the method.
    #[default]
    Start,
    Method,
    Target,
    /// Behind the target, or not a request line.
    Rest,
}

impl RequestLine {
    /// Continues with the next input, and invalidates it if it has a `#` in the target.
    pub(crate) fn check(&mut self, input: &mut [u8]) {
        for byte in input {
            *self = match (*self, *byte) {
                (Self::Rest, _) => return,
                (Self::Start, b'\r' | b'\n') => Self::Start,
                (Self::Start | Self::Method, b'A'..=b'Z') => Self::Method,
                (Self::Method, b' ') => Self::Target,
                (Self::Target, b'#') => {
                    *byte = 0;
                    Self::Rest
                }
                (Self::Target, 0x21..) => Self::Target,
                _ => Self::Rest,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_sign_in_the_target_is_replaced_however_the_input_is_split() {
        for (text, expected) in [
            ("GET /a#b HTTP/1.1\r\n", "GET /a\0b HTTP/1.1\r\n"),
            ("\r\nDELETE /a?x=#b HTTP/1.1\r\n", "\r\nDELETE /a?x=\0b HTTP/1.1\r\n"),
            ("GET http://a#b HTTP/1.1\r\n", "GET http://a\0b HTTP/1.1\r\n"),
            ("GET # HTTP/1.1\r\n", "GET \0 HTTP/1.1\r\n"),
            ("GET /a%23b HTTP/1.1\r\nX: #1\r\n\r\n#", "GET /a%23b HTTP/1.1\r\nX: #1\r\n\r\n#"),
            ("X-Header: /#b\r\n", "X-Header: /#b\r\n"),
            ("{\"a\": \"#b\"}", "{\"a\": \"#b\"}"),
        ] {
            for pieces in 1..=text.len() {
                let mut bytes = text.as_bytes().to_vec();
                let mut line = RequestLine::default();
                bytes.chunks_mut(pieces).for_each(|piece| line.check(piece));
                assert_eq!(bytes, expected.as_bytes(), "{text:?} in pieces of {pieces}");
            }
        }
    }
}
