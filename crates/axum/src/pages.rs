//! The two pages that a visitor may see: small, plain, without scripts or anything loaded from elsewhere.

use std::fmt::Debug;

use dockline::{Account, ErrorCode};
use html_escape::encode_quoted_attribute as escaped;

/// What the confirmation page asks: "Connect `account` on GitHub to `organization_name`?"
#[derive(Debug)]
pub struct Confirmation<'a> {
    /// The account that would be connected.
    pub account: &'a Account,
    /// Whom it would be connected to. The visitor recognises a stranger by it, so it must stand out.
    pub organization_name: &'a str,
    /// Goes into the form's field `state`.
    pub state: &'a str,
    /// Goes into the form's field `ticket`.
    pub ticket: &'a str,
}

/// Why a visitor is turned away.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The code that a program would see.
    pub code: ErrorCode,
    /// What the visitor is told.
    pub message: &'a str,
}

/// The pages of the callback: a host may bring its own.
///
/// What they are given is not escaped. Scripts do not run on them, they cannot be framed, and their forms can only be
/// sent to this callback and on to the state's return URL.
pub trait Pages: Debug + Send + Sync + 'static {
    /// A page with a form that POSTs `state`, `ticket` and `answer` (`confirm` or `cancel`) to `callback`, beside the
    /// page itself.
    fn confirmation(&self, confirmation: &Confirmation<'_>) -> String;

    /// A page that says why the visitor was turned away.
    fn refusal(&self, refusal: &Refusal<'_>) -> String;

    /// What the pages load, as further directives of their Content-Security-Policy, such as `style-src 'self'`. Empty
    /// for nothing.
    fn content_sources(&self) -> &str;
}

/// The pages that come with Dockline.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainPages;

const STYLE: &str = "\
body{font:1.1rem/1.5 system-ui,sans-serif;color:#1f2328;background:#fff;margin:0}\
main{max-width:34rem;margin:12vh auto;padding:0 1.5rem}\
h1{font-size:1.5rem;line-height:1.3}\
button{font:inherit;padding:.6rem 1.4rem;margin:.5rem .75rem 0 0;border-radius:.4rem;border:1px solid #59636e;\
background:#fff;color:#1f2328;cursor:pointer}\
button.primary{background:#1a7f37;border-color:#1a7f37;color:#fff}\
button:focus-visible{outline:3px solid #0969da;outline-offset:2px}";

/// The hash under which the policy lets [`STYLE`] through.
const STYLE_SOURCE: &str = "style-src 'sha256-EvRyodPREZtgfbRlu50ZrtrUUUVLhK2btTDpdF+ZsE8='";

impl Pages for PlainPages {
    fn confirmation(&self, confirmation: &Confirmation<'_>) -> String {
        let Confirmation { account, organization_name, state, ticket } = confirmation;
        let (login, kind) = (escaped(&account.login), account.kind.as_str().to_lowercase());
        let organization = escaped(organization_name);
        let (state, ticket) = (escaped(state), escaped(ticket));
        page(
            "Connect GitHub",
            &format!(
                "<h1>Connect <strong id=\"account\">{login}</strong> on GitHub to \
                 <strong id=\"organization\">{organization}</strong>?</h1>\n\
                 <p>{organization} will be able to reach the repositories of the GitHub {kind} {login} that the \
                 installation covers. Confirm only if you know {organization} and meant to connect it.</p>\n\
                 <form method=\"post\" action=\"callback\">\n\
                 <input type=\"hidden\" name=\"state\" value=\"{state}\">\n\
                 <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\n\
                 <button class=\"primary\" id=\"confirm\" name=\"answer\" value=\"confirm\">Confirm</button>\n\
                 <button id=\"cancel\" name=\"answer\" value=\"cancel\">Cancel</button>\n\
                 </form>"
            ),
        )
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> String {
        let (message, code) = (escaped(refusal.message), refusal.code);
        page(
            "Not connected",
            &format!(
                "<h1>GitHub was not connected</h1>\n<p id=\"reason\">{message}</p>\n<p><small>{code}</small></p>"
            ),
        )
    }

    fn content_sources(&self) -> &str {
        STYLE_SOURCE
    }
}

fn page(title: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{main}\n</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use dockline::{AccountId, AccountKind};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_hash_of_the_style() {
        let hash = BASE64.encode(&Sha256::digest(STYLE));
        assert_eq!(STYLE_SOURCE, format!("style-src 'sha256-{hash}'"));
    }

    #[test]
    fn whatever_a_name_holds_is_text() {
        let hostile = "<script>alert('x')</script>\"&";
        let account =
            Account { id: AccountId::new(1).unwrap(), login: hostile.into(), kind: AccountKind::User };
        let confirmation =
            Confirmation { account: &account, organization_name: hostile, state: hostile, ticket: hostile };
        let html = PlainPages.confirmation(&confirmation);
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;"), "{html}");
    }
}
