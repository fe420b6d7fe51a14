use dockline::WaysOut;
use dockline::rules::return_url;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Choice, Confirmation, Pages, Refusal};

/// The built-in pages: no scripts, nothing loaded from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainPages;

/// The animation keeps the pointer off the buttons for a second, without a script: a click that was meant for a page that
/// this one replaced has no effect. The keyboard works at once.
const STYLE: &str = "\
body{font:1.1rem/1.5 system-ui,sans-serif;color:#1f2328;background:#fff;margin:0}\
main{max-width:36rem;margin:10vh auto;padding:0 1.5rem;overflow-wrap:anywhere}\
h1{font-size:1.5rem;line-height:1.3}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1rem}\
dt{color:#59636e}\
dd{margin:0;min-width:0}\
ul{padding-left:1.2rem}\
li{margin:.4rem 0}\
a{color:#0969da}\
button{font:inherit;padding:.6rem 1.4rem;margin:.5rem .75rem 0 0;border-radius:.4rem;border:1px solid #59636e;\
background:#fff;color:#1f2328;cursor:pointer;animation:hold 1s}\
button.primary{background:#1a7f37;border-color:#1a7f37;color:#fff}\
a:focus-visible,button:focus-visible{outline:3px solid #0969da;outline-offset:2px}\
@keyframes hold{from,to{pointer-events:none}}\
@media(max-width:30rem){main{margin:1.5rem auto}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.6rem}\
button{width:100%;margin-right:0}}";

/// The directive that allows [`STYLE`] by its hash.
const STYLE_SOURCE: &str = "style-src 'sha256-z/1rzba7zSjw4K4XPclC7gSJ/gSbYZjOd61ZJqcrYlA='";

impl Pages for PlainPages {
    fn confirmation(&self, confirmation: &Confirmation<'_>) -> String {
        let Confirmation { account, organization_name, organization, actor, return_host, state, ticket } =
            confirmation;
        let (login, kind) = (&account.login, account.kind.as_str().to_lowercase());
        let main = html! {
            h1 {
                "Connect " strong id="account" { bdi { (login) } } " on GitHub to "
                strong id="organization" { bdi { (organization_name) } } "?"
            }
            p {
                bdi { (organization_name) } " will be able to reach the repositories of the GitHub " (kind) " "
                bdi { (login) } " that the installation covers."
            }
            dl {
                dt { "GitHub " (kind) } dd { bdi { (login) } }
                dt { "Connect to" }
                dd { bdi { (organization_name) } " (" bdi id="organization-id" { (organization) } ")" }
                dt { "Requested by" } dd { bdi id="actor" { (actor) } }
                dt { "Returns to" } dd { bdi id="return-host" { (return_host) } }
            }
            p id="warning" {
                strong { "If you did not start this yourself a moment ago, cancel." }
                " Another person may have sent you this link to connect your account to theirs."
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

    fn choice(&self, choice: &Choice<'_>) -> String {
        let Choice { organization_name, organization, options, install_url, ways_out } = choice;
        let main = html! {
            h1 { "Connect GitHub to " strong id="organization" { bdi { (organization_name) } } }
            p { "The App is for " bdi { (organization_name) } " (" bdi { (organization) } ")." }
            @if options.is_empty() {
                p id="none" { "Your GitHub account sees no installation of the App." }
            } @else {
                p id="choose" { "Choose the account to connect:" }
                ul {
                    @for option in *options {
                        li { a.option href={ "callback?" (option.query) } { bdi { (option.account.login) } } }
                    }
                }
            }
            ul {
                li { a id="install" href=(install_url) { "Install the App on another account" } }
                (links(ways_out))
            }
        };
        page("Connect GitHub", &main)
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> String {
        let main = html! {
            h1 { "GitHub was not connected" }
            p id="reason" { (refusal.message) }
            ul { (links(refusal.ways_out)) }
            p { small { (refusal.code) } }
        };
        page("Not connected", &main)
    }

    fn content_sources(&self) -> &str {
        STYLE_SOURCE
    }
}

fn links(ways_out: &WaysOut) -> Markup {
    let WaysOut { return_url, again, other_account, single_sign_on } = ways_out;
    html! {
        @if let Some(url) = single_sign_on {
            li { a id="single-sign-on" href=(url) { "Sign in to the organization on GitHub" } ", then come back here" }
        }
        @if let Some(query) = again {
            li { a id="again" href={ "callback?" (query) } { "Continue with GitHub" } }
        }
        @if let Some(query) = other_account {
            li { a id="other-account" href={ "callback?" (query) } { "Use another GitHub account" } }
        }
        @if let Some(url) = return_url {
            li { a id="back" href=(url) { "Back to " bdi { (return_url::host(url)) } } }
        }
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

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use dockline::{Account, AccountId, AccountKind, ErrorCode, InstallationOption, OrganizationName};
    use sha2::{Digest, Sha256};

    use super::*;

    const HOSTILE: &str = "<script>alert('x')</script>\"&";

    fn account() -> Account {
        Account { id: AccountId::new(1).unwrap(), login: HOSTILE.into(), kind: AccountKind::User }
    }

    #[test]
    fn policy_contains_the_hash_of_the_style() {
        let hash = BASE64.encode(&Sha256::digest(STYLE));
        assert_eq!(STYLE_SOURCE, format!("style-src 'sha256-{hash}'"));
    }

    #[test]
    fn markup_in_names_is_escaped() {
        let organization_name = OrganizationName::new(HOSTILE).unwrap();
        let confirmation = PlainPages.confirmation(&Confirmation {
            account: &account(),
            organization_name: &organization_name,
            organization: &"org_1".parse().unwrap(),
            actor: &HOSTILE.parse().unwrap(),
            return_host: HOSTILE,
            state: HOSTILE,
            ticket: HOSTILE,
        });
        let ways_out = WaysOut {
            return_url: Some(HOSTILE.into()),
            again: Some(HOSTILE.into()),
            other_account: Some(HOSTILE.into()),
            single_sign_on: Some(HOSTILE.into()),
        };
        let choice = PlainPages.choice(&Choice {
            organization_name: &organization_name,
            organization: &"org_1".parse().unwrap(),
            options: &[InstallationOption { account: account(), query: HOSTILE.into() }],
            install_url: HOSTILE,
            ways_out: &ways_out,
        });
        let code = ErrorCode::Validation.into();
        let refusal = PlainPages.refusal(&Refusal { code, message: HOSTILE, ways_out: &ways_out });
        for html in [confirmation, choice, refusal] {
            assert!(!html.contains("<script"), "{html}");
            assert!(html.contains("&lt;script&gt;alert('x')&lt;/script&gt;&quot;&amp;"), "{html}");
        }
    }
}
