//! The confirmation page and the refusal page: no scripts, nothing loaded from elsewhere.

use std::fmt::Debug;

use dockline::{Account, CallbackRefusal, OrganizationName};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::wire::ApiErrorCode;

/// The content of the confirmation page: "Connect `account` on GitHub to `organization_name`?"
#[derive(Debug)]
pub struct Confirmation<'a> {
    /// The account to connect.
    pub account: &'a Account,
    /// The organization to connect it to. Show it prominently: it is how a visitor recognizes a stranger's link.
    pub organization_name: &'a OrganizationName,
    /// The form's field `state`.
    pub state: &'a str,
    /// The form's field `ticket`.
    pub ticket: &'a str,
}

/// The content of the refusal page.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// The code of the JSON error.
    pub code: ApiErrorCode,
    /// The reason and what to do.
    pub message: &'a str,
}

/// The pages of the callback.
///
/// Escape the arguments. The Content-Security-Policy forbids scripts and framing, and allows forms only to this callback and,
/// by redirect, to the return URL.
pub trait Pages: Debug + Send + Sync + 'static {
    /// Returns a page with a form that posts `state`, `ticket` and `answer` (`confirm` or `cancel`) to `callback`, relative
    /// to the page.
    fn confirmation(&self, confirmation: &Confirmation<'_>) -> String;

    /// Returns a page that names the reason of the refusal.
    fn refusal(&self, refusal: &Refusal<'_>) -> String;

    /// Returns further directives of the pages' Content-Security-Policy, such as `style-src 'self'`. Empty if the pages
    /// load nothing.
    fn content_sources(&self) -> &str;
}

/// The built-in pages.
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

/// The directive that allows [`STYLE`] by its hash.
const STYLE_SOURCE: &str = "style-src 'sha256-EvRyodPREZtgfbRlu50ZrtrUUUVLhK2btTDpdF+ZsE8='";

impl Pages for PlainPages {
    fn confirmation(&self, confirmation: &Confirmation<'_>) -> String {
        let Confirmation { account, organization_name, state, ticket } = confirmation;
        let (login, kind) = (&account.login, account.kind.as_str().to_lowercase());
        let main = html! {
            h1 {
                "Connect " strong id="account" { bdi { (login) } } " on GitHub to "
                strong id="organization" { bdi { (organization_name) } } "?"
            }
            p {
                bdi { (organization_name) } " will be able to reach the repositories of the GitHub " (kind) " "
                bdi { (login) } " that the installation covers. Confirm only if you know "
                bdi { (organization_name) } " and want to connect it."
            }
            form method="post" action="callback" {
                input type="hidden" name="state" value=(state);
                input type="hidden" name="ticket" value=(ticket);
                button.primary id="confirm" name="answer" value="confirm" { "Confirm" }
                button id="cancel" name="answer" value="cancel" { "Cancel" }
            }
        };
        page("Connect GitHub", &main)
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> String {
        let main = html! {
            h1 { "GitHub was not connected" }
            p id="reason" { (refusal.message) }
            p { small { (refusal.code) } }
        };
        page("Not connected", &main)
    }

    fn content_sources(&self) -> &str {
        STYLE_SOURCE
    }
}

fn page(title: &str, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (main) } }
        }
    };
    page.into_string()
}

/// Returns the English text of a refusal: the reason and what to do.
#[must_use]
pub const fn refusal_message(reason: CallbackRefusal) -> &'static str {
    match reason {
        CallbackRefusal::MalformedState | CallbackRefusal::UnknownState => {
            "This link is not valid, or was used up. Start again from the product."
        }
        CallbackRefusal::ExpiredState => {
            "This link has expired: links are valid for 15 minutes. Start again from the product."
        }
        CallbackRefusal::MalformedInstallation => {
            "GitHub's redirect names no installation. Start again from the product."
        }
        CallbackRefusal::MissingCode => {
            "GitHub did not identify you, so the installation cannot be connected. Start again from the product."
        }
        CallbackRefusal::AuthorizationDenied => {
            "You declined to authorize the App, so we cannot verify your access. Start again and choose Authorize."
        }
        CallbackRefusal::CodeRefused => {
            "GitHub did not accept this visit: it was used before, or has expired. Start again from the product."
        }
        CallbackRefusal::TiedToAnother => {
            "This link was used for another installation. Start again from the product."
        }
        CallbackRefusal::NotVisible => {
            "You cannot see this installation on GitHub, or it does not exist. Sign in to GitHub as an administrator of \
             the account, and start again from the product."
        }
        CallbackRefusal::NotAdministered => {
            "You can see this installation, but GitHub does not name you an administrator of its account. Ask an \
             administrator to connect it."
        }
        CallbackRefusal::NotMember => {
            "You can see this installation, but you are not an active member of its organization on GitHub. Ask an \
             administrator of the organization to connect it."
        }
        CallbackRefusal::PermissionMissing => {
            "GitHub does not tell us whether you administer this organization, because the App lacks the permission \
             “Members: read”. Tell the operator of this service; then an administrator of the organization accepts the \
             permission on GitHub."
        }
        CallbackRefusal::InstalledTooLongAgo => {
            "You installed the App before this link was made, and the App lacks the permission “Members: read”, so GitHub \
             does not tell us whether you still belong to the organization. Tell the operator of this service, or uninstall \
             the App on GitHub and start again from the product."
        }
        CallbackRefusal::SsoRequired => {
            "The organization requires its single sign-on. Sign in to the organization on GitHub, and start again from the \
             product."
        }
        CallbackRefusal::IpBlocked => {
            "The organization's IP allow list on GitHub blocks this service, so we cannot verify your access. Ask an \
             administrator of the organization to allow the service's addresses."
        }
        CallbackRefusal::AccountSuspended => {
            "GitHub suspended your account. Contact GitHub, or sign in with another account and start again from the product."
        }
        CallbackRefusal::AccessDenied => {
            "GitHub does not let us see what you may access. Ask an administrator of the account about its security \
             settings, and start again from the product."
        }
        CallbackRefusal::MembershipUnavailable => {
            "GitHub failed to tell us whether you administer this organization. Wait a minute, and start again from the \
             product."
        }
        CallbackRefusal::UnbindableAccount => {
            "The App is installed on an enterprise, or on an account that GitHub does not name. Only a user or an \
             organization can be connected: install the App there."
        }
        CallbackRefusal::TicketRefused => {
            "This question was answered before, or a later visit replaced it. Go back to the product, and start again if \
             nothing is connected."
        }
        CallbackRefusal::OtherBrowser => {
            "The answer came from another browser than the question was shown in. Start again from the product, in one \
             browser with cookies allowed."
        }
        _ => "The installation cannot be connected. Start again from the product.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use data_encoding::BASE64;
    use dockline::{AccountId, AccountKind, ErrorCode};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn policy_contains_the_hash_of_the_style() {
        let hash = BASE64.encode(&Sha256::digest(STYLE));
        assert_eq!(STYLE_SOURCE, format!("style-src 'sha256-{hash}'"));
    }

    #[test]
    fn markup_in_names_is_escaped() {
        let hostile = "<script>alert('x')</script>\"&";
        let account =
            Account { id: AccountId::new(1).unwrap(), login: hostile.into(), kind: AccountKind::User };
        let organization_name = OrganizationName::new(hostile).unwrap();
        let confirmation = Confirmation {
            account: &account,
            organization_name: &organization_name,
            state: hostile,
            ticket: hostile,
        };
        let message = PlainPages.refusal(&Refusal { code: ErrorCode::Validation.into(), message: hostile });
        for html in [PlainPages.confirmation(&confirmation), message] {
            assert!(!html.contains("<script"), "{html}");
            assert!(html.contains("&lt;script&gt;alert('x')&lt;/script&gt;&quot;&amp;"), "{html}");
        }
    }

    #[test]
    fn every_refusal_has_its_own_text() {
        let texts: BTreeSet<_> = CallbackRefusal::ALL.iter().map(|reason| refusal_message(*reason)).collect();
        // A malformed state and an unknown one share a text.
        assert_eq!(texts.len(), CallbackRefusal::ALL.len() - 1);
    }
}
