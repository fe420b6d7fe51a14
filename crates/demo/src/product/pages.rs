//! The product's pages, without scripts.

use maud::{DOCTYPE, Markup, html};

use super::api::Binding;
use crate::journal::Step;

/// The style sheet of every page.
pub(super) const STYLE: &str = "\
body{font:1.1rem/1.5 system-ui,sans-serif;color:#2b1d14;background:#fbf7f2;margin:0}\
main{max-width:34rem;margin:6vh auto;padding:0 1.2rem;overflow-wrap:anywhere}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-top:1px solid #e3d8cd;padding-top:1rem}\
ol{padding-left:1.4rem}li{margin:.5rem 0}\
strong{font-size:.85rem;padding:.1rem .5rem;border-radius:.3rem;background:#ece2d8;color:#2b1d14}\
.proved,.bound{background:#d5ecd9;color:#0f4a22}.refused{background:#f9d9d5;color:#7a1712}.received{background:#d6e4f7;color:#123e78}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.2rem}dt{color:#6b5547}dd{margin:0}\
button{font:inherit;padding:.6rem 1.4rem;border-radius:.4rem;border:1px solid #5a3620;background:#5a3620;\
color:#fff;cursor:pointer}\
button.plain{background:transparent;color:#5a3620}\
button:focus-visible,a:focus-visible{outline:3px solid #0969da;outline-offset:2px}";

pub(super) fn not_connected(steps: &[Step]) -> Markup {
    page(
        "GitHub",
        html! {
            p #status role="status" { "Not connected" }
            p { "Bean Counter reads the repositories of your roastery. Connect the GitHub account that owns them." }
            form method="post" action="/product/connect" {
                button #connect { "Connect GitHub" }
            }
            (happened(steps))
        },
    )
}

pub(super) fn connected(binding: &Binding, steps: &[Step]) -> Markup {
    page(
        "GitHub",
        html! {
            p #status role="status" { "Connected" }
            dl {
                dt { "Account" } dd #bound-login { (binding.org_login) }
                dt { "Status" } dd #bound-status { (binding.status) }
                dt { "Installation" } dd #bound-id { (binding.installation_id) }
                dt { "Since" } dd #bound-since { (binding.registered_at) }
            }
            form method="post" action="/product/detach" {
                button #detach .plain { "Disconnect" }
            }
            (happened(steps))
        },
    )
}

pub(super) fn cancelled() -> Markup {
    page(
        "GitHub",
        html! {
            p #status role="status" { "Cancelled" }
            p { "Nothing was connected." }
            (back())
        },
    )
}

pub(super) fn waiting() -> Markup {
    page(
        "GitHub",
        html! {
            p #status role="status" { "Waiting for an owner" }
            p { "GitHub has asked the owners of the account. Connect again after they have approved the App." }
            (back())
        },
    )
}

pub(super) fn by_hand(installation: u64) -> Markup {
    page(
        "GitHub",
        html! {
            p #status role="status" { "Confirmed" }
            p { "Now bind installation " strong #installation-id { (installation) } " on the command line." }
            (back())
        },
    )
}

pub(super) fn problem(code: &str, message: &str) -> Markup {
    page(
        "GitHub was not connected",
        html! {
            p #error-message role="alert" { (message) }
            p { small #error-code { (code) } }
            (back())
        },
    )
}

/// The steps so far, newest last. A product would not show them.
fn happened(steps: &[Step]) -> Markup {
    html! {
        @if !steps.is_empty() {
            section aria-labelledby="happened" {
                h2 #happened { "What happened" }
                ol #steps {
                    @for step in steps {
                        li { strong class=(step.kind.as_str().to_ascii_lowercase()) { (step.kind.as_str()) } " " (step.text) }
                    }
                }
                p { a #refresh href="/product" { "Refresh" } }
            }
        }
    }
}

fn back() -> Markup {
    html! { p { a href="/product" { "Back" } } }
}

fn page(title: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Bean Counter" }
                link rel="stylesheet" href="/product/style.css";
            }
            body { main { h1 { (title) } (main) } }
        }
    }
}
