//! The frame of every page: escaping, the policy against foreign content, redirects.

use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// Nothing foreign, no script. Forms may lead anywhere, for browsers hold their redirects to this too, and those lead to Apps.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action http: https:; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1f2328;background:#f6f8fa;margin:0}\
main{max-width:36rem;margin:2rem auto;padding:1.5rem 2rem;background:#fff;border:1px solid #d1d9e0;border-radius:6px}\
h1{font-size:1.5rem;margin-top:0}fieldset{border:1px solid #d1d9e0;border-radius:6px;margin:1rem 0}\
button{font:inherit;padding:.4rem 1rem;border:1px solid #1a6b31;border-radius:6px;background:#1f7a39;color:#fff;cursor:pointer}\
button.plain{background:#fff;color:#1f2328;border-color:#818b98}select{font:inherit;padding:.3rem}\
.notice{border-left:4px solid #9a6700;padding-left:.8rem}footer{max-width:36rem;margin:auto;color:#59636e;font-size:.85rem}";

/// Text made safe inside markup, also inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    html_escape::encode_quoted_attribute(text).into_owned()
}

/// A page. `title` is text, `main` is markup whose texts were escaped.
pub(super) fn page(status: StatusCode, title: &str, main: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · GitHub simulator</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>{title}</h1>\n{main}</main>\n\
         <footer>This is a simulator for development, not GitHub.</footer>\n</body>\n</html>\n"
    );
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, html).into_response()
}

/// A page that says why not. `text` is text.
pub(super) fn refusal(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, &format!("<p>{}</p>\n", escape(text)))
}

pub(super) fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "Not found", "This is not the page you are looking for.")
}

pub(super) fn failure() -> Response {
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", "Try again.")
}

/// 302, as GitHub redirects.
pub(super) fn found(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(_) => {
            refusal(StatusCode::BAD_REQUEST, "Bad address", "The address to go to has forbidden characters.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_in_text_stays_text() {
        assert_eq!(escape("<a href='x' b=\"&\">"), "&lt;a href=&#x27;x&#x27; b=&quot;&amp;&quot;&gt;");
    }
}
