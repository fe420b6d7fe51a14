//! What the demo prints for people.

use std::fmt::Write;

use dockline::{ClaimPolicy, State};
use secrecy::ExposeSecret;

use super::{Addresses, Demo, SEED_INSTALLATION, SEED_STATE};
use crate::github_sim::{ORGANIZATION, SLUG};

/// The guide, in the order of the flow. The two states are fresh: one for each organization's lines.
pub(super) fn text(demo: &Demo, state: &State, rival_state: &State) -> String {
    let by_state = demo.policy() == ClaimPolicy::State;
    let mut text = head(demo);
    if by_state {
        text += &seed_example(demo);
    } else {
        text += &by_hand(demo, state.expose());
    }
    text += &afterwards(demo, by_state);
    text += &attack(demo, rival_state.expose(), by_state);
    text += "\nCtrl-C ends everything, and nothing is kept.\n";
    text
}

fn head(demo: &Demo) -> String {
    let Addresses { api, github, product, .. } = demo.addresses();
    let policy = match demo.policy() {
        ClaimPolicy::State => "state: whoever guesses the number of an unbound installation can bind it",
        ClaimPolicy::Visible => "visible: whoever connects must be able to see the installation",
        ClaimPolicy::Controlled => "controlled: whoever connects must administer the account",
    };
    format!(
        "Dockline's demo is running.\n\n\
         The product   {product}   <- open this in a browser and press \"Connect GitHub\"\n\
         The API       {api}/v1/github/installation\n\
         GitHub        {github}   (simulated; you are olga, who administers {ORGANIZATION})\n\
         Claim policy  {policy}\n\n\
         The keys below are made for this run and worth nothing after it, which is why they are shown.\n"
    )
}

fn by_hand(demo: &Demo, state: &str) -> String {
    let Addresses { api, product, .. } = demo.addresses();
    let key = demo.acme().key.expose_secret();
    format!(
        "\nThe same by hand, as the product's backend does it (disconnect in the product first)\n\n\
         1. Ask for an install link:\n\n\
         curl -G {api}/v1/github/installation/install-url \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -d state={state} \\\n  \
           --data-urlencode returnUrl={product}/by-hand\n\n\
         2. Open its installUrl in a browser, choose the account {ORGANIZATION}, press Install, then Confirm.\n   \
            The page that you end on shows the installation's number.\n\n\
         3. Bind it. PutOutcome that number here:\n\n\
         ID=...\n\
         curl -i {api}/v1/github/installation \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -H 'Content-Type: application/json' \\\n  \
           -d '{{\"installationId\": '$ID', \"state\": \"{state}\"}}'\n\n\
         The same line again is a no-op: the same answer, with Idempotent-Replayed: true.\n"
    )
}

fn seed_example(demo: &Demo) -> String {
    let Addresses { api, return_url, .. } = demo.addresses();
    let key = demo.acme().key.expose_secret();
    format!(
        "\nThe API page's example, to the letter (disconnect in the product first)\n\n\
         1. Ask for an install link, with the example's state:\n\n\
         curl -G {api}/v1/github/installation/install-url \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -d state={SEED_STATE} \\\n  \
           --data-urlencode returnUrl={return_url}\n\n\
         2. Bind the example's installation, which {ORGANIZATION} has already:\n\n\
         curl -i {api}/v1/github/installation \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -H 'Content-Type: application/json' \\\n  \
           -d '{{\n    \"installationId\": {SEED_INSTALLATION},\n    \"state\": \"{SEED_STATE}\"\n  }}'\n\n\
         The same line again is a no-op: the same answer, with Idempotent-Replayed: true. After a detachment the state is\n\
         spent: leave -d state away then, and use the one that comes.\n"
    )
}

fn afterwards(demo: &Demo, by_state: bool) -> String {
    let Addresses { api, github, .. } = demo.addresses();
    let key = demo.acme().key.expose_secret();
    let mut text = format!(
        "\nSuspend or uninstall it at GitHub, and look again, here or in the product: {github}/settings/installations\n\n\
         The repositories that it reaches:\n\ncurl '{api}/v1/github/repos?limit=2' \\\n  -H 'Authorization: Bearer {key}'\n"
    );
    let (detach, query) = if by_state {
        ("Detach", "")
    } else {
        // Where the App stays installed, GitHub's page offers Save in place of Install, and asks once more who came.
        ("Detach, and remove the App at GitHub, so that it can be installed again", "?uninstall=true")
    };
    for (what, option, query) in [("What is bound", "", ""), (detach, "-i -X DELETE ", query)] {
        let _ = write!(
            text,
            "\n{what}:\n\ncurl {option}'{api}/v1/github/installation{query}' \\\n  -H 'Authorization: Bearer {key}'\n"
        );
    }
    text
}

fn attack(demo: &Demo, state: &str, by_state: bool) -> String {
    let Addresses { api, github, product, .. } = demo.addresses();
    let rival = demo.rival();
    let (name, key) = (rival.name, rival.key.expose_secret());
    let number = if by_state { format!("ID={SEED_INSTALLATION}\n") } else { String::new() };
    // Where the policy asks nobody, no confirmation page comes.
    let lure = if by_state {
        String::new()
    } else {
        format!(
            "After detaching, open the rival's installUrl as olga, as if its people had sent it to her: the confirmation\n\
             page names {name}.\n"
        )
    };
    let outcome = if by_state {
        "While Acme Coffee is bound this is a 422, the same as for a number that does not exist. Detach first, and it is a\n\
         201: that is what the policy \"state\" means. Without --claim-policy it stays a 422."
    } else {
        "422, whether Acme Coffee is bound or not, and the same for a number that does not exist."
    };
    format!(
        "\nThe attack: {name}, another organization of the same product, claims Acme Coffee's installation by its number\n\n\
         {number}\
         curl -G {api}/v1/github/installation/install-url \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -d state={state} \\\n  \
           --data-urlencode returnUrl={product}/by-hand\n\
         curl -i {api}/v1/github/installation \\\n  \
           -H 'Authorization: Bearer {key}' \\\n  \
           -H 'Content-Type: application/json' \\\n  \
           -d '{{\"installationId\": '$ID', \"state\": \"{state}\"}}'\n\n\
         {outcome}\n\
         {lure}\
         To be a stranger in the browser: {github}/session/mallory?return_to=/apps/{SLUG}/installations/new\n\
         (olga again: {github}/session/olga)\n"
    )
}
