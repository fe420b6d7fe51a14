//! Detects what hyper accepts in the head of an HTTP/1 request, although a proxy in front may read it in another way.

/// The longer one of the two names.
const MOST: usize = TRANSFER_ENCODING.len();
const CONTENT_LENGTH: &[u8] = b"content-length";
const TRANSFER_ENCODING: &[u8; 17] = b"transfer-encoding";

/// The position in the bytes of a request head.
///
/// - A request target has no fragment (RFC 9112 §3.2), but the `http` crate, which hyper uses, removes one silently: the
///   service would answer for another target than a proxy in front saw.
/// - A request with both `Content-Length` and `Transfer-Encoding` may end elsewhere for a proxy (RFC 9112 §6.1), but hyper
///   ignores the former and only closes the connection after the response.
///
/// So a `#` in the target, and the colon after the second of the two names, are replaced by a byte that hyper rejects. The head
/// of a request that was pipelined behind another one is not checked, nor is that of HTTP/2, where it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestHead {
    at: At,
    /// The current field's name, as far as it can matter.
    name: [u8; MOST],
    length: usize,
    has_content_length: bool,
    has_transfer_encoding: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first byte of the method.
    Start,
    Method,
    Target,
    /// Before the next line feed: behind the target, or in a field's value.
    Line,
    Name,
    /// Behind the head, or not a request.
    Rest,
}

impl Default for RequestHead {
    fn default() -> Self {
        Self {
            at: At::Start,
            name: [0; MOST],
            length: 0,
            has_content_length: false,
            has_transfer_encoding: false,
        }
    }
}

impl RequestHead {
    /// Continues with the next input, and invalidates it if it is ambiguous.
    pub(crate) fn check(&mut self, input: &mut [u8]) {
        let mut rest = input;
        while self.at != At::Rest {
            let end = match self.at {
                // Most of a head are values, which do not matter.
                At::Line => rest.iter().position(|byte| *byte == b'\n'),
                At::Name => rest.iter().position(|byte| matches!(byte, b':' | b'\r' | b'\n')),
                At::Start | At::Method | At::Target | At::Rest => Some(0),
            };
            let (passed, after) = rest.split_at_mut(end.unwrap_or(rest.len()));
            if self.at == At::Name {
                self.extend_name(passed);
            }
            let Some((byte, after)) = after.split_first_mut() else { return };
            self.at = match (self.at, *byte) {
                (At::Rest, _) => At::Rest,
                (At::Start, b'\r' | b'\n') => At::Start,
                (At::Start | At::Method, b'A'..=b'Z') => At::Method,
                (At::Method, b' ') => At::Target,
                (At::Target, b'#') => {
                    *byte = 0;
                    At::Rest
                }
                (At::Target, 0x21..) => At::Target,
                (At::Target, b' ') => At::Line,
                (At::Start | At::Method | At::Target, _) => At::Rest,
                (At::Line, b'\n') => {
                    self.length = 0;
                    At::Name
                }
                (At::Line, _) => At::Line,
                (At::Name, b'\r') if self.length == 0 => At::Name,
                (At::Name, b'\n') if self.length == 0 => At::Rest,
                (At::Name, b'\n') => {
                    self.length = 0;
                    At::Name
                }
                (At::Name, b':') => {
                    if self.is_ambiguous() {
                        *byte = 0;
                    }
                    At::Line
                }
                (At::Name, other) => {
                    self.extend_name(&[other]);
                    At::Name
                }
            };
            rest = after;
        }
    }

    fn extend_name(&mut self, part: &[u8]) {
        let places = self.name.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in places.iter_mut().zip(part) {
            *place = *byte;
        }
        self.length = self.length.saturating_add(part.len());
    }

    /// Records the field whose name is complete, and returns whether the request has both.
    fn is_ambiguous(&mut self) -> bool {
        let name = self.name.get(..self.length).unwrap_or_default();
        self.has_content_length |= name.eq_ignore_ascii_case(CONTENT_LENGTH);
        self.has_transfer_encoding |= name.eq_ignore_ascii_case(TRANSFER_ENCODING);
        self.has_content_length && self.has_transfer_encoding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_checked(text: &str, expected: &str) {
        for pieces in 1..=text.len() {
            let mut bytes = text.as_bytes().to_vec();
            let mut head = RequestHead::default();
            bytes.chunks_mut(pieces).for_each(|piece| head.check(piece));
            assert_eq!(bytes, expected.as_bytes(), "{text:?} in pieces of {pieces}");
        }
    }

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
            assert_checked(text, expected);
        }
    }

    #[test]
    fn the_second_of_two_lengths_is_replaced_in_any_order_and_case_l85() {
        let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n0\r\n\r\n");
        for (first, second) in [
            ("Content-Length: 5", "Transfer-Encoding"),
            ("transfer-encoding: chunked\r\nX: y", "CONTENT-LENGTH"),
            ("Content-Length:5\nX:y", "transfer-Encoding"),
        ] {
            let text = head(&format!("{first}\r\n{second}: chunked"));
            assert_checked(&text, &text.replace(&format!("{second}:"), &format!("{second}\0")));
        }
        for fields in [
            "Content-Length: 5\r\nX-Transfer-Encoding: x\r\nTransfer-Encodings: x",
            "Content-Length: 5\r\nX: Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\n\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ] {
            assert_checked(&head(fields), &head(fields));
        }
    }
}
