use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::{ExposeSecret, SecretString};

/// What happens when all requests were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The load ends.
    Once,
    /// They are sent again.
    Again,
}

/// Prepared requests, as bytes.
pub(crate) struct Requests {
    requests: Vec<Vec<u8>>,
    order: Order,
    next: AtomicUsize,
}

impl Requests {
    pub(crate) fn new(requests: Vec<Vec<u8>>, order: Order) -> Self {
        Self { requests, order, next: AtomicUsize::new(0) }
    }

    /// Returns the next request, or `None` if the load ends.
    pub(super) fn next(&self) -> Option<&[u8]> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let index = match self.order {
            Order::Once => number,
            Order::Again => number.checked_rem(self.requests.len())?,
        };
        self.requests.get(index).map(Vec::as_slice)
    }

    /// Returns the number of different requests.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }
}

impl std::fmt::Debug for Requests {
    /// Without the requests, which have keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requests")
            .field("len", &self.len())
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// Returns a GET, with this API key if there is one.
pub(crate) fn get(path: &str, key: Option<&SecretString>) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{}\r\n", authorization(key)).into_bytes()
}

/// Returns a POST of JSON with this API key.
pub(crate) fn post(path: &str, key: &SecretString, json: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
        authorization(Some(key)),
        json.len()
    )
    .into_bytes()
}

fn authorization(key: Option<&SecretString>) -> String {
    key.map(|key| format!("authorization: Bearer {}\r\n", key.expose_secret())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(requests: &Requests, number: usize) -> Vec<Option<&[u8]>> {
        (0..number).map(|_| requests.next()).collect()
    }

    #[test]
    fn requests_are_sent_in_turn_once_or_again() {
        let prepared = || vec![b"a".to_vec(), b"b".to_vec()];
        assert_eq!(taken(&Requests::new(prepared(), Order::Once), 3), [Some(&b"a"[..]), Some(b"b"), None]);
        assert_eq!(
            taken(&Requests::new(prepared(), Order::Again), 3),
            [Some(&b"a"[..]), Some(b"b"), Some(b"a")]
        );
        assert_eq!(taken(&Requests::new(Vec::new(), Order::Again), 1), [None]);
    }

    #[test]
    fn a_request_has_its_key_and_its_length_and_debug_shows_neither() {
        let key = SecretString::from("canary");
        assert_eq!(get("/healthz", None), b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n");
        let post = post("/v1", &key, "{}");
        let text = String::from_utf8(post.clone()).unwrap();
        assert!(
            text.contains("\r\nauthorization: Bearer canary\r\n")
                && text.ends_with("content-length: 2\r\n\r\n{}")
        );
        assert!(!format!("{:?}", Requests::new(vec![post], Order::Once)).contains("canary"));
    }
}
