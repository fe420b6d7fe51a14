//! The product's pages: plain, without scripts.

use super::Bound;
use html_escape::encode_quoted_attribute as escaped;

/// Loaded by every page.
pub(super) const STYLE: &str = "\
body{font:1.1rem/1.5 system-ui,sans-serif;color:#2b1d14;background:#fbf7f2;margin:0}\
main{max-width:34rem;margin:10vh auto;padding:0 1.5rem}\
h1{font-size:1.6rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem}dt{color:#6b5547}dd{margin:0}\
button{font:inherit;padding:.6rem 1.4rem;border-radius:.4rem;border:1px solid #5a3620;background:#5a3620;\
color:#fff;cursor:pointer}\
button.plain{background:transparent;color:#5a3620}\
button:focus-visible,a:focus-visible{outline:3px solid #0969da;outline-offset:2px}";

pub(super) fn not_connected() -> String {
    page(
        "GitHub",
        "<p id=\"status\" role=\"status\">Not connected</p>\n\
         <p>Bean Counter reads the repositories of your roastery. Connect the GitHub account that has them.</p>\n\
         <form method=\"post\" action=\"/product/connect\">\n\
         <button id=\"connect\">Connect GitHub</button>\n</form>",
    )
}

pub(super) fn connected(bound: &Bound) -> String {
    let (login, status) = (escaped(&bound.org_login), escaped(&bound.status));
    let (id, since) = (bound.installation_id, escaped(&bound.registered_at));
    page(
        "GitHub",
        &format!(
            "<p id=\"status\" role=\"status\">Connected</p>\n<dl>\n\
             <dt>Account</dt><dd id=\"bound-login\">{login}</dd>\n\
             <dt>Status</dt><dd id=\"bound-status\">{status}</dd>\n\
             <dt>Installation</dt><dd id=\"bound-id\">{id}</dd>\n\
             <dt>Since</dt><dd id=\"bound-since\">{since}</dd>\n</dl>\n\
             <form method=\"post\" action=\"/product/detach\">\n\
             <button id=\"detach\" class=\"plain\">Disconnect</button>\n</form>"
        ),
    )
}

pub(super) fn cancelled() -> String {
    page("GitHub", "<p id=\"status\" role=\"status\">Cancelled</p>\n<p>Nothing was connected.</p>\n")
}

pub(super) fn waiting() -> String {
    page(
        "GitHub",
        "<p id=\"status\" role=\"status\">Waiting for an owner</p>\n\
         <p>The owners of the account were asked. Connect again when they agreed.</p>\n",
    )
}

pub(super) fn by_hand(installation: u64) -> String {
    page(
        "GitHub",
        &format!(
            "<p id=\"status\" role=\"status\">Confirmed</p>\n\
             <p>Now bind installation <strong id=\"installation-id\">{installation}</strong> \
             on the command line.</p>\n"
        ),
    )
}

pub(super) fn problem(code: &str, message: &str) -> String {
    let (code, message) = (escaped(code), escaped(message));
    page(
        "GitHub was not connected",
        &format!(
            "<p id=\"error-message\" role=\"alert\">{message}</p>\n\
             <p><small id=\"error-code\">{code}</small></p>\n"
        ),
    )
}

fn page(title: &str, main: &str) -> String {
    let back = if main.contains("<form") { "" } else { "<p><a href=\"/product\">Back</a></p>" };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Bean Counter</title>\n<link rel=\"stylesheet\" href=\"/product/style.css\">\n\
         </head>\n<body>\n<main>\n<h1>{title}</h1>\n{main}\n{back}\n</main>\n</body>\n</html>\n"
    )
}
