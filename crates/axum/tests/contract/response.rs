//! A response, received over the socket.

use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// `null` if the body is not JSON.
    pub(crate) json: Value,
}

impl Response {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Self { status, headers, text, json };
        answer.assert_well_formed();
        answer.assert_documented(&method, &path);
        answer
    }

    /// Asserts what every response has: the request id, and the error body.
    fn assert_well_formed(&self) {
        let id = self.header("x-request-id");
        assert!(is_request_id(id), "{self:?}");
        if self.status >= 400 && !self.header("content-type").starts_with("text/html") {
            assert_eq!(self.header("content-type"), "application/json", "{self:?}");
            let error = &self.json["error"];
            assert_eq!(error["requestId"], *id, "{self:?}");
            let code = error["code"].as_str().unwrap();
            assert!((1..=64).contains(&code.len()), "{self:?}");
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{self:?}");
            assert!((1..=2_000).contains(&error["message"].as_str().unwrap().len()), "{self:?}");
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.json["error"]["code"], code, "{answer:#?}");
        answer
    }

    /// `path code` of every issue.
    pub(crate) fn issues(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let issues = self.json["error"]["details"]["issues"].as_array().unwrap();
        issues.iter().map(|issue| format!("{} {}", text(&issue["path"]), text(&issue["code"]))).collect()
    }

    /// Returns the body without the request id.
    pub(crate) fn without_request_id(&self) -> String {
        self.text.replace(self.header("x-request-id"), "")
    }
}

/// `req_<ULID>`
fn is_request_id(id: &str) -> bool {
    id.strip_prefix("req_").is_some_and(|ulid| {
        ulid.len() == 26 && ulid.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte))
    })
}
